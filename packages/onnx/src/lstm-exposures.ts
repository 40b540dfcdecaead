import type { EncoderParameters, JacobianForm, LstmParameters } from '@macrograd/core';
import type { ExposureGraph, MethodExposures } from './exposure-outputs.js';
import { addHeads, addReadout } from './exposure-readout.js';
import type { Edge, GraphBuilder } from './graph.js';
import { addEncoder, addSteps, longestWindow } from './lstm-graph.js';
import { addHiddenJacobian } from './lstm-jacobian.js';

/** Exposures of the ensemble: the members' derivatives of features, read by the heads of the selected assets. */
export function addLstmExposures(wanted: ExposureGraph, parameters: LstmParameters): MethodExposures {
  const { graph, raw, assets, targets } = wanted;
  const lags = longestWindow(parameters);
  const steps = addSteps(graph, parameters, raw, lags);
  const members = parameters.members.map((member, index) => {
    const own = (name: string) => `member_${index}.${name}`;
    return addFeatureJacobian(graph, parameters, member, { steps, targets, lags }, own);
  });
  const heads = addHeads(graph, parameters, assets);
  return {
    lags,
    edges: (form) => {
      const sensitivities = members.map((edge, e) => contracted(graph, edge, form, `member_${e}.${form}`));
      return addReadout(graph, heads, sensitivities, form);
    },
  };
}

/** Derivatives of one member's features [z | h | l] by the targets: [batch, K, lag, target]. */
function addFeatureJacobian(
  graph: GraphBuilder,
  parameters: LstmParameters,
  member: EncoderParameters,
  { steps, targets, lags }: { readonly steps: Edge; readonly targets: readonly number[]; readonly lags: number },
  own: (name: string) => string,
): Edge {
  const places = targets.map((column) => parameters.windowColumns.indexOf(column));
  // A control or state that is no target has no place here; a target that the model does not know has no effect: NaN.
  const columns = targets.map((column) => parameters.columns.indexOf(column));
  const encoder = addEncoder(graph, member, steps, own);
  const hidden = addHiddenJacobian(graph, [{ weights: member, edges: encoder, own }], places);
  const older = graph.ints(own('older_lags'), [0, 0, 0, 0, 0, 0, lags - member.lookback, 0]);
  const padded = graph.node('Pad', [hidden, older], own('hidden_jacobian_padded'), { mode: 'constant' });
  const shape = graph.node('Shape', [padded], own('jacobian_sizes'));
  const batch = graph.node('Gather', [shape, graph.ints('axis_0', [0])], own('jacobian_batch'), { axis: 0 });
  const parts = [padded];
  const linear = linearDerivatives(parameters, member, columns, lags);
  for (const [name, { features, values }] of Object.entries(linear)) {
    if (features === 0) continue;
    const sizes = [features, lags, targets.length];
    const constant = graph.weights(own(`${name}_derivatives`), [1, ...sizes], values);
    const all = graph.node('Concat', [batch, graph.ints(own(`${name}_sizes`), sizes)], own(`${name}_shape`), {
      axis: 0,
    });
    const expanded = graph.node('Expand', [constant, all], own(`${name}_jacobian`));
    if (name === 'factors') parts.unshift(expanded);
    else parts.push(expanded);
  }
  return graph.node('Concat', parts, own('feature_jacobian'), { axis: 1 });
}

/** The derivatives that are the same everywhere, [feature][lag][target]: of z and of the lag filters. */
function linearDerivatives(
  { columns }: LstmParameters,
  { lagCount, filterCount, lagFilters }: EncoderParameters,
  targets: readonly number[],
  lags: number,
) {
  const make = (features: number, value: (feature: number, lag: number, column: number) => number) => ({
    features,
    values: Float64Array.from({ length: features * lags * targets.length }, (_, i) => {
      const column = targets[i % targets.length];
      const lag = Math.floor(i / targets.length) % lags;
      return column < 0 ? Number.NaN : value(Math.floor(i / (targets.length * lags)), lag, column);
    }),
  });
  return {
    factors: make(columns.length, (feature, lag, column) => (lag === 0 && feature === column ? 1 : 0)),
    filters: make(filterCount, (filter, lag, column) =>
      lag < lagCount ? lagFilters[(lag * columns.length + column) * filterCount + filter] : 0,
    ),
  };
}

/** [batch, K, lag, target] -> [batch, K, cell] with the lags that the form keeps. */
export function contracted(graph: GraphBuilder, edge: Edge, form: JacobianForm, name: string): Edge {
  if (form === 'cumulative') {
    return graph.node('ReduceSum', [edge, graph.ints('axis_2', [2])], `${name}_derivatives`, { keepdims: 0 });
  }
  if (form === 'contemporaneous') {
    const first = graph.node('Gather', [edge, graph.ints('index_0', [0])], `${name}_lag_0`, { axis: 2 });
    return graph.node('Squeeze', [first, graph.ints('axis_2', [2])], `${name}_derivatives`);
  }
  return graph.node('Reshape', [edge, graph.ints('join_lags', [0, 0, -1])], `${name}_derivatives`);
}
