import { leastSquares } from '../tests/leastSquares.js';
import { aggregated, type LongSeries, type ShortPath, type Ties, tiesOf } from './problem.js';
import { smoothed, whitened } from './residual.js';

/** Memory above which a residual is hardly told from a random walk; the search ends here. */
const LARGEST_RHO = 0.999;

/** Steps of the coarse search over rho, and of the golden section around its best. */
const COARSE = 40;
const SECTIONS = 40;

/**
 * The path of a series known by long periods that goes with an indicator (Chow and Lin 1971): y = b_0 + b_1 x + u with
 * an autoregressive u, b by generalised least squares on the long periods, rho in [0, .999] by maximum likelihood. Its
 * long-period values are the given ones. Without an indicator u is a random walk: the path of least squared changes
 * (Denton 1971). Every value uses long periods before and after it. Formulae: docs/methods/fill.md.
 *
 * @returns NaN throughout with fewer than three more observations than coefficients.
 * @throws ArgumentError where lengths do not fit
 * @example
 * const monthly = chowLin({ lengths, values: gdp, value: 'mean', indicator: production });
 * monthly.rho; // .97
 */
export function chowLin(series: LongSeries): ShortPath {
  const ties = tiesOf(series);
  const regressors = [constant(ties), ...(series.indicator ? [series.indicator] : [])];
  if (series.indicator === undefined) return pathAt(series, ties, regressors, 1);
  const score = (rho: number) => estimate(series, ties, regressors, rho)?.logLikelihood ?? Number.NEGATIVE_INFINITY;
  return pathAt(series, ties, regressors, maximised(score));
}

/**
 * The path of a series known by long periods whose residual around a drift, and an indicator where there is one, is a
 * random walk: y = b_0 + d t + b_1 x + u (Fernandez 1981 with a drift), by Kalman filter and smoother. After the last
 * observation it goes on with the drift and the indicator, so that of data cut off at t its end is what t knew.
 *
 * @returns NaN throughout with fewer than three more observations than coefficients.
 * @throws ArgumentError where lengths do not fit
 */
export function driftPath(series: LongSeries): ShortPath {
  const ties = tiesOf(series);
  const drift = Float64Array.from({ length: ties.short }, (_, t) => t);
  return pathAt(series, ties, [constant(ties), drift, ...(series.indicator ? [series.indicator] : [])], 1);
}

/** Observations beyond the coefficients below which there is no path. */
const SPARE = 3;

function estimate(series: LongSeries, ties: Ties, regressors: readonly Float64Array[], rho: number) {
  const long = regressors.map((column) => aggregated(column, ties, series.values.length));
  const { columns, logVariance } = whitened([...long, series.values], ties, rho);
  const y = columns[columns.length - 1];
  if (y.length < regressors.length + SPARE) return undefined;
  const fit = leastSquares(columns.slice(0, -1), y);
  if (fit === undefined) return undefined;
  const n = y.length;
  const logLikelihood = -0.5 * (n * (Math.log((2 * Math.PI * fit.sumOfSquares) / n) + 1) + logVariance);
  return { coefficients: fit.coefficients, long, logLikelihood };
}

function pathAt(series: LongSeries, ties: Ties, regressors: readonly Float64Array[], rho: number): ShortPath {
  const fit = estimate(series, ties, regressors, rho);
  if (fit === undefined) {
    const coefficients = new Float64Array(regressors.length).fill(Number.NaN);
    return { values: new Float64Array(ties.short).fill(Number.NaN), rho, coefficients, logLikelihood: Number.NaN };
  }
  const { coefficients, long, logLikelihood } = fit;
  const explained = (columns: readonly Float64Array[], t: number) =>
    columns.reduce((sum, column, j) => sum + coefficients[j] * column[t], 0);
  const residual = smoothed(
    series.values.map((value, q) => value - explained(long, q)),
    ties,
    rho,
  );
  return { values: residual.map((u, t) => u + explained(regressors, t)), rho, coefficients, logLikelihood };
}

function constant({ short }: Ties): Float64Array {
  return new Float64Array(short).fill(1);
}

/** Argument of the largest value over [0, LARGEST_RHO], by a grid and the golden section around its best point. */
function maximised(score: (rho: number) => number): number {
  const grid = Array.from({ length: COARSE + 1 }, (_, i) => (LARGEST_RHO * i) / COARSE);
  const scores = grid.map(score);
  const best = scores.indexOf(Math.max(...scores));
  let [low, high] = [grid[Math.max(0, best - 1)], grid[Math.min(COARSE, best + 1)]];
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atLeft, atRight] = [score(left), score(right)];
  for (let i = 0; i < SECTIONS; i++) {
    if (atLeft > atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - ratio * (high - low);
      atLeft = score(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + ratio * (high - low);
      atRight = score(right);
    }
  }
  return (low + high) / 2;
}
