import { createHash } from 'node:crypto';
import { ArgumentError, type ModelInfo } from '@macrograd/core';
import type { WeightType } from './graph.js';
import { type MethodParameters, type ModelSizes, sizesOf } from './method.js';
import { type MixParameters, mixSizes } from './mix.js';
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

/** Bytes given to a hash at once; the limit is 2 GB. */
const HASHED_BYTES = 2 ** 28;

/** What can be exported: one method's parameters, networks with learned heads, or the mix of methods that was chosen. */
export type OnnxParameters = MethodParameters | MixParameters;

/** Wraps a graph with versions and metadata: names and units of factors, assets, window, training span, hashes. */
export function fileOf(
  graph: GraphProto,
  parameters: OnnxParameters,
  info: ModelInfo,
  docString: string,
  { opset = 17, weights = 'float32' }: ExportOptions,
): ModelProto {
  return {
    irVersion: IR_VERSIONS[opset],
    producerName: 'macrograd',
    producerVersion: info.version,
    domain: 'macrograd',
    modelVersion: 1,
    docString,
    graph,
    opsetImport: [{ domain: '', version: opset }],
    metadataProps: metadataOf(parameters, info, { graph_sha256: graphHash(graph), weights }),
  };
}

/** SHA-256 of the graph's structure, then of its constants one by one: together they may be larger than one buffer. */
function graphHash(graph: GraphProto): string {
  const bare = graph.initializer.map(({ rawData: _, ...tensor }) => tensor);
  const hash = createHash('sha256').update(encodeGraph({ ...graph, initializer: bare }));
  for (const { rawData } of graph.initializer) {
    for (let start = 0; start < (rawData?.length ?? 0); start += HASHED_BYTES) {
      hash.update(rawData!.subarray(start, start + HASHED_BYTES));
    }
  }
  return hash.digest('hex');
}

/** Time steps of a window from which on a longer one changes nothing. */
export function windowLength(parameters: OnnxParameters): number {
  return modelSizes(parameters).lookback;
}

/** Sizes of whatever is exported. */
export function modelSizes(parameters: OnnxParameters): ModelSizes {
  return parameters.method === 'chosen' ? mixSizes(parameters) : sizesOf(parameters);
}

function metadataOf(
  parameters: OnnxParameters,
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
    ...(parameters.method === 'chosen' && { methods: JSON.stringify(servedBy(parameters)) }),
    ...more,
  };
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}

/** Refuses names that differ in number from the parameters. */
export function checkNames(parameters: OnnxParameters, info: ModelInfo): void {
  const { assets, scaler } = modelSizes(parameters);
  const series = scaler.mean.length;
  if (assets !== info.assets.length || series !== info.factors.length) {
    throw new ArgumentError(
      `${info.assets.length} asset and ${info.factors.length} factor names for a model of ${assets} assets and ${series} series`,
      'pass the names of the panel that the model was fitted on',
    );
  }
}

/** Methods that serve each asset with their weights, [asset] of `{ method: weight }`. */
function servedBy({ parts }: MixParameters): Record<string, number>[] {
  return Array.from(parts[0].weights, (_, asset) =>
    Object.fromEntries(
      parts.flatMap(({ parameters: { method }, weights }) => (weights[asset] > 0 ? [[method, weights[asset]]] : [])),
    ),
  );
}
