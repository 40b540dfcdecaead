import { createHash } from 'node:crypto';
import { ArgumentError, type FittedParameters, type ModelInfo } from '@macrograd/core';
import { featureWindow } from './feature-graph.js';
import type { WeightType } from './graph.js';
import { longestWindow } from './lstm-graph.js';
import { encodeGraph, type GraphProto, type ModelProto, type StringEntry } from './proto.js';

/** Operator sets that can be written, with the IR version that goes with each. Every graph uses operators of 14 alone. */
const IR_VERSIONS = { 14: 7, 17: 8 } as const;

/** Name of the graph's input: [batch, time, series], raw values in their own units, NaN = missing. */
export const INPUT_NAME = 'factors';

/** Options of every export. */
export interface ExportOptions {
  /** Operator set; default 17, which ONNX Runtime of the last three years reads; 14 for older runtimes. */
  readonly opset?: 14 | 17;
  /** How weights are stored; default `float32`. `float16` halves the file and costs accuracy, which `verify` states. */
  readonly weights?: WeightType;
}

/** Wraps a graph with versions and metadata: names and units of factors, assets, window, training span, hashes. */
export function fileOf(
  graph: GraphProto,
  parameters: FittedParameters,
  info: ModelInfo,
  docString: string,
  { opset = 17, weights = 'float32' }: ExportOptions,
): ModelProto {
  const hash = createHash('sha256').update(encodeGraph(graph)).digest('hex');
  return {
    irVersion: IR_VERSIONS[opset],
    producerName: 'macrograd',
    producerVersion: info.version,
    domain: 'macrograd',
    modelVersion: 1,
    docString,
    graph,
    opsetImport: [{ domain: '', version: opset }],
    metadataProps: metadataOf(parameters, info, { graph_sha256: hash, weights }),
  };
}

/** Time steps of a window from which on a longer one changes nothing. */
export function windowLength(parameters: FittedParameters): number {
  if (parameters.method === 'lstm') return longestWindow(parameters);
  return 'featureMean' in parameters ? featureWindow(parameters) : 1;
}

function metadataOf(
  parameters: FittedParameters,
  info: ModelInfo,
  more: Readonly<Record<string, string>>,
): StringEntry[] {
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
    // For readers without a JSON parser.
    asset_count: String(info.assets.length),
    return_unit: 'decimal per period',
    frequency: info.frequency,
    horizon: String(info.horizon),
    lookback: String(windowLength(parameters)),
    training_start: info.trainingSpan.start,
    training_end: info.trainingSpan.end,
    version: info.version,
    config_sha256: info.configHash,
    ...more,
  };
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}

/** Refuses names that differ in number from the parameters. */
export function checkNames(parameters: FittedParameters, info: ModelInfo): void {
  const assets = parameters.method === 'lstm' ? parameters.returnMean.length : parameters.intercept.length;
  const series = parameters.scaler.mean.length;
  if (assets !== info.assets.length || series !== info.factors.length) {
    throw new ArgumentError(
      `${info.assets.length} asset and ${info.factors.length} factor names for a model of ${assets} assets and ${series} series`,
      'pass the names of the panel that the model was fitted on',
    );
  }
}
