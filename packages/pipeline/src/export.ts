import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type FittedParameters, InputError, METHOD_IDS, type MethodId } from '@macrograd/core';
import { type AssetShare, mixReference, weightsByMethod } from '@macrograd/evaluation';
import {
  conditionedFromParameters,
  featuresFromParameters,
  linearFromParameters,
  thresholdFromParameters,
} from '@macrograd/linear';
import { fromParameters } from '@macrograd/model';
import { type MixParameters, type NamedModel, selectAssets } from '@macrograd/onnx';
import { readModel, readTable, stringAt } from '@macrograd/store';
import { drawnInputs } from './stages/drawn-inputs.js';
import {
  CHOSEN_FOLDER,
  type ExportChecks,
  type ExportReference,
  exportedMethod,
  type WriteOnnxOptions,
  writeOnnx,
} from './stages/onnx.js';

/** ONNX files that were compared with the model they were made of. */
export interface ExportedModel extends ExportChecks {
  readonly method: MethodId | 'chosen';
  /** `model.onnx` and `exposures.onnx`. */
  readonly files: readonly { readonly file: string; readonly bytes: number }[];
}

/** Options of {@link exportOnnxModel}. */
export interface ExportModelOptions extends Omit<WriteOnnxOptions, 'tolerance'> {
  /** Method to export, or `chosen`, the mix of them; default the LSTM where there is one. */
  readonly method?: string;
  /** Assets that get files of their own, in `assets/<name>` of the folder; default one pair of files for all. */
  readonly assets?: readonly string[];
}

type OnnxModel = NamedModel<FittedParameters | MixParameters>;

/** Half precision carries 5e-4 a weight; the error itself is printed. */
const FLOAT16_TOLERANCE = 0.01;

/**
 * Makes `model.onnx` and `exposures.onnx` anew from a stored model of a finished run and compares them with the model on
 * inputs drawn with the training means and spreads, some of them missing. They go to `<dir>/onnx`, those of another
 * method than a run exports to a folder of its name in there. One result a pair of files.
 *
 * @throws InputError without such a stored model, MacrogradError with code `verification_failed` when the two disagree
 */
export async function exportOnnxModel(dir: string, options: ExportModelOptions = {}): Promise<ExportedModel[]> {
  const { method: wanted, assets, ...format } = options;
  const { model, folder } = await exportTarget(dir, wanted);
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

async function exportOne(folder: string, model: OnnxModel, format: WriteOnnxOptions): Promise<ExportedModel> {
  const checks = await writeOnnx(folder, model, drawnInputs(model), referenceOf(model.parameters), {
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

async function exportTarget(dir: string, wanted: string | undefined): Promise<{ model: OnnxModel; folder: string }> {
  const stored = METHOD_IDS.filter((method) => existsSync(join(dir, 'models', method, 'model.json')));
  if (stored.length === 0) {
    throw new InputError('there are no models', {
      place: { file: join(dir, 'models') },
      remedy: 'give the directory that "macrograd run" wrote',
    });
  }
  if (wanted === CHOSEN_FOLDER) return { model: await chosenModel(dir), folder: join(dir, 'onnx', CHOSEN_FOLDER) };
  const first = exportedMethod(stored);
  const method = wanted === undefined ? first : stored.find((name) => name === wanted);
  if (method === undefined) {
    throw new InputError(`there is no model of the method "${wanted}"`, {
      place: { file: join(dir, 'models') },
      remedy: `use one of ${[...stored, CHOSEN_FOLDER].join(', ')}`,
    });
  }
  const folder = method === first ? join(dir, 'onnx') : join(dir, 'onnx', method);
  return { model: readModel(join(dir, 'models', method)), folder };
}

/** The mix of stored models that `chosen.parquet` names for the fit on the whole span. */
async function chosenModel(dir: string): Promise<NamedModel<MixParameters>> {
  const { rows, columns } = await readTable(dir, 'chosen');
  const finals = Array.from({ length: rows }, (_, row) => row).filter((row) => stringAt(columns.fit, row) === 'final');
  const models = new Map(
    [...new Set(finals.map((row) => stringAt(columns.method, row) as MethodId))].map((method) => [
      method,
      readModel(join(dir, 'models', method)),
    ]),
  );
  const { info } = [...models.values()][0];
  const places = new Map(info.assets.map((name, place) => [name, place]));
  const shares = finals.map((row): AssetShare => {
    const asset = places.get(stringAt(columns.asset, row) ?? '');
    if (asset === undefined) {
      throw new InputError(`the models do not have the asset "${stringAt(columns.asset, row)}"`, {
        place: { file: join(dir, 'chosen.parquet') },
        remedy: 'run the job again',
      });
    }
    return { asset, method: stringAt(columns.method, row) as MethodId, weight: columns.weight[row] };
  });
  const parts = [...weightsByMethod(shares, info.assets.length)].map(([method, weights]) => ({
    parameters: models.get(method)!.parameters,
    weights,
  }));
  return { info, parameters: { method: 'chosen', parts } };
}

function referenceOf(parameters: FittedParameters | MixParameters): ExportReference {
  if (parameters.method !== 'chosen') return fittedReference(parameters);
  return mixReference(
    parameters.parts.map((part) => ({ reference: fittedReference(part.parameters), weights: part.weights })),
  );
}

function fittedReference(parameters: FittedParameters): ExportReference {
  if (parameters.method === 'lstm') return fromParameters(parameters);
  if ('condition' in parameters) return conditionedFromParameters(parameters);
  if ('featureMean' in parameters) return featuresFromParameters(parameters);
  if (parameters.method === 'threshold') return thresholdFromParameters(parameters);
  return linearFromParameters(parameters);
}
