import { leastSquares } from './leastSquares.js';

/** A test's statistic and its p-value. */
export interface TestResult {
  readonly statistic: number;
  readonly pValue: number;
  /** Lags that the test took up. */
  readonly lags: number;
}

/** Observations below which neither test says anything. */
const ENOUGH = 25;

/**
 * Augmented Dickey-Fuller test with intercept: small p-values speak against a unit root (Said and Dickey 1984). Lagged
 * changes are added up to 12 (n / 100)^1/4, as many as Akaike's criterion wants on common rows.
 *
 * @param x - values in a row without gaps.
 * @returns undefined for fewer than 25 values and for a constant.
 */
export function dickeyFuller(x: Float64Array): TestResult | undefined {
  const n = x.length;
  if (n < ENOUGH) return undefined;
  const most = Math.min(Math.ceil(12 * (n / 100) ** 0.25), Math.floor(n / 2) - 3);
  const widest = dickeyFullerRegression(x, most, most);
  if (widest === undefined) return undefined;
  // Level and intercept come first, then the lagged changes one by one: their regressions are nested in the widest.
  const rows = widest.residuals.length;
  const criteria = widest.nestedSums.slice(1).map((sum, lags) => rows * Math.log(sum / rows) + 2 * (lags + 2));
  const lags = criteria.indexOf(criteria.reduce((a, b) => Math.min(a, b)));
  const fit = dickeyFullerRegression(x, lags, lags);
  if (fit === undefined) return undefined;
  const statistic = fit.coefficients[0] / fit.errors[0];
  return { statistic, pValue: dickeyFullerPValue(statistic), lags };
}

/** Change on last level, intercept and lagged changes, over the rows that `skipped` lagged changes leave. */
function dickeyFullerRegression(x: Float64Array, lags: number, skipped: number) {
  const first = skipped + 1;
  const rows = x.length - first;
  const column = (value: (t: number) => number) => Float64Array.from({ length: rows }, (_, i) => value(first + i));
  const changes = Array.from({ length: lags }, (_, j) => column((t) => x[t - 1 - j] - x[t - 2 - j]));
  return leastSquares(
    [column((t) => x[t - 1]), column(() => 1), ...changes],
    column((t) => x[t] - x[t - 1]),
  );
}

/**
 * Response surface of the test with intercept (MacKinnon 1994, table 3): the normal quantile of the p-value is a
 * polynomial of the statistic, another one below -1.61.
 */
const SURFACE = { least: -18.83, middle: -1.61, most: 2.74 };
const LOWER = [2.1659, 1.4412, 0.038269];
const UPPER = [1.7339, 0.93202, -0.12745, -0.010368];

function dickeyFullerPValue(statistic: number): number {
  if (statistic > SURFACE.most) return 1;
  if (statistic < SURFACE.least) return 0;
  const polynomial = statistic <= SURFACE.middle ? LOWER : UPPER;
  return normalCdf(polynomial.reduceRight((sum, coefficient) => sum * statistic + coefficient, 0));
}

/** Critical values of the KPSS test around a level, at p = .10, .05, .025, .01 (Kwiatkowski et al. 1992, table 1). */
const KPSS_CRITICAL = [0.347, 0.463, 0.574, 0.739];
const KPSS_P = [0.1, 0.05, 0.025, 0.01];

/**
 * KPSS test of stationarity around a level: small p-values speak against stationarity. Bartlett's window with the
 * bandwidth of Hobijn, Franses and Ooms (2004).
 *
 * @param x - values in a row without gaps.
 * @returns p-values between .01 and .10, the ends of the published table; undefined for fewer than 25 values or a constant.
 */
export function kpss(x: Float64Array): TestResult | undefined {
  const n = x.length;
  if (n < ENOUGH) return undefined;
  const mean = x.reduce((sum, value) => sum + value, 0) / n;
  const residuals = x.map((value) => value - mean);
  const autocovariance = (lag: number) => {
    let sum = 0;
    for (let t = lag; t < n; t++) sum += residuals[t] * residuals[t - lag];
    return sum / n;
  };
  const lags = Math.min(bandwidth(autocovariance, n), n - 1);
  let variance = autocovariance(0);
  for (let lag = 1; lag <= lags; lag++) variance += 2 * (1 - lag / (lags + 1)) * autocovariance(lag);
  if (!(variance > 0)) return undefined;
  let total = 0;
  let squares = 0;
  for (const residual of residuals) {
    total += residual;
    squares += total * total;
  }
  const statistic = squares / (n * n) / variance;
  return { statistic, pValue: kpssPValue(statistic), lags };
}

function bandwidth(autocovariance: (lag: number) => number, n: number): number {
  let level = autocovariance(0);
  let slope = 0;
  for (let lag = 1; lag <= Math.floor(n ** (2 / 9)); lag++) {
    const covariance = 2 * autocovariance(lag);
    level += covariance;
    slope += lag * covariance;
  }
  // The square first: the sum of autocovariances may be negative, and has no real power of 2/3 then.
  return Math.floor(1.1447 * Math.cbrt((slope / level) ** 2) * Math.cbrt(n));
}

function kpssPValue(statistic: number): number {
  const at = KPSS_CRITICAL.findIndex((critical) => statistic < critical);
  if (at === 0) return KPSS_P[0];
  if (at < 0) return KPSS_P[KPSS_P.length - 1];
  const share = (statistic - KPSS_CRITICAL[at - 1]) / (KPSS_CRITICAL[at] - KPSS_CRITICAL[at - 1]);
  return KPSS_P[at - 1] + share * (KPSS_P[at] - KPSS_P[at - 1]);
}

/** Terms after which the series of erf below has converged in double precision for |z| < 4. */
const TERMS = 120;

/** Standard normal distribution function: by the series of erf near zero, by the continued fraction of erfc in the tails. */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  if (x < 2.8) {
    let term = x;
    let sum = x;
    for (let n = 1; n < TERMS; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 0.5 + (Math.sign(z) * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = TERMS; n > 0; n--) fraction = n / 2 / (x + fraction);
  const tail = Math.exp(-x * x) / (2 * Math.sqrt(Math.PI) * (x + fraction));
  return z > 0 ? 1 - tail : tail;
}
