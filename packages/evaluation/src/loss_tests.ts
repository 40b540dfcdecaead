import { normalCdf, twoSidedStudentPValue } from '@macrograd/exposure';

/** A test statistic and its p-value; NaN where there is nothing to test. */
export interface TestResult {
  readonly statistic: number;
  readonly pValue: number;
}

/** Fewer observations than this carry no test. */
const SMALLEST_SAMPLE = 12;

/**
 * Test of Diebold and Mariano (1995, "Comparing predictive accuracy") that two forecasts lose the same on average,
 * with the small-sample correction of Harvey, Leybourne and Newbold (1997) and a two-sided p-value from t(n - 1).
 *
 * The variance of the mean is Newey and West's with at least `horizon` lags.
 *
 * @param differences Loss of the benchmark minus loss of the method, one a period: positive speaks for the method.
 * @param horizon Horizon of the forecasts in periods; 0 counts as 1.
 */
export function dieboldMariano(differences: Float64Array, horizon: number): TestResult {
  const n = differences.length;
  const ratio = meanOverError(differences, horizon);
  const h = Math.max(1, horizon);
  const correction = Math.sqrt((n + 1 - 2 * h + (h * (h - 1)) / n) / n);
  const statistic = ratio * correction;
  return { statistic, pValue: twoSidedStudentPValue(statistic, n - 1) };
}

/**
 * Test of Clark and West (2007, "Approximately normal tests for equal predictive accuracy in nested models") that the
 * method adds nothing to a benchmark nested in it; one-sided normal p-value.
 *
 * @param adjusted One a period: e_0^2 - (e_1^2 - (f_0 - f_1)^2), where e are errors and f forecasts of benchmark 0 and
 * method 1. The last term takes off the noise that estimating useless parameters adds.
 */
export function clarkWest(adjusted: Float64Array, horizon: number): TestResult {
  const statistic = meanOverError(adjusted, horizon);
  return { statistic, pValue: normalCdf(-statistic) };
}

/** Mean of a series over its HAC standard error; NaN for a short or constant series. */
function meanOverError(series: Float64Array, horizon: number): number {
  if (series.length < SMALLEST_SAMPLE) return Number.NaN;
  const variance = varianceOfMean(series, hacLags(series.length, horizon));
  return variance > 0 ? mean(series) / Math.sqrt(variance) : Number.NaN;
}

/** Lags of the long-run variance: Newey and West's rule 4 (n / 100)^(2/9), and at least the horizon. */
export function hacLags(n: number, horizon: number): number {
  return Math.max(horizon, Math.floor(4 * (n / 100) ** (2 / 9)));
}

/** Variance of a mean under serial dependence, Bartlett weights (Newey and West 1987). */
export function varianceOfMean(series: Float64Array, lags: number): number {
  const n = series.length;
  const centre = mean(series);
  let sum = 0;
  for (let lag = 0; lag <= Math.min(lags, n - 1); lag++) {
    let covariance = 0;
    for (let t = lag; t < n; t++) covariance += (series[t] - centre) * (series[t - lag] - centre);
    sum += (lag === 0 ? 1 : 2 * (1 - lag / (lags + 1))) * covariance;
  }
  // A series that only rounding moves has no variance to speak of.
  return sum > 1e-24 * n * centre * centre ? sum / (n * n) : 0;
}

/** Arithmetic mean. */
export function mean(series: Float64Array): number {
  let sum = 0;
  for (const x of series) sum += x;
  return sum / series.length;
}
