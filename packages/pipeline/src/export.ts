import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type FactorPanel,
  type FittedParameters,
  InputError,
  type MethodId,
  monthEndOfIndex,
  Random,
  type ReturnMatrix,
  type Span,
} from '@macrograd/core';
import { predictLinear } from '@macrograd/linear';
import { fromParameters } from '@macrograd/model';
import type { OnnxParity } from '@macrograd/onnx';
import { readModel, type StoredModel } from '@macrograd/store';
import { availableMethods } from './config/schema.js';
import { exportedMethod, writeOnnx } from './stages/models.js';

/** An ONNX file that was compared with the model it was made of. */
export interface ExportedModel {
  readonly file: string;
  readonly bytes: number;
  readonly method: MethodId;
  readonly parity: OnnxParity;
}

/** Rows of the drawn inputs: enough for a hundred windows of three years. */
const VERIFIED_ROWS = 136;
/** Share of drawn values that are missing, so that this path is compared too. */
const MISSING_SHARE = 0.02;

/**
 * Makes `<dir>/onnx/model.onnx` anew from the stored model of a finished run and compares the two on inputs drawn with
 * the training means and spreads, some of them missing.
 *
 * @throws InputError without a stored model, MacrogradError with code `verification_failed` when the two disagree
 */
export async function exportOnnxModel(dir: string): Promise<ExportedModel> {
  const stored = availableMethods.filter((method) => existsSync(join(dir, 'models', method, 'model.json')));
  if (stored.length === 0) {
    throw new InputError('there are no models', {
      place: { file: join(dir, 'models') },
      remedy: 'give the directory that "macrograd run" wrote',
    });
  }
  const method = exportedMethod(stored);
  const model = readModel(join(dir, 'models', method));
  const inputs = drawnInputs(model);
  const span = { start: 0, end: VERIFIED_ROWS };
  const parity = await writeOnnx(dir, model, inputs, await predictions(model.parameters, inputs, span));
  const file = join(dir, 'onnx', 'model.onnx');
  return { file, bytes: statSync(file).size, method, parity };
}

function predictions(parameters: FittedParameters, inputs: FactorPanel, span: Span): Promise<ReturnMatrix> {
  return parameters.method === 'lstm'
    ? fromParameters(parameters).predict(inputs, span)
    : Promise.resolve(predictLinear(parameters, inputs, span));
}

function drawnInputs({ info, parameters }: StoredModel): FactorPanel {
  const { mean, sd } = parameters.scaler;
  const random = new Random(1);
  const values = Float64Array.from({ length: VERIFIED_ROWS * mean.length }, (_, i) => {
    const value = mean[i % mean.length] + sd[i % mean.length] * random.normal();
    return random.uniform() < MISSING_SHARE ? Number.NaN : value;
  });
  const dates = Int32Array.from({ length: VERIFIED_ROWS }, (_, row) => monthEndOfIndex(row));
  return { axis: { frequency: info.frequency, dates }, factors: info.factors, values };
}
