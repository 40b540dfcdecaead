import {
  type EncoderParameters,
  type JacobianForm,
  type LstmParameters,
  MEMBER_SPREAD_WEIGHT,
  semidefiniteCholesky,
} from '@macrograd/core';
import type { ExposureEdges } from './exposure-outputs.js';
import type { Edge, GraphBuilder } from './graph.js';

/** The covariance of one member's heads, `v_0 C_g + sum over p of v_p u_gp u_gp'`; the group after the others is NaN. */
interface CovarianceEdges {
  /** Transposed factors of C, [group + 1, K, K]. */
  readonly factors: Edge;
  /** v_0, [selected, 1]. */
  readonly common: Edge;
  /** u, [group + 1, P, K], and the roots of v_p, [selected, P, 1]. */
  readonly own?: { readonly basis: Edge; readonly roots: Edge };
}

/** Heads of an ensemble, or of one regression on features, on returns of unit SD. */
export interface Heads extends Pick<LstmParameters, 'returnSd' | 'assetGroup'> {
  readonly members: readonly MemberHeads[];
}

type MemberHeads = Pick<EncoderParameters, 'heads' | 'featureMean' | 'headCovariance' | 'headBasis' | 'headVariances'>;

/** What turns derivatives of features into exposures of the selected assets; made once for all forms. */
export interface HeadEdges {
  /** Of each member, [selected, K]. */
  readonly heads: readonly Edge[];
  /** Of each member; absent where the heads have no covariance. */
  readonly covariances?: readonly CovarianceEdges[];
  /** Group of each selected asset, [selected]. */
  readonly groups: Edge;
  /** Decimals of one standardised return, [selected, 1]. */
  readonly scale: Edge;
}

/** Reads the heads of the assets at the places `assets`. */
export function addHeads(graph: GraphBuilder, { members, returnSd, assetGroup }: Heads, assets: Edge): HeadEdges {
  const count = returnSd.length;
  const select = (all: Edge, name: string) => graph.node('Gather', [all, assets], name, { axis: 0 });
  const heads = members.map(({ heads: own, featureMean }, index) =>
    select(graph.weights(`member_${index}.heads`, [count, featureMean.length], own), `member_${index}.selected_heads`),
  );
  const groupCount = members.map((member) => (member.headCovariance?.length ?? 0) / member.featureMean.length ** 2);
  const least = Math.min(...groupCount);
  const known = members.some(({ headCovariance }) => headCovariance !== undefined);
  const covariances =
    known && members.map((member, index) => addCovariance(graph, member, index, { groups: least, select }));
  // An asset without a covariance of its heads reads the group of NaN after the others.
  const group = Array.from({ length: count }, (_, asset) => {
    const own = assetGroup?.[asset] ?? -1;
    return own < 0 || own >= least ? least : own;
  });
  return {
    heads,
    ...(covariances && { covariances }),
    groups: select(graph.ints('asset_group', group), 'selected_group'),
    scale: select(graph.floats('return_sd', [count, 1], returnSd), 'selected_return_sd'),
  };
}

/**
 * Exposures of one form, each [batch, selected, cell], from the members' derivatives of features [batch, K, cell].
 *
 *   exposure = sd * mean over members of head' s
 *   se^2 = sd^2 (mean over members of s' Cov s + MEMBER_SPREAD_WEIGHT variance over members of head' s)
 */
export function addReadout(
  graph: GraphBuilder,
  { heads, covariances, groups, scale }: HeadEdges,
  sensitivities: readonly Edge[],
  form: JacobianForm,
): ExposureEdges {
  const own = (name: string) => `${form}.${name}`;
  const count = heads.length;
  const values = heads.map((head, e) => graph.node('MatMul', [head, sensitivities[e]], own(`member_${e}`)));
  const share = graph.floats('member_share', [], [1 / count]);
  const mean = graph.node('Mul', [graph.node('Sum', values, own('sum')), share], own('mean'));
  const memberVariance = count > 1 ? addMemberVariance(graph, values, mean, own) : undefined;
  const scaled = (edge: Edge, name: string) => graph.node('Mul', [edge, scale], own(name));
  const root = (variance: Edge, name: string) => graph.node('Sqrt', [variance], own(name));
  const exposure = scaled(mean, 'exposure');
  const spread = memberVariance && scaled(root(memberVariance, 'member_sd'), 'spread');
  if (!covariances) return { exposure, ...(spread && { spread }) };
  const variances = covariances.map((covariance, e) => {
    const wide = graph.node('Unsqueeze', [sensitivities[e], graph.ints('axis_1', [1])], own(`by_group_${e}`));
    return addHeadVariance(graph, covariance, wide, groups, (name) => own(`${name}_${e}`));
  });
  const sum = graph.node('Sum', variances, own('head_variances'));
  const posterior = graph.node('Mul', [sum, share], own('head_variance'));
  const weighted =
    memberVariance &&
    graph.node(
      'Mul',
      [memberVariance, graph.floats('spread_weight', [], [MEMBER_SPREAD_WEIGHT])],
      own('weighted_spread'),
    );
  const variance = weighted ? graph.node('Add', [posterior, weighted], own('variance')) : posterior;
  return { exposure, ...(spread && { spread }), se: scaled(root(variance, 'standard_error'), 'se') };
}

