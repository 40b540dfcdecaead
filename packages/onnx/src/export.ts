import type { FittedParameters, ModelInfo } from '@macrograd/core';
import { addFeatures } from './feature-graph.js';
import { checkNames, type ExportOptions, fileOf, INPUT_NAME } from './file.js';
import { GraphBuilder, type WeightType } from './graph.js';
import { addLinear } from './linear-graph.js';
import { addLstm } from './lstm-graph.js';
import { encodeModel, type ModelProto } from './proto.js';

/** Name of the graph's output: [batch, asset], decimal return per period. */
export const OUTPUT_NAME = 'returns';

/**
 * Turns fitted parameters into a `.onnx` file that needs nothing of macrograd: raw factor windows in their own units
 * -> returns in decimals. Batch and time are symbolic; the last time step is the return's own period. `info` goes into
 * the file's metadata (factor names and units, asset names, window, training span, version, hashes).
 * Throws {@link ArgumentError} when names and parameters differ in number.
 *
 * @example
 * writeFileSync('model.onnx', modelToOnnx(fitted.parameters(), info));
 */
export function modelToOnnx(parameters: FittedParameters, info: ModelInfo, options: ExportOptions = {}): Uint8Array {
  return encodeModel(modelFile(parameters, info, options));
}

/** What {@link modelToOnnx} encodes. */
export function modelFile(parameters: FittedParameters, info: ModelInfo, options: ExportOptions): ModelProto {
  checkNames(parameters, info);
  const doc = `Returns of ${info.assets.length} assets from ${info.factors.length} macro series (${parameters.method}).`;
  return fileOf(buildGraph(parameters, info, options.weights), parameters, info, doc, options);
}

function buildGraph(parameters: FittedParameters, info: ModelInfo, weights?: WeightType) {
  const graph = new GraphBuilder(
    `macrograd_${parameters.method}`,
    'raw factor windows, oldest step first -> expected return of each asset',
    weights,
  );
  const series = info.factors.length;
  const input = graph.input(INPUT_NAME, ['batch', 'time', series], 'raw values in their own units, NaN = missing');
  graph.output(OUTPUT_NAME, ['batch', info.assets.length], 'decimal return per period');
  if (parameters.method === 'lstm') addLstm(graph, parameters, input, OUTPUT_NAME);
  else if ('featureMean' in parameters) addFeatures(graph, parameters, input, OUTPUT_NAME);
  else addLinear(graph, parameters, input, OUTPUT_NAME);
  return graph.finish();
}
