import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, type MethodId } from '@macrograd/core';
import { featuresFromParameters, linearJacobian, predictLinear } from '@macrograd/linear';
import { fromParameters } from '@macrograd/model';
import { selectAssets } from '@macrograd/onnx';
import { readModel, type StoredModel } from '@macrograd/store';
import { availableMethods } from './config/schema.js';
import { drawnInputs } from './stages/drawn-inputs.js';
import {
  type ExportChecks,
  type ExportReference,
  exportedMethod,
  type WriteOnnxOptions,
  writeOnnx,
} from './stages/onnx.js';

/** ONNX files that were compared with the model they were made of. */
export interface ExportedModel extends ExportChecks {
  readonly method: MethodId;
  /** `model.onnx` and `exposures.onnx`. */
  readonly files: readonly { readonly file: string; readonly bytes: number }[];
}

/** Options of {@link exportOnnxModel}. */
export interface ExportModelOptions extends Omit<WriteOnnxOptions, 'tolerance'> {
  /** Method to export; default the one that a run exports: the LSTM where there is one. */
  readonly method?: string;
  /** Assets that get files of their own, in `assets/<name>` of the folder; default one pair of files for all. */
  readonly assets?: readonly string[];
}

/** Half precision carries 5e-4 a weight; the error itself is printed. */
const FLOAT16_TOLERANCE = 0.01;

/**
 * Makes `model.onnx` and `exposures.onnx` anew from a stored model of a finished run and compares them with the model on
 * inputs drawn with the training means and spreads, some of them missing. They go to `<dir>/onnx`, or to a folder in
 * there named after the method when one is given that a run does not export. One result a pair of files.
 *
 * @throws InputError without such a stored model, MacrogradError with code `verification_failed` when the two disagree
 */
export async function exportOnnxModel(dir: string, options: ExportModelOptions = {}): Promise<ExportedModel[]> {
  const { method: wanted, assets, ...format } = options;
  const { model, folder } = exportTarget(dir, wanted);
  if (assets === undefined) return [await exportOne(folder, model, format)];
  const unknown = assets.find((name) => !model.info.assets.includes(name));
  if (unknown !== undefined) {
    throw new InputError(`the model has no asset "${unknown}"`, { remedy: 'use a name of summary.parquet' });
  }
  const exported: ExportedModel[] = [];
  for (const name of assets) {
    const own = join(folder, 'assets', encodeURIComponent(name));
    exported.push(await exportOne(own, selectAssets(model, [name]), format));
  }
  return exported;
}

async function exportOne(folder: string, model: StoredModel, format: WriteOnnxOptions): Promise<ExportedModel> {
  const checks = await writeOnnx(folder, model, drawnInputs(model), referenceOf(model), {
    ...format,
    ...(format.weights === 'float16' && { tolerance: FLOAT16_TOLERANCE }),
  });
  const files = ['model.onnx', 'exposures.onnx'].map((name) => join(folder, name));
  return {
    method: model.parameters.method,
    files: files.map((file) => ({ file, bytes: statSync(file).size })),
    ...checks,
  };
}

function exportTarget(dir: string, wanted: string | undefined): { model: StoredModel; folder: string } {
  const stored = availableMethods.filter((method) => existsSync(join(dir, 'models', method, 'model.json')));
  if (stored.length === 0) {
    throw new InputError('there are no models', {
      place: { file: join(dir, 'models') },
      remedy: 'give the directory that "macrograd run" wrote',
    });
  }
  const first = exportedMethod(stored);
  const method = wanted === undefined ? first : stored.find((name) => name === wanted);
  if (method === undefined) {
    throw new InputError(`there is no model of the method "${wanted}"`, {
      place: { file: join(dir, 'models') },
      remedy: `use one of ${stored.join(', ')}`,
    });
  }
  const folder = method === first ? join(dir, 'onnx') : join(dir, 'onnx', method);
  return { model: readModel(join(dir, 'models', method)), folder };
}

function referenceOf({ parameters }: StoredModel): ExportReference {
  if (parameters.method === 'lstm') return fromParameters(parameters);
  if ('featureMean' in parameters) return featuresFromParameters(parameters);
  return {
    predict: async (inputs, span) => predictLinear(parameters, inputs, span),
    jacobian: async function* (inputs, span) {
      yield linearJacobian(parameters, inputs, span);
    },
  };
}
