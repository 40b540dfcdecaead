import type { JacobianForm, Scaler } from '@macrograd/core';
import type { Dimension, Edge, GraphBuilder } from './graph.js';

/** An exposure graph in the making. */
export interface ExposureGraph {
  readonly graph: GraphBuilder;
  /** [batch, time, series], raw. */
  readonly raw: Edge;
  /** Places of the wanted assets, [selected]. */
  readonly assets: Edge;
  /** Number of assets that can be selected. */
  readonly assetCount: number;
  /** Columns of the series that exposures are to. */
  readonly targets: readonly number[];
  readonly forms: readonly JacobianForm[];
}

/** A method's exposures in the making: what its graph gives for a form. */
export interface MethodExposures {
  /** Lags that the form `lags` has. */
  readonly lags: number;
  readonly edges: (form: JacobianForm) => ExposureEdges;
}

/** All forms of an exposure. */
export const exposureForms: readonly JacobianForm[] = ['contemporaneous', 'cumulative', 'lags'];

/** Edges of one form in decimals, [batch or 1, selected, lag * target]. */
export interface ExposureEdges {
  /** Per training SD. */
  readonly exposure: Edge;
  readonly se?: Edge;
  readonly spread?: Edge;
}

/**
 * Writes the outputs of one form: `<form>`, `<form>_unit` and, where there are any, `<form>_se` and `<form>_spread`;
 * NaN where the factor is missing.
 */
export function addOutputs(
  { graph, raw, targets }: ExposureGraph,
  form: JacobianForm,
  lags: number,
  edges: ExposureEdges,
  scaler: Scaler,
): void {
  const kept = form === 'lags' ? lags : 1;
  const missing = addMissing(graph, raw, targets, kept);
  const sizes = form === 'lags' ? [kept, targets.length] : [targets.length];
  const shape: Dimension[] = ['batch', 'selected', ...sizes];
  const finish = (edge: Edge, output: string, docString: string) => {
    const masked = graph.node('Add', [edge, missing], `${output}.masked`);
    // 0 keeps the size of batch and selection.
    graph.node('Reshape', [masked, graph.ints(`${form}.shape`, [0, 0, ...sizes])], output);
    graph.output(output, shape, docString);
    return output;
  };
  const exposure = finish(edges.exposure, form, 'decimal return per training SD of the factor');
  const sd = targets.map((column) => scaler.sd[column]);
  graph.node('Div', [exposure, graph.floats('target_sd', [targets.length], sd)], `${form}_unit`);
  graph.output(`${form}_unit`, shape, 'decimal return per unit of the factor');
  if (edges.se !== undefined) finish(edges.se, `${form}_se`, 'standard error of the exposure per SD');
  if (edges.spread !== undefined) finish(edges.spread, `${form}_spread`, "SD of the ensemble's members");
}

/** 0, or NaN where the series is missing: [batch, 1, lag * target], lag 0 first. Steps before the window count as 0. */
function addMissing(graph: GraphBuilder, raw: Edge, targets: readonly number[], lags: number): Edge {
  const own = (name: string) => `missing_${lags}.${name}`;
  if (graph.has(own('mask'))) return own('mask');
  const series = graph.node('Gather', [raw, graph.ints('targets', targets)], own('series'), { axis: 2 });
  const flags = graph.node('IsNaN', [series], own('flags'));
  const constants = [graph.floats('nan', [], [Number.NaN]), graph.floats('zero', [], [0])];
  const marks = graph.node('Where', [flags, ...constants], own('marks'));
  const pads = graph.ints(own('pads'), [0, lags - 1, 0, 0, 0, 0]);
  const padded = graph.node('Pad', [marks, pads], own('padded'), { mode: 'constant' });
  // Backwards from the last step.
  const limits = [[-1], [-lags - 1], [1], [-1]].map((values, at) => graph.ints(own(`limit_${at}`), values));
  const newest = graph.node('Slice', [padded, ...limits], own('newest_first'));
  return graph.node('Reshape', [newest, graph.ints(own('shape'), [0, 1, lags * targets.length])], own('mask'));
}
