import { ArgumentError, fitScaler, indexesOfRole, type Panel, type Span, standardise } from '@macrograd/core';
import { AddedVariableTest } from './screening/added_variable.js';
import { Basis } from './screening/basis.js';
import { hacLags } from './screening/screen.js';
import { twoSidedStudentPValue } from './student_t.js';

export interface AlarmOptions {
  /** Probability of any false alarm over all pairs and however long the watch; default .10. */
  readonly level?: number;
  /** Lags of the HAC kernel; default as in `hacLags`. */
  readonly lags?: number;
}

/** Watch over the exposures of a universe. Arrays are [asset][factor], row-major. */
export interface ExposureAlarms {
  /** Row of the panel at which the alarm went off; -1 without one. */
  readonly row: Int32Array;
  /** Largest of statistic / boundary over the watched rows: above 1 is an alarm. NaN where nothing can be watched. */
  readonly size: Float64Array;
}

/** Fewest training returns per regressor. */
const ROWS_PER_REGRESSOR = 4;

/**
 * Watches, row by row as they come, whether linear exposures are still those of the training rows (Horvath, Huskova,
 * Kokoszka and Steinebach 2004). With e the residuals of the regression on the training rows and w what the other
 * factors leave of a factor, the sum of w e after training stays within c (1 + A / A_0) S for ever with the
 * probability that a Brownian motion stays within c on [0, 1]; A and A_0 are the sums of w^2 watched and in training (the
 * clock: a persistent factor does not move evenly), S the HAC error of the training rows' sum. c allows for the error of
 * S by Student's t, as the screen does, and for the number of pairs (Bonferroni). An alarm knows nothing of later rows.
 *
 * @example
 * const { row } = monitorExposures(panel, { start: 0, end: 480 }, { start: 480, end: 600 });
 */
export function monitorExposures(panel: Panel, train: Span, watch: Span, options: AlarmOptions = {}): ExposureAlarms {
  const { level = 0.1, lags = hacLags(train.end - train.start, panel.horizon) } = options;
  if (!(level > 0 && level < 1)) throw new ArgumentError(`an error rate of ${level} does not lie between 0 and 1`);
  if (watch.start < train.end) throw new ArgumentError('the watch begins before training ends');
  const { inputs, assets, returns } = panel;
  const factors = indexesOfRole(inputs, 'factor');
  const cells = assets.length * factors.length;
  const row = new Int32Array(cells).fill(-1);
  const size = new Float64Array(cells).fill(Number.NaN);
  // P(sup |W| > c) <= 4 (1 - Phi(c)) by reflection on either side, for a level shared out over the pairs.
  const tail = level / (2 * Math.max(1, cells));
  const columns = regressors(panel, train, watch);
  assets.forEach((_, asset) => {
    const observed = [...rowsOf(train), ...rowsOf(watch)].filter(
      (at) => !Number.isNaN(returns[at * assets.length + asset]),
    );
    const training = observed.filter((at) => at < train.end).length;
    if (training < ROWS_PER_REGRESSOR * columns.length) return;
    const own = columns.map((column) => Float64Array.from(observed, (at) => column[at - train.start]));
    const target = Float64Array.from(observed, (at) => returns[at * assets.length + asset]);
    const residual = remainder(own, target, training);
    factors.forEach((_, factor) => {
      // The constant comes first, then the factors.
      const left = remainder(
        own.filter((_, at) => at !== factor + 1),
        own[factor + 1],
        training,
      );
      const basis = Basis.empty.with(
        own.flatMap((column, at) => (at === factor + 1 ? [] : [column.slice(0, training)])),
      );
      const test = new AddedVariableTest(basis, left.slice(0, training), lags);
      const { coefficient, statistic } = test.of(basis.residual(target.slice(0, training)));
      const error = Math.abs(coefficient / statistic);
      const outcome = firstCrossing(left, residual, training, error, criticalValue(tail, test.degreesOfFreedom));
      const cell = asset * factors.length + factor;
      size[cell] = outcome.size;
      if (outcome.at >= 0) row[cell] = observed[outcome.at];
    });
  });
  return { row, size };
}

/** First row after training at which the sum of w e leaves the boundary, and the largest ratio of the two. */
function firstCrossing(w: Float64Array, e: Float64Array, training: number, error: number, critical: number) {
  let information = 0;
  for (let t = 0; t < training; t++) information += w[t] * w[t];
  // Standard error of the coefficient times sum w^2 = that of the training rows' sum of w e.
  const scale = error * information;
  let sum = 0;
  let gained = 0;
  let size = 0;
  let at = -1;
  for (let t = training; t < w.length; t++) {
    sum += w[t] * e[t];
    gained += w[t] * w[t];
    const ratio = Math.abs(sum) / (scale * critical * (1 + gained / information));
    if (ratio > 1 && at < 0) at = t;
    size = Math.max(size, ratio);
  }
  return { at, size: scale > 0 ? size : Number.NaN };
}

/** c with P(|t| > c) = tail, by bisection. */
function criticalValue(tail: number, degrees: number): number {
  let [low, high] = [0, 1e6];
  for (let step = 0; step < 80; step++) {
    const middle = (low + high) / 2;
    if (twoSidedStudentPValue(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return high;
}

/** What regressions fitted on the first `training` rows leave of a column at all rows (Gram-Schmidt on those rows). */
function remainder(columns: readonly Float64Array[], target: Float64Array, training: number): Float64Array {
  const basis: Float64Array[] = [];
  const inner = (a: Float64Array, b: Float64Array) => {
    let sum = 0;
    for (let t = 0; t < training; t++) sum += a[t] * b[t];
    return sum;
  };
  const reduce = (column: Float64Array) => {
    const left = column.slice();
    for (let pass = 0; pass < 2; pass++) {
      for (const q of basis) {
        const share = inner(q, left);
        for (let t = 0; t < left.length; t++) left[t] -= share * q[t];
      }
    }
    return left;
  };
  for (const column of columns) {
    const left = reduce(column);
    const length = Math.sqrt(inner(left, left));
    // A column that the others give already adds nothing.
    if (length > 1e-7 * Math.sqrt(inner(column, column))) basis.push(left.map((value) => value / length));
  }
  return reduce(target);
}

/** Constant, factors and controls in training SD from the first training row to the last watched; missing = 0. */
function regressors({ inputs }: Panel, train: Span, watch: Span): Float64Array[] {
  const series = inputs.factors.length;
  const scaler = fitScaler(inputs.values, series, train);
  const z = standardise(inputs.values.subarray(train.start * series, watch.end * series), scaler);
  const rows = watch.end - train.start;
  const columns = [...indexesOfRole(inputs, 'factor'), ...indexesOfRole(inputs, 'control')];
  const build = (column: number) =>
    Float64Array.from({ length: rows }, (_, t) => (Number.isNaN(z[t * series + column]) ? 0 : z[t * series + column]));
  return [new Float64Array(rows).fill(1), ...columns.map(build)];
}

function rowsOf({ start, end }: Span): number[] {
  return Array.from({ length: end - start }, (_, t) => start + t);
}
