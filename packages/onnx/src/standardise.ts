import type { Scaler } from '@macrograd/core';
import type { Edge, GraphBuilder } from './graph.js';
import { ElementType } from './proto.js';

/** Edges of some of the input's series, standardised, and where they are missing. */
export interface StandardisedSeries {
  /** (x - mean) / sd within the limit, 0 where x is NaN; the shape of the series. */
  readonly z: Edge;
  /** True where x is NaN; the shape of the series. */
  readonly missing: Edge;
}

/** Standardises series whose last axis runs over `columns` of the scaler, and keeps them within +-`limit` SDs. */
export function addStandardised(
  graph: GraphBuilder,
  series: Edge,
  columns: readonly number[],
  { mean, sd }: Scaler,
  limit?: number,
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
  const limited = limit === undefined ? scaled : addLimits(graph, scaled, limit);
  const z = graph.node('Where', [missing, graph.floats('zero', [], [0]), limited], 'standardised');
  return { z, missing };
}

function addLimits(graph: GraphBuilder, scaled: Edge, limit: number): Edge {
  const ends = [graph.floats('lower_limit', [], [-limit]), graph.floats('upper_limit', [], [limit])];
  return graph.node('Clip', [scaled, ...ends], 'limited');
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
