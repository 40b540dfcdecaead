import { join } from 'node:path';
import type { FactorPanel, Fitted, JacobianForm, MethodId, ModelInfo, Panel, Span } from '@macrograd/core';
import { type AssetShare, mixReference, weightsByMethod } from '@macrograd/evaluation';
import {
  type ExportOptions,
  type ExposureExportOptions,
  exposureForms,
  type NamedModel,
  type OnnxParameters,
  type OnnxParity,
  verifyExposures,
  verifyOnnx,
  type WriteOptions,
  windowLength,
  writeExposuresOnnx,
  writeModelOnnx,
} from '@macrograd/onnx';
import { mixParameters } from './mix.js';

/** Largest error of an export in its own runtime (float32) relative to the largest value. */
export const EXPORT_TOLERANCE = 1e-5;

/** Numbers of a verified exposure output: bounds the time for large universes. */
const VERIFIED_VALUES = 3_000_000;

/** What an export is compared with. */
export type ExportReference = Pick<Fitted, 'predict' | 'jacobian'>;

/** How far the two files are from the model that they were made of. */
export interface ExportChecks {
  readonly returns: OnnxParity;
  /** Worst of the forms that the file has and of their standard errors. */
  readonly exposures: OnnxParity;
}

/** Options of {@link writeOnnx}. */
export interface WriteOnnxOptions
  extends ExportOptions,
    WriteOptions,
    Pick<ExposureExportOptions, 'forms' | 'selectable'> {
  /** Largest error allowed; default {@link EXPORT_TOLERANCE}. */
  readonly tolerance?: number;
}

/** The method that the files in `onnx/` hold: the LSTM where there is one, else the first of the others. */
export function exportedMethod(methods: readonly MethodId[]): MethodId {
  return exportOrder.find((method) => methods.includes(method)) ?? methods[0];
}

const exportOrder: readonly MethodId[] = ['lstm', 'ols', 'ewm_ols', 'rolling_ols', 'zero'];

/**
 * Writes `model.onnx` and `exposures.onnx` into a folder, runs both in ONNX Runtime on windows of the inputs and
 * compares them with the model.
 *
 * @throws MacrogradError with code `verification_failed` when they disagree
 */
export async function writeOnnx(
  folder: string,
  { info, parameters }: NamedModel<OnnxParameters>,
  inputs: FactorPanel,
  reference: ExportReference,
  options: WriteOnnxOptions = {},
): Promise<ExportChecks> {
  const { tolerance = EXPORT_TOLERANCE, ...form } = options;
  const [model, exposures] = ['model.onnx', 'exposures.onnx'].map((name) => join(folder, name));
  writeModelOnnx(model, parameters, info, form);
  writeExposuresOnnx(exposures, parameters, info, form);
  const all = { start: 0, end: inputs.axis.dates.length };
  const returns = await verifyOnnx(model, inputs, await reference.predict(inputs, all), tolerance);
  const checks: OnnxParity[] = [];
  for (const kind of options.forms ?? exposureForms) {
    const span = verifiedRows(kind, inputs, info, windowLength(parameters));
    checks.push(
      await verifyExposures(exposures, inputs, reference.jacobian(inputs, span, { form: kind }), kind, tolerance),
    );
  }
  return { returns, exposures: worstOf(checks) };
}

function worstOf(checks: readonly OnnxParity[]): OnnxParity {
  return {
    maxError: Math.max(...checks.map(({ maxError }) => maxError)),
    maxRelativeError: Math.max(...checks.map(({ maxRelativeError }) => maxRelativeError)),
    compared: checks.reduce((sum, { compared }) => sum + compared, 0),
  };
}

/** Folder of the chosen mix beside the files of the run's own method. */
export const CHOSEN_FOLDER = 'chosen';

/**
 * The files of a run: its method's in `folder`, the chosen mix's in a folder in there. Each is compared with what the
 * fits expect over the windows of the panel; the worst of both is returned.
 */
export async function writeRunOnnx(
  folder: string,
  finals: ReadonlyMap<MethodId, Fitted>,
  choices: readonly AssetShare[],
  info: ModelInfo,
  panel: Panel,
): Promise<ExportChecks> {
  const inputs = afterTraining(panel.inputs);
  const own = finals.get(exportedMethod([...finals.keys()]))!;
  const weights = weightsByMethod(choices, info.assets.length);
  const sources = [...weights].map(([method, of]) => ({ reference: finals.get(method)!, weights: of }));
  const checks = [
    await writeOnnx(folder, { info, parameters: own.parameters() }, inputs, own),
    await writeOnnx(
      join(folder, CHOSEN_FOLDER),
      { info, parameters: mixParameters(finals, weights) },
      inputs,
      mixReference(sources),
    ),
  ];
  return {
    returns: worstOf(checks.map(({ returns }) => returns)),
    exposures: worstOf(checks.map(({ exposures }) => exposures)),
  };
}

/** The latest rows, as many as are quick to compare; by lag only rows whose whole window lies in the panel. */
function verifiedRows(form: JacobianForm, inputs: FactorPanel, info: ModelInfo, lookback: number): Span {
  const end = inputs.axis.dates.length;
  const perRow = info.assets.length * info.factors.length * (form === 'lags' ? lookback : 1);
  const rows = Math.max(1, Math.floor(VERIFIED_VALUES / perRow));
  const first = form === 'lags' ? Math.min(lookback - 1, end - 1) : 0;
  return { start: Math.max(first, end - rows), end };
}

/**
 * The same inputs at dates after the training span: an export holds the parameters as of the last training row, while
 * a method whose coefficients move reads earlier dates with earlier ones.
 */
function afterTraining(inputs: FactorPanel): FactorPanel {
  const { dates, frequency } = inputs.axis;
  const shift = dates[dates.length - 1] + 1 - dates[0];
  return { ...inputs, axis: { frequency, dates: dates.map((date) => date + shift) } };
}
