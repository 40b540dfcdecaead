import type { JacobianForm, LstmParameters } from '@macrograd/core';
import { choleskyFactor } from './cholesky.js';
import type { ExposureEdges } from './exposure-outputs.js';
import type { Edge, GraphBuilder } from './graph.js';

/** What turns derivatives of features into exposures of the selected assets; made once for all forms. */
export interface HeadEdges {
  /** Of each member, [selected, K]. */
  readonly heads: readonly Edge[];
  /** Of each member, transposed factors of the heads' posterior covariance, [group + 1, K, K]; the last is NaN. */
  readonly factors: readonly Edge[];
  /** Group of each selected asset, [selected]. */
  readonly groups: Edge;
  /** Decimals of one standardised return, [selected, 1]. */
  readonly scale: Edge;
}

/** Reads the heads of the assets at the places `assets`. */
export function addHeads(graph: GraphBuilder, parameters: LstmParameters, assets: Edge): HeadEdges {
  const { members, returnSd, assetGroup } = parameters;
  const count = returnSd.length;
  const select = (all: Edge, name: string) => graph.node('Gather', [all, assets], name, { axis: 0 });
  const heads = members.map(({ heads: own, featureMean }, index) =>
    select(graph.weights(`member_${index}.heads`, [count, featureMean.length], own), `member_${index}.selected_heads`),
  );
  const groupCount = members.map((member) => (member.headCovariance?.length ?? 0) / member.featureMean.length ** 2);
  const least = Math.min(...groupCount);
  const factors = members.map(({ headCovariance, featureMean }, index) => {
    const size = featureMean.length;
    const values = transposedFactors(headCovariance ?? new Float64Array(0), least, size);
    return graph.weights(`member_${index}.covariance_factors`, [least + 1, size, size], values);
  });
  // An asset without a covariance of its heads reads the group of NaN after the others.
  const group = Array.from({ length: count }, (_, asset) => {
    const own = assetGroup?.[asset] ?? -1;
    return own < 0 || own >= least ? least : own;
  });
  return {
    heads,
    factors,
    groups: select(graph.ints('asset_group', group), 'selected_group'),
    scale: select(graph.floats('return_sd', [count, 1], returnSd), 'selected_return_sd'),
  };
}

/**
 * Exposures of one form, each [batch, selected, cell], from the members' derivatives of features [batch, K, cell].
 *
 *   exposure = sd * mean over members of head' s
 *   se^2 = sd^2 (mean over members of s' Cov s + variance over members of head' s)
 */
export function addReadout(
  graph: GraphBuilder,
  { heads, factors, groups, scale }: HeadEdges,
  sensitivities: readonly Edge[],
  form: JacobianForm,
): ExposureEdges {
  const own = (name: string) => `${form}.${name}`;
  const count = heads.length;
  const values = heads.map((head, e) => graph.node('MatMul', [head, sensitivities[e]], own(`member_${e}`)));
  const share = graph.floats('member_share', [], [1 / count]);
  const mean = graph.node('Mul', [graph.node('Sum', values, own('sum')), share], own('mean'));
  const squares = values.map((value, e) => {
    const deviation = graph.node('Sub', [value, mean], own(`deviation_${e}`));
    return graph.node('Mul', [deviation, deviation], own(`square_${e}`));
  });
  const divisor = graph.floats('member_degrees', [], [1 / Math.max(1, count - 1)]);
  const spread = graph.node('Mul', [graph.node('Sum', squares, own('squares')), divisor], own('member_variance'));
  const variances = factors.map((factor, e) => {
    const wide = graph.node('Unsqueeze', [sensitivities[e], graph.ints('axis_1', [1])], own(`by_group_${e}`));
    const rotated = graph.node('MatMul', [factor, wide], own(`rotated_${e}`));
    return graph.node('ReduceSumSquare', [rotated], own(`head_variance_${e}`), { axes: [2], keepdims: 0 });
  });
  const byGroup = graph.node(
    'Mul',
    [graph.node('Sum', variances, own('head_variances')), share],
    own('group_variance'),
  );
  const posterior = graph.node('Gather', [byGroup, groups], own('head_variance'), { axis: 1 });
  const scaled = (edge: Edge, name: string) => graph.node('Mul', [edge, scale], own(name));
  const variance = graph.node('Add', [posterior, spread], own('variance'));
  return {
    exposure: scaled(mean, 'exposure'),
    spread: scaled(graph.node('Sqrt', [spread], own('member_sd')), 'spread'),
    se: scaled(graph.node('Sqrt', [variance], own('standard_error')), 'se'),
  };
}

/** L' of every group's covariance L L', then one of NaN: [group + 1][K][K]. */
function transposedFactors(covariances: Float64Array, groups: number, size: number): Float64Array {
  const square = size * size;
  const out = new Float64Array((groups + 1) * square).fill(Number.NaN);
  for (let group = 0; group < groups; group++) {
    const factor = choleskyFactor(covariances.subarray(group * square, (group + 1) * square), size);
    for (let i = 0; i < square; i++) out[group * square + i] = factor[(i % size) * size + Math.floor(i / size)];
  }
  return out;
}
