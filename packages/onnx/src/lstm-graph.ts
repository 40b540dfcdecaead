import { ArgumentError, type EncoderParameters, type LstmParameters } from '@macrograd/core';
import type { Edge, GraphBuilder } from './graph.js';
import { addFlags, addStandardised, placesOf } from './standardise.js';

/** Gate blocks as trained (i, f, g, o) in the order of the ONNX LSTM operator (i, o, f, c); c is the cell gate g. */
export const GATE_PERMUTATION = [0, 3, 1, 2] as const;

/**
 * Adds the ensemble to the graph: raw windows [batch, time, series] -> returns [batch, asset].
 *
 *   z = (x - mean) / sd, 0 where x is missing (NaN)
 *   R = [z_t | h_t | l_t] - featureMean for each member
 *   return = returnMean + returnSd * mean over members of R'head
 *
 * A window shorter than a member looks back is filled with zeros in front, as the model fills a window that reaches
 * before the first date; so any time dimension of at least 1 is allowed and a longer one is cut to the latest steps.
 */
export function addLstm(graph: GraphBuilder, parameters: LstmParameters, raw: Edge, returns: Edge): void {
  const steps = addSteps(graph, parameters, raw, longestWindow(parameters));
  const features = parameters.members.map((member, index) => addFeatures(graph, parameters, member, index, steps));
  const all = graph.node('Concat', features, 'features', { axis: 1 });
  const assets = parameters.returnMean.length;
  const stacked = stackHeads(parameters);
  const heads = graph.weights('heads', [stacked.length / assets, assets], stacked);
  const summed = graph.node('MatMul', [all, heads], 'standardised_return_sum');
  const share = parameters.returnSd.map((sd) => sd / parameters.members.length);
  const scaled = graph.node(
    'Mul',
    [summed, graph.floats('return_sd_over_members', [assets], share)],
    'return_deviation',
  );
  graph.node('Add', [scaled, graph.floats('return_mean', [assets], parameters.returnMean)], returns);
}

/** Steps that the ensemble looks back: the time dimension from which on a longer window changes nothing. */
export function longestWindow(parameters: LstmParameters): number {
  if (parameters.members.some(({ conditional }) => conditional)) {
    const remedy = 'store the model and read it with `fromParameters` of @macrograd/model, or fit the form level';
    throw new ArgumentError('an LSTM of the form conditional cannot be written to ONNX', remedy);
  }
  return Math.max(...parameters.members.map((member) => Math.max(member.lookback, member.lagCount)));
}

/** How series become inputs of an encoder. */
export type WindowRule = Pick<LstmParameters, 'scaler' | 'windowColumns' | 'flagged' | 'inputLimit'>;

/** Weights of one LSTM layer. */
export type LayerWeights = Pick<EncoderParameters, 'hiddenSize' | 'inputSize' | 'weightIh' | 'weightHh' | 'bias'>;

/** Standardised steps [batch, longest - 1 + time, input]: window series, then observed flags; zeros in front. */
export function addSteps(graph: GraphBuilder, parameters: WindowRule, raw: Edge, longest: number): Edge {
  const { windowColumns, flagged, scaler, inputLimit } = parameters;
  const series = graph.node('Gather', [raw, graph.ints('window_columns', windowColumns)], 'window_series', { axis: 2 });
  const { z, missing } = addStandardised(graph, series, windowColumns, scaler, inputLimit);
  const parts = [z];
  if (flagged.length > 0) {
    const observed = graph.node('Not', [missing], 'observed');
    parts.push(addFlags(graph, observed, placesInWindow(parameters, flagged), 'observed_flags', 2));
  }
  const step = graph.node('Concat', parts, 'step', { axis: 2 });
  const pads = graph.ints('pad_front', [0, longest - 1, 0, 0, 0, 0]);
  return graph.node('Pad', [step, pads], 'padded_steps', { mode: 'constant' });
}

/** Centred features [batch, F + H + M] of one member. */
function addFeatures(
  graph: GraphBuilder,
  parameters: LstmParameters,
  member: EncoderParameters,
  index: number,
  steps: Edge,
): Edge {
  const own = (name: string) => `member_${index}.${name}`;
  const places = placesInWindow(parameters, parameters.columns);
  const columns = graph.ints('linear_columns', places);
  const latest = (count: number, name: string) => {
    const window = lastSteps(graph, steps, count, own(`${name}_steps`));
    return graph.node('Gather', [window, columns], own(`${name}_window`), { axis: 2 });
  };
  const parts = [
    graph.node('Squeeze', [latest(1, 'now'), graph.ints('axis_1', [1])], own('now')),
    graph.node('Squeeze', [addEncoder(graph, member, steps, own).last, graph.ints('axis_0', [0])], own('hidden')),
  ];
  if (member.filterCount > 0) {
    parts.push(addLagFilters(graph, places.length, member, latest(member.lagCount, 'lag'), own));
  }
  const features = graph.node('Concat', parts, own('features'), { axis: 1 });
  const mean = graph.floats(own('feature_mean'), [member.featureMean.length], member.featureMean);
  return graph.node('Sub', [features, mean], own('features_centred'));
}

