import type { LstmParameters, Scaler } from '@macrograd/core';
import type { ExposureGraph, MethodExposures } from './exposure-outputs.js';
import { addHeads, addReadout } from './exposure-readout.js';
import type { Edge, GraphBuilder } from './graph.js';
import type { ImportedLstm } from './import/lstm.js';
import { contracted } from './lstm-exposures.js';
import { addLayer, addSteps, type LayerWeights, lastSteps, type WindowRule } from './lstm-graph.js';
import { addHiddenJacobian, type EncoderLayer } from './lstm-jacobian.js';

/**
 * An ensemble of stacked LSTMs with learned heads, as `@macrograd/kernel` trains them and {@link importOnnx} reads them,
 * with the rule that turns raw series into their inputs: standardised series, then a 0/1 flag "observed" a flagged one.
 */
export interface NetworkParameters
  extends Pick<LstmParameters, 'scaler' | 'windowColumns' | 'flagged' | 'inputLimit' | 'returnMean' | 'returnSd'> {
  readonly method: 'network';
  /** Steps of the window. */
  readonly lookback: number;
  /** Their outputs, one an asset, are averaged, multiplied by `returnSd` and moved by `returnMean`. */
  readonly members: readonly ImportedLstm[];
}

/**
 * A network that reads its series as they are and gives returns in decimals: the rule that changes nothing.
 *
 * @example
 * const bytes = exposuresToOnnx(plainNetwork(importOnnx(readFileSync('torch.onnx'), 'torch.onnx'), 24), info);
 */
export function plainNetwork(network: ImportedLstm, lookback: number): NetworkParameters {
  const { inputSize, headBias } = network;
  const scaler: Scaler = {
    mean: new Float64Array(inputSize),
    sd: new Float64Array(inputSize).fill(1),
    count: new Int32Array(inputSize),
  };
  return {
    method: 'network',
    scaler,
    windowColumns: Array.from({ length: inputSize }, (_, column) => column),
    flagged: [],
    lookback,
    returnMean: new Float64Array(headBias.length),
    returnSd: new Float64Array(headBias.length).fill(1),
    members: [network],
  };
}

/** Raw windows [batch, time, series] -> returns [batch, asset]: returnMean + returnSd * mean of W h + b. */
export function addNetwork(graph: GraphBuilder, parameters: NetworkParameters, raw: Edge, returns: Edge): void {
  const { members, returnMean, returnSd, lookback } = parameters;
  const assets = returnMean.length;
  const window = addWindow(graph, parameters, raw, lookback);
  const outputs = members.map((member, index) => {
    const own = (name: string) => `member_${index}.${name}`;
    const { last } = addStack(graph, member, window, own).at(-1)!.edges;
    const hidden = graph.node('Squeeze', [last, graph.ints('axis_0', [0])], own('hidden'));
    const { hiddenSize: H, headWeight, headBias } = member;
    const byUnit = headWeight.map((_, i) => headWeight[(i % assets) * H + Math.floor(i / assets)]);
    const product = graph.node('MatMul', [hidden, graph.weights(own('head_weight'), [H, assets], byUnit)], own('head'));
    return graph.node('Add', [product, graph.floats(own('head_bias'), [assets], headBias)], own('output'));
  });
  const share = returnSd.map((sd) => sd / members.length);
  const scale = graph.floats('return_sd_over_members', [assets], share);
  const moved = graph.node('Mul', [graph.node('Sum', outputs, 'output_sum'), scale], 'return_deviation');
  graph.node('Add', [moved, graph.floats('return_mean', [assets], returnMean)], returns);
}

/** Exposures of the ensemble: Jacobians of the last hidden states, read by the learned heads; no standard errors. */
export function addNetworkExposures(wanted: ExposureGraph, parameters: NetworkParameters): MethodExposures {
  const { graph, raw, assets, targets } = wanted;
  const { members, returnSd, lookback, windowColumns } = parameters;
  const window = addWindow(graph, parameters, raw, lookback);
  const places = targets.map((column) => windowColumns.indexOf(column));
  // A series that the network does not read has no exposure; one that it does keeps it.
  const known = Float64Array.from(places, (place) => (place < 0 ? Number.NaN : 0));
  const jacobians = members.map((member, index) => {
    const own = (name: string) => `member_${index}.${name}`;
    const hidden = addHiddenJacobian(graph, addStack(graph, member, window, own), places);
    return graph.node('Add', [hidden, graph.floats('known', [known.length], known)], own('known_jacobian'));
  });
  const heads = addHeads(
    graph,
    {
      members: members.map(({ hiddenSize, headWeight }) => ({
        heads: Float64Array.from(headWeight),
        featureMean: new Float64Array(hiddenSize),
      })),
      returnSd,
    },
    assets,
  );
  return {
    lags: lookback,
    edges: (form) => {
      const sensitivities = jacobians.map((edge, e) => contracted(graph, edge, form, `member_${e}.${form}`));
      return addReadout(graph, heads, sensitivities, form);
    },
  };
}

/** Inputs of the layers, [time, batch, input]. */
function addWindow(graph: GraphBuilder, rule: WindowRule, raw: Edge, lookback: number): Edge {
  const steps = lastSteps(graph, addSteps(graph, rule, raw, lookback), lookback, 'window');
  return graph.node('Transpose', [steps], 'window_time_first', { perm: [1, 0, 2] });
}

/** The layers above each other, bottom first. */
function addStack(
  graph: GraphBuilder,
  network: ImportedLstm,
  window: Edge,
  own: (name: string) => string,
): EncoderLayer[] {
  let input = window;
  return layersOf(network).map((weights, layer) => {
    const inLayer = (name: string) => own(`layer_${layer}.${name}`);
    const edges = addLayer(graph, weights, input, inLayer);
    input = graph.node('Squeeze', [edges.all, graph.ints('axis_1', [1])], inLayer('sequence'));
    return { weights, edges, own: inLayer };
  });
}

/** Weights layer by layer, the two biases summed. */
function layersOf({ inputSize, hiddenSize: H, layers, weights }: ImportedLstm): LayerWeights[] {
  let at = 0;
  const take = (length: number) => {
    at += length;
    return weights.slice(at - length, at);
  };
  return Array.from({ length: layers }, (_, layer) => {
    const width = layer === 0 ? inputSize : H;
    const [weightIh, weightHh, biasIh, biasHh] = [4 * H * width, 4 * H * H, 4 * H, 4 * H].map(take);
    return { inputSize: width, hiddenSize: H, weightIh, weightHh, bias: biasIh.map((b, i) => b + biasHh[i]) };
  });
}
