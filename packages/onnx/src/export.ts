import type { ModelInfo } from '@macrograd/core';
import { checkNames, type ExportOptions, fileOf, INPUT_NAME, type OnnxParameters } from './file.js';
import { GraphBuilder, type WeightType } from './graph.js';
import { addMethodReturns } from './method.js';
import { addMixReturns } from './mix.js';
import { encodeModel, type ModelProto } from './proto.js';

/** Name of the graph's output: [batch, asset], decimal return per period. */
export const OUTPUT_NAME = 'returns';

/**
 * Turns fitted parameters, or a mix of several methods', into a `.onnx` file that needs nothing of macrograd: raw factor windows in their own units
 * -> returns in decimals. Batch and time are symbolic; the last time step is the return's own period. `info` goes into
 * the file's metadata (factor names and units, asset names, window, training span, version, hashes).
 * Throws {@link ArgumentError} when names and parameters differ in number.
 *
 * @example
 * writeFileSync('model.onnx', modelToOnnx(fitted.parameters(), info));
 */
export function modelToOnnx(parameters: OnnxParameters, info: ModelInfo, options: ExportOptions = {}): Uint8Array {
  return encodeModel(modelFile(parameters, info, options));
}

/** What {@link modelToOnnx} encodes. */
export function modelFile(parameters: OnnxParameters, info: ModelInfo, options: ExportOptions): ModelProto {
  checkNames(parameters, info);
  const doc = `Returns of ${info.assets.length} assets from ${info.factors.length} macro series (${parameters.method}).`;
  return fileOf(buildGraph(parameters, info, options.weights), parameters, info, doc, options);
}

function buildGraph(parameters: OnnxParameters, info: ModelInfo, weights?: WeightType) {
  const graph = new GraphBuilder(
    `macrograd_${parameters.method}`,
    'raw factor windows, oldest step first -> expected return of each asset',
    weights,
  );
  const series = info.factors.length;
  const input = graph.input(INPUT_NAME, ['batch', 'time', series], 'raw values in their own units, NaN = missing');
  graph.output(OUTPUT_NAME, ['batch', info.assets.length], 'decimal return per period');
  if (parameters.method === 'chosen') addMixReturns(graph, parameters, input, OUTPUT_NAME);
  else addMethodReturns(graph, parameters, input, OUTPUT_NAME);
  return graph.finish();
}