/** s' Cov s of one member, [batch, selected, cell], from s [batch, 1, K, cell]. */
function addHeadVariance(
  graph: GraphBuilder,
  covariance: CovarianceEdges,
  wide: Edge,
  groups: Edge,
  own: (name: string) => string,
): Edge {
  const ofGroup = (edge: Edge, name: string) => graph.node('Gather', [edge, groups], own(name), { axis: 1 });
  const squares = (edge: Edge, name: string) =>
    graph.node('ReduceSumSquare', [edge], own(name), { axes: [2], keepdims: 0 });
  const rotated = graph.node('MatMul', [covariance.factors, wide], own('rotated'));
  const common = ofGroup(squares(rotated, 'group_variance'), 'common_variance');
  const shared = graph.node('Mul', [common, covariance.common], own('shared_variance'));
  if (!covariance.own) return shared;
  const along = ofGroup(graph.node('MatMul', [covariance.own.basis, wide], own('along')), 'own_along');
  const sized = graph.node('Mul', [along, covariance.own.roots], own('own_deviation'));
  return graph.node('Add', [shared, squares(sized, 'own_variance')], own('head_variance'));
}

/** Variance over the members, degrees of freedom one less than their number. */
function addMemberVariance(
  graph: GraphBuilder,
  values: readonly Edge[],
  mean: Edge,
  own: (name: string) => string,
): Edge {
  const squares = values.map((value, e) => {
    const deviation = graph.node('Sub', [value, mean], own(`deviation_${e}`));
    return graph.node('Mul', [deviation, deviation], own(`square_${e}`));
  });
  const divisor = graph.floats('member_degrees', [], [1 / (values.length - 1)]);
  return graph.node('Mul', [graph.node('Sum', squares, own('squares')), divisor], own('member_variance'));
}

function addCovariance(
  graph: GraphBuilder,
  { headCovariance, headBasis, headVariances, featureMean, heads }: MemberHeads,
  index: number,
  { groups, select }: { readonly groups: number; readonly select: (all: Edge, name: string) => Edge },
): CovarianceEdges {
  const size = featureMean.length;
  const own = (name: string) => `member_${index}.${name}`;
  const assets = heads.length / size;
  const all = headCovariance?.length ?? 0;
  const directions = headBasis && all > 0 ? headBasis.length / (all / size) : 0;
  // Roots, which half precision holds better than variances.
  const root = (asset: number, p: number) => Math.sqrt(headVariances?.[asset * (1 + directions) + p] ?? 1);
  const table = (columns: number, entry: (asset: number, column: number) => number) =>
    Float64Array.from({ length: assets * columns }, (_, i) => entry(Math.floor(i / columns), i % columns));
  const factors = transposedFactors(headCovariance ?? new Float64Array(0), groups, size);
  const commonRoot = select(
    graph.weights(
      own('common_roots'),
      [assets, 1],
      table(1, (asset) => root(asset, 0)),
    ),
    own('selected_common_root'),
  );
  const common = {
    factors: graph.weights(own('covariance_factors'), [groups + 1, size, size], factors),
    common: graph.node('Mul', [commonRoot, commonRoot], own('selected_common')),
  };
  if (!headBasis || directions === 0) return common;
  const basis = new Float64Array((groups + 1) * directions * size).fill(Number.NaN);
  basis.set(headBasis.subarray(0, groups * directions * size));
  const roots = graph.weights(
    own('own_roots'),
    [assets, directions, 1],
    table(directions, (asset, p) => root(asset, 1 + p)),
  );
  return {
    ...common,
    own: {
      basis: graph.weights(own('head_basis'), [groups + 1, directions, size], basis),
      roots: select(roots, own('selected_own_roots')),
    },
  };
}

/** L' of every group's covariance L L', then one of NaN: [group + 1][K][K]. */
function transposedFactors(covariances: Float64Array, groups: number, size: number): Float64Array {
  const square = size * size;
  const out = new Float64Array((groups + 1) * square).fill(Number.NaN);
  for (let group = 0; group < groups; group++) {
    const factor = semidefiniteCholesky(covariances.subarray(group * square, (group + 1) * square), size);
    for (let i = 0; i < square; i++) out[group * square + i] = factor[(i % size) * size + Math.floor(i / size)];
  }
  return out;
}
