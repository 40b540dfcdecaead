import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, MacrogradError } from '@macrograd/core';
import { fromParameters } from '@macrograd/model';
import { maxErrors, type OnnxParity } from '@macrograd/onnx';
import { readModel } from '@macrograd/store';
import { ensembleToLayersModel, ensembleWindow, ensembleWindows, runLayersModel } from '@macrograd/tfjs';
import { drawnInputs } from './stages/drawn-inputs.js';
import { EXPORT_TOLERANCE } from './stages/onnx.js';

/** A layers model that was compared with the model it was made of. */
export interface ExportedTfjs {
  readonly files: readonly { readonly file: string; readonly bytes: number }[];
  readonly returns: OnnxParity;
}

/**
 * Makes `<dir>/tfjs/model.json` and `weights.bin` from the stored LSTM of a finished run, runs them in TensorFlow.js and
 * compares the returns with the model's on inputs drawn with the training means and spreads, some of them missing.
 *
 * @throws InputError without a stored LSTM, MacrogradError with code `verification_failed` when the two disagree
 */
export async function exportTfjsModel(dir: string): Promise<ExportedTfjs> {
  const stored = join(dir, 'models', 'lstm');
  if (!existsSync(join(stored, 'model.json'))) {
    throw new InputError('there is no LSTM', {
      place: { file: stored },
      remedy: 'give the directory of a run with the method lstm; other methods are exported by "macrograd export onnx"',
    });
  }
  const { info, parameters } = readModel(stored);
  if (parameters.method !== 'lstm') throw new InputError('is not an LSTM', { place: { file: stored } });
  if ('mode' in parameters) {
    const remedy = 'take "macrograd export onnx", or the mode pooled';
    throw new InputError('holds a network for every asset, which is no layers model', {
      place: { file: stored },
      remedy,
    });
  }
  const files = ensembleToLayersModel(parameters, info);
  const inputs = drawnInputs({ info, parameters });
  const span = { start: 0, end: inputs.axis.dates.length };
  const width = parameters.windowColumns.length + parameters.flagged.length;
  const windows = ensembleWindows(parameters, inputs, span);
  const actual = await runLayersModel(files, windows, [span.end, ensembleWindow(parameters), width]);
  const { values } = await fromParameters(parameters).predict(inputs, span);
  const returns = maxErrors(Float64Array.from(actual), values);
  // Written so that NaN fails too.
  if (!(returns.maxRelativeError <= EXPORT_TOLERANCE)) {
    throw new MacrogradError(
      'verification_failed',
      `the exported layers model differs by ${returns.maxRelativeError.toExponential(2)} of the largest return, allowed ${EXPORT_TOLERANCE}`,
      { remedy: 'do not use the export; report this with the configuration' },
    );
  }
  const folder = join(dir, 'tfjs');
  mkdirSync(folder, { recursive: true });
  const paths = ['model.json', 'weights.bin'].map((name) => join(folder, name));
  writeFileSync(paths[0], `${JSON.stringify(files.modelJson)}\n`);
  writeFileSync(paths[1], files.weights);
  return { files: paths.map((file) => ({ file, bytes: statSync(file).size })), returns };
}
