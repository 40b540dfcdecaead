import type { Scaler } from '@macrograd/core';
import type { Edge, GraphBuilder } from './graph.js';
import { ElementType } from './proto.js';

/** Edges of some of the input's series, standardised, and where they are missing. */
export interface StandardisedSeries {
  /** (x - mean) / sd, 0 where x is NaN; the shape of the series. */
  readonly z: Edge;
  /** True where x is NaN; the shape of the series. */
  readonly missing: Edge;
}

/** Standardises series whose last axis runs over `columns` of the scaler. */
export function addStandardised(
  graph: GraphBuilder,
  series: Edge,
  columns: readonly number[],
  { mean, sd }: Scaler,
): StandardisedSeries {
  const constant = (name: string, values: Float64Array) => {
    return graph.floats(
      name,
      [columns.length],
      columns.map((column) => values[column]),
    );
  };
  const missing = graph.node('IsNaN', [series], 'missing');
  const centred = graph.node('Sub', [series, constant('factor_mean', mean)], 'centred');
  const scaled = graph.node('Div', [centred, constant('factor_sd', sd)], 'scaled');
  const z = graph.node('Where', [missing, graph.floats('zero', [], [0]), scaled], 'standardised');
  return { z, missing };
}

/** 0/1 floats of some places along the last axis of a boolean edge. */
export function addFlags(
  graph: GraphBuilder,
  flags: Edge,
  places: readonly number[],
  name: string,
  axis: number,
): Edge {
  const numbers = graph.node('Cast', [flags], `${name}_all`, { to: ElementType.float });
  return graph.node('Gather', [numbers, graph.ints(`${name}_places`, places)], name, { axis });
}

/** Places of columns among others; every one must be there. */
export function placesOf(columns: readonly number[], among: readonly number[]): number[] {
  return columns.map((column) => among.indexOf(column));
}
