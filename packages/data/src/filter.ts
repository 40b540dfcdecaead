import { ArgumentError, type Frequency, periodsPerYear } from '@macrograd/core';

/** Detrending filters; both look ahead, so a panel of what was known refuses them. */
export type FilterId = 'hp' | 'baxter_king';

/** Hodrick and Prescott's smoothing by frequency (Ravn and Uhlig 2002: 1600 a quarter, scaled with the fourth power). */
const HP_SMOOTHING: Readonly<Record<Exclude<Frequency, 'D' | 'W'>, number>> = { M: 129_600, Q: 1600, A: 6.25 };

/** Cycles that Baxter and King (1999) keep, in years, and the leads and lags that they use. */
const BAND_YEARS = { shortest: 1.5, longest: 8, leads: 3 };

/**
 * What a two-sided filter leaves as the cycle of a series: Hodrick-Prescott (observed values in a row from first to
 * last) or the Baxter-King band of 1.5 to 8 years (missing three years at both ends).
 *
 * The value at t depends on values after t.
 *
 * @throws ArgumentError for daily and weekly series, for which neither has an accepted setting
 */
export function cycle(values: Float64Array, frequency: Frequency, filter: FilterId): Float64Array {
  if (frequency === 'D' || frequency === 'W') {
    throw new ArgumentError(`the filter ${filter} has no setting for daily and weekly series`, 'aggregate to months');
  }
  return filter === 'hp' ? hodrickPrescott(values, HP_SMOOTHING[frequency]) : baxterKing(values, frequency);
}

/**
 * x minus the trend that minimises sum (x - trend)^2 + smoothing sum (second difference of trend)^2. A gap splits the
 * series into stretches, each filtered alone; stretches under four values are missing.
 */
function hodrickPrescott(values: Float64Array, smoothing: number): Float64Array {
  const out = new Float64Array(values.length).fill(Number.NaN);
  for (let start = 0; start < values.length; start++) {
    let end = start;
    while (end < values.length && !Number.isNaN(values[end])) end++;
    if (end - start >= 4) {
      const trend = smoothTrend(values.subarray(start, end), smoothing);
      for (let t = start; t < end; t++) out[t] = values[t] - trend[t - start];
    }
    start = end;
  }
  return out;
}

/** Solves (I + smoothing D'D) trend = x by the LDL' factors of a matrix with two bands, D the second difference. */
function smoothTrend(x: Float64Array, smoothing: number): Float64Array {
  const n = x.length;
  const diagonal = new Float64Array(n).fill(1);
  const first = new Float64Array(n);
  const second = new Float64Array(n);
  for (let t = 0; t + 2 < n; t++) {
    const row = [1, -2, 1];
    for (let i = 0; i < 3; i++) diagonal[t + i] += smoothing * row[i] * row[i];
    for (let i = 0; i < 2; i++) first[t + i] += smoothing * row[i] * row[i + 1];
    second[t] += smoothing;
  }
  const y = Float64Array.from(x);
  // first[t], second[t] become the factors L[t+1][t], L[t+2][t]; diagonal becomes D.
  for (let t = 0; t < n; t++) {
    const [l1, l2] = [first[t] / diagonal[t], second[t] / diagonal[t]];
    if (t + 1 < n) {
      diagonal[t + 1] -= l1 * first[t];
      first[t + 1] -= l1 * second[t];
      y[t + 1] -= l1 * y[t];
    }
    if (t + 2 < n) {
      diagonal[t + 2] -= l2 * second[t];
      y[t + 2] -= l2 * y[t];
    }
    first[t] = l1;
    second[t] = l2;
  }
  for (let t = n - 1; t >= 0; t--) {
    y[t] /= diagonal[t];
    if (t + 1 < n) y[t] -= first[t] * y[t + 1];
    if (t + 2 < n) y[t] -= second[t] * y[t + 2];
  }
  return y;
}

/** Ideal band-pass weights cut off at three years and shifted to sum to zero, so that a linear trend leaves nothing. */
function baxterKing(values: Float64Array, frequency: Frequency): Float64Array {
  const year = periodsPerYear[frequency];
  const reach = BAND_YEARS.leads * year;
  const low = (2 * Math.PI) / (BAND_YEARS.longest * year);
  // A cycle has two periods at least: of annual data everything up to eight years is kept.
  const high = (2 * Math.PI) / Math.max(BAND_YEARS.shortest * year, 2);
  const ideal = Array.from({ length: reach + 1 }, (_, j) =>
    j === 0 ? (high - low) / Math.PI : (Math.sin(high * j) - Math.sin(low * j)) / (Math.PI * j),
  );
  const sum = ideal.reduce((total, weight, j) => total + (j === 0 ? weight : 2 * weight), 0);
  const weights = ideal.map((weight) => weight - sum / (2 * reach + 1));
  return values.map((value, t) => {
    if (t < reach || t + reach >= values.length) return Number.NaN;
    return weights.reduce((total, weight, j) => total + weight * (j === 0 ? value : values[t - j] + values[t + j]), 0);
  });
}
