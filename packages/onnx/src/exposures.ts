import type { JacobianForm, ModelInfo } from '@macrograd/core';
import { addOutputs, type ExposureGraph, exposureForms } from './exposure-outputs.js';
import { checkNames, type ExportOptions, fileOf, INPUT_NAME, modelSizes, type OnnxParameters } from './file.js';
import { GraphBuilder } from './graph.js';
import { addMethodExposures } from './method.js';
import { addMixExposures } from './mix.js';
import { encodeModel, type ModelProto } from './proto.js';

/** Name of the input that selects: places of the wanted assets in the metadata's `assets`, int64 [selected]. */
export const ASSETS_NAME = 'assets';

/** Options of {@link exposuresToOnnx}. */
export interface ExposureExportOptions extends ExportOptions {
  /** Forms to write; default all. Every call of the file computes all that are in it, and `lags` costs the most. */
  readonly forms?: readonly JacobianForm[];
  /** Default true: the file has the input `assets`. Otherwise it gives all assets, and `factors` is its one input. */
  readonly selectable?: boolean;
}

/**
 * Turns fitted parameters into a `.onnx` file whose outputs are exposures: the Jacobian as a graph of standard
 * operators, so that any ONNX runtime gives what no runtime derives by itself.
 *
 * Inputs: `factors` as of {@link modelToOnnx}; `assets`, the places of the wanted ones (int64), if selectable. Outputs for each form
 * (`contemporaneous` and `cumulative`: [batch, asset, factor]; `lags`: [batch, asset, lag, factor], lag 0 the return's own
 * period; factors are the series with role factor): the decimal return per training SD, `_unit` per unit of the factor,
 * `_se` its standard error (posterior of the heads and spread of the members; interval 90 %: -+ 1.645 se) and `_spread`,
 * the members' standard deviation. NaN where the factor is missing at that date.
 *
 * @throws ArgumentError when names and parameters differ in number
 * @example
 * writeFileSync('exposures.onnx', exposuresToOnnx(fitted.parameters(), info));
 */
export function exposuresToOnnx(
  parameters: OnnxParameters,
  info: ModelInfo,
  options: ExposureExportOptions = {},
): Uint8Array {
  return encodeModel(exposuresFile(parameters, info, options));
}

/** What {@link exposuresToOnnx} encodes. */
export function exposuresFile(parameters: OnnxParameters, info: ModelInfo, options: ExposureExportOptions): ModelProto {
  checkNames(parameters, info);
  const graph = new GraphBuilder(
    `macrograd_${parameters.method}_exposures`,
    'raw factor windows, oldest step first -> exposure of each asset to each factor',
    options.weights,
  );
  const raw = graph.input(
    INPUT_NAME,
    ['batch', 'time', info.factors.length],
    'raw values in their own units, NaN = missing',
  );
  // Not an input with a default: onnxruntime's JavaScript interface ignores what is given instead of it, silently.
  const every = Array.from(info.assets, (_, place) => place);
  const assets =
    options.selectable === false
      ? graph.ints('every_asset', every)
      : graph.indexInput(ASSETS_NAME, 'selected', 'places of the wanted assets in the metadata');
  const targets = info.factors.flatMap(({ role }, column) => (role === 'factor' ? [column] : []));
  const assetCount = info.assets.length;
  const wanted: ExposureGraph = { graph, raw, assets, assetCount, targets, forms: options.forms ?? exposureForms };
  const { lags, edges } =
    parameters.method === 'chosen' ? addMixExposures(wanted, parameters) : addMethodExposures(wanted, parameters);
  for (const form of wanted.forms) addOutputs(wanted, form, lags, edges(form), modelSizes(parameters).scaler);
  const doc = `Exposures of ${info.assets.length} assets to ${targets.length} macro factors (${parameters.method}).`;
  return fileOf(graph.finish(), parameters, info, doc, options);
}