/** Edges of one member's LSTM operator. */
export interface EncoderEdges {
  /** What it reads, [time, batch, input]. */
  readonly window: Edge;
  /** Hidden state after every step, [time, 1, batch, H]. */
  readonly all: Edge;
  /** After the last step, [1, batch, H]. */
  readonly last: Edge;
}

/** The member's LSTM over its lookback, from a zero state. */
export function addEncoder(
  graph: GraphBuilder,
  member: EncoderParameters,
  steps: Edge,
  own: (name: string) => string,
): EncoderEdges {
  const batchFirst = lastSteps(graph, steps, member.lookback, own('window'));
  // Layout 0 wants [time, batch, input].
  const window = graph.node('Transpose', [batchFirst], own('window_time_first'), { perm: [1, 0, 2] });
  return addLayer(graph, member, window, own);
}

/** One LSTM layer over [time, batch, input], from a zero state. */
export function addLayer(
  graph: GraphBuilder,
  { hiddenSize, inputSize, weightIh, weightHh, bias }: LayerWeights,
  window: Edge,
  own: (name: string) => string,
): EncoderEdges {
  const inputs = [
    window,
    graph.weights(own('weight_ih'), [1, 4 * hiddenSize, inputSize], reorderGates(weightIh)),
    graph.weights(own('weight_hh'), [1, 4 * hiddenSize, hiddenSize], reorderGates(weightHh)),
    // The operator adds an input and a recurrent bias; the trained one is their sum.
    graph.weights(own('bias'), [1, 8 * hiddenSize], [...reorderGates(bias), ...new Float32Array(4 * hiddenSize)]),
  ];
  const edges = { window, all: own('hidden_states'), last: own('last_hidden') };
  graph.addNode('LSTM', inputs, [edges.all, edges.last], { hidden_size: hiddenSize });
  return edges;
}

/** sum over lags and factors of filter[lag][factor][m] z_{t-lag, factor}: [batch, M]. */
function addLagFilters(
  graph: GraphBuilder,
  factors: number,
  member: EncoderParameters,
  window: Edge,
  own: (name: string) => string,
): Edge {
  const { lagCount, filterCount, lagFilters } = member;
  const flat = graph.node('Reshape', [window, graph.ints(own('lag_shape'), [-1, lagCount * factors])], own('lag_flat'));
  const oldestFirst = Float64Array.from(lagFilters, (_, i) => {
    const step = Math.floor(i / (factors * filterCount));
    return lagFilters[i + (lagCount - 1 - 2 * step) * factors * filterCount];
  });
  const weights = graph.weights(own('lag_filters'), [lagCount * factors, filterCount], oldestFirst);
  return graph.node('MatMul', [flat, weights], own('lags'));
}

/** The latest `count` steps along the time axis. */
export function lastSteps(graph: GraphBuilder, steps: Edge, count: number, name: string): Edge {
  const start = graph.ints(`last_${count}`, [-count]);
  // Past the end of any axis: up to and with the last step.
  const end = graph.ints('to_end', [Number.MAX_SAFE_INTEGER]);
  return graph.node('Slice', [steps, start, end, graph.ints('axis_1', [1])], name);
}

/** Row blocks of the four gates from i, f, g, o to i, o, f, c. */
export function reorderGates(weights: Float32Array): Float32Array {
  const block = weights.length / 4;
  const out = new Float32Array(weights.length);
  GATE_PERMUTATION.forEach((from, to) => {
    out.set(weights.subarray(from * block, (from + 1) * block), to * block);
  });
  return out;
}

/** Heads of all members below each other, transposed: [sum of features, asset]. */
function stackHeads({ members, returnMean }: LstmParameters): Float64Array {
  const assets = returnMean.length;
  const features = members.map((member) => member.featureMean.length);
  const out = new Float64Array(features.reduce((a, b) => a + b, 0) * assets);
  let row = 0;
  members.forEach(({ heads }, index) => {
    for (let k = 0; k < features[index]; k++, row++) {
      for (let asset = 0; asset < assets; asset++) out[row * assets + asset] = heads[asset * features[index] + k];
    }
  });
  return out;
}

export function placesInWindow({ windowColumns }: WindowRule, columns: readonly number[]): number[] {
  const outside = columns.find((column) => !windowColumns.includes(column));
  if (outside !== undefined) throw new ArgumentError(`series ${outside} is not in the window of the LSTM`);
  return placesOf(columns, windowColumns);
}
