import { type FactorPanel, fitScaler, indexesOfRole, type Span } from '@macrograd/core';

/**
 * Share of training months like a state below which it counts as barely seen. Errors rise by a third to a half there, and
 * double at no share (docs/methods/screening.md): a caution.
 */
export const BARELY_SEEN_SHARE = 0.1;

/**
 * Share of training months on one side of a threshold below which that side counts as barely seen: the errors of exposures
 * have doubled there (docs/methods/screening.md).
 */
export const BARELY_SEEN_SIDE = 0.11;

/** How familiar the state of one date is to the training sample. */
export interface RegimeShare {
  /** Share of training rows within one SD of the date's state, of the least familiar variable; NaN if none is observed. */
  readonly share: number;
  /** False where the share is below {@link BARELY_SEEN_SHARE}. */
  readonly inRegime: boolean;
  /** Name of the least familiar variable; undefined where none is observed. */
  readonly variable: string | undefined;
}

/**
 * Regime share of one row: per state variable, the share of training rows whose standardised value lies within 1 SD
 * of the row's, and of these the smallest. States are the series with that role, or the factors where there are none.
 *
 * One variable at a time, because in many dimensions hardly any month lies near any other.
 */
export function regimeShare(inputs: FactorPanel, train: Span, row: number): RegimeShare {
  return regimeShares(inputs, train, { start: row, end: row + 1 })[0];
}

/** {@link regimeShare} of every row of a span. */
export function regimeShares(inputs: FactorPanel, train: Span, span: Span): RegimeShare[] {
  const columns = inputs.factors.length;
  const states = indexesOfRole(inputs, 'state');
  const variables = states.length > 0 ? states : indexesOfRole(inputs, 'factor');
  const { sd } = fitScaler(inputs.values, columns, train);
  const training = variables.map((column) => sortedTraining(inputs, train, column));
  return Array.from({ length: span.end - span.start }, (_, t) => {
    let share = Number.NaN;
    let variable: string | undefined;
    variables.forEach((column, v) => {
      const today = inputs.values[(span.start + t) * columns + column];
      const near = shareWithin(training[v], today - sd[column], today + sd[column]);
      if (near < share || (Number.isNaN(share) && !Number.isNaN(near))) {
        share = near;
        variable = inputs.factors[column].name;
      }
    });
    return { share, inRegime: share >= BARELY_SEEN_SHARE, variable };
  });
}

/**
 * [row]: share of training rows on a row's side of a level of one column, the level's own row counted below; NaN where
 * the column is missing.
 */
export function sideShares(inputs: FactorPanel, train: Span, variable: number, level: number): Float64Array {
  const columns = inputs.factors.length;
  const sorted = sortedTraining(inputs, train, variable);
  const below = countBelow(sorted, level, true) / sorted.length;
  return Float64Array.from({ length: inputs.axis.dates.length }, (_, row) => {
    const value = inputs.values[row * columns + variable];
    if (Number.isNaN(value)) return Number.NaN;
    return value > level ? 1 - below : below;
  });
}

function sortedTraining(inputs: FactorPanel, train: Span, column: number): Float64Array {
  const columns = inputs.factors.length;
  const rows = Array.from({ length: train.end - train.start }, (_, t) => (train.start + t) * columns + column);
  return Float64Array.from(rows, (i) => inputs.values[i])
    .filter((x) => !Number.isNaN(x))
    .sort();
}

/** Share of ascending values in [low, high]; NaN without values or with a missing bound. */
function shareWithin(sorted: Float64Array, low: number, high: number): number {
  if (Number.isNaN(low) || sorted.length === 0) return Number.NaN;
  return (countBelow(sorted, high, true) - countBelow(sorted, low, false)) / sorted.length;
}

/** Number of ascending values below the bound, or at it where `inclusive`. */
function countBelow(sorted: Float64Array, bound: number, inclusive: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < bound || (inclusive && sorted[middle] === bound)) low = middle + 1;
    else high = middle;
  }
  return low;
}
