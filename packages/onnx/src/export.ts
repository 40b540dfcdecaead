import { createHash } from 'node:crypto';
import { ArgumentError, type FittedParameters, type ModelInfo } from '@macrograd/core';
import { GraphBuilder } from './graph.js';
import { addLinear } from './linear-graph.js';
import { addLstm, longestWindow } from './lstm-graph.js';
import { encodeGraph, encodeModel } from './proto.js';

/** Versions that ONNX Runtime of the last three years reads: opset 17 goes with IR version 8. */
const OPSET_VERSION = 17;
const IR_VERSION = 8;

/** Name of the graph's input: [batch, time, series], raw values in their own units, NaN = missing. */
export const INPUT_NAME = 'factors';

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
export function modelToOnnx(parameters: FittedParameters, info: ModelInfo): Uint8Array {
  checkNames(parameters, info);
  const graph = buildGraph(parameters, info);
  const hash = createHash('sha256').update(encodeGraph(graph)).digest('hex');
  return encodeModel({
    irVersion: IR_VERSION,
    producerName: 'macrograd',
    producerVersion: info.version,
    domain: 'macrograd',
    modelVersion: 1,
    docString: `Returns of ${info.assets.length} assets from ${info.factors.length} macro series (${parameters.method}).`,
    graph,
    opsetImport: [{ domain: '', version: OPSET_VERSION }],
    metadataProps: metadataOf(parameters, info, hash),
  });
}

/** Time steps of a window from which on a longer one changes nothing. */
export function windowLength(parameters: FittedParameters): number {
  return parameters.method === 'lstm' ? longestWindow(parameters) : 1;
}

function buildGraph(parameters: FittedParameters, info: ModelInfo) {
  const graph = new GraphBuilder(
    `macrograd_${parameters.method}`,
    'raw factor windows, oldest step first -> expected return of each asset',
  );
  const series = info.factors.length;
  const input = graph.input(INPUT_NAME, ['batch', 'time', series], 'raw values in their own units, NaN = missing');
  graph.output(OUTPUT_NAME, ['batch', info.assets.length], 'decimal return per period');
  if (parameters.method === 'lstm') addLstm(graph, parameters, input, OUTPUT_NAME);
  else addLinear(graph, parameters, input, OUTPUT_NAME);
  return graph.finish();
}

function metadataOf(parameters: FittedParameters, info: ModelInfo, hash: string) {
  const factors = info.factors.map(({ name, role, unit, transform, releaseLag, source }) => ({
    name,
    role,
    unit,
    transform,
    release_lag: releaseLag,
    source,
  }));
  const values: Readonly<Record<string, string>> = {
    method: parameters.method,
    factors: JSON.stringify(factors),
    assets: JSON.stringify(info.assets),
    return_unit: 'decimal per period',
    frequency: info.frequency,
    horizon: String(info.horizon),
    lookback: String(windowLength(parameters)),
    training_start: info.trainingSpan.start,
    training_end: info.trainingSpan.end,
    version: info.version,
    config_sha256: info.configHash,
    graph_sha256: hash,
  };
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}

function checkNames(parameters: FittedParameters, info: ModelInfo): void {
  const assets = parameters.method === 'lstm' ? parameters.returnMean.length : parameters.intercept.length;
  const series = parameters.scaler.mean.length;
  if (assets !== info.assets.length || series !== info.factors.length) {
    throw new ArgumentError(
      `${info.assets.length} asset and ${info.factors.length} factor names for a model of ${assets} assets and ${series} series`,
      'pass the names of the panel that the model was fitted on',
    );
  }
}
