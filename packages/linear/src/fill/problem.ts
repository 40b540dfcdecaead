import { ArgumentError } from '@macrograd/core';

/** What the value of a long period is of the values of the short periods in it. */
export type PeriodValue = 'mean' | 'sum' | 'last';

/** A series observed once a long period (a quarter), wanted every short period (a month). */
export interface LongSeries {
  /** [long], short periods in each long one. */
  readonly lengths: Int32Array;
  /** [long], NaN = missing. */
  readonly values: Float64Array;
  readonly value: PeriodValue;
  /** Short periods after the last long one; default 0. */
  readonly beyond?: number;
  /** [short], a related series that moves with the wanted one; no value missing. */
  readonly indicator?: Float64Array;
}

/** A path by short periods. */
export interface ShortPath {
  /** [short], NaN throughout where there are too few observations. */
  readonly values: Float64Array;
  /** Memory of the residual, 0 to 1; 1 = random walk. */
  readonly rho: number;
  /** Of the intercept, the drift a short period (where there is one), the indicator (where there is one). */
  readonly coefficients: Float64Array;
  /** Log-likelihood of the long series. */
  readonly logLikelihood: number;
}

/** Weight of every short period in its long one, and where long ones begin and end: what ties the two together. */
export interface Ties {
  readonly short: number;
  /** [short], weight in the value of the long period. */
  readonly weights: Float64Array;
  /** [short], 1 where a long period begins. */
  readonly begins: Uint8Array;
  /** [short], number of the long period that ends here and is observed; -1 elsewhere. */
  readonly observed: Int32Array;
}

/** @throws ArgumentError where lengths do not fit */
export function tiesOf(series: LongSeries): Ties {
  const { lengths, values, value, beyond = 0, indicator } = series;
  const short = lengths.reduce((sum, length) => sum + length, 0) + beyond;
  if (values.length !== lengths.length) {
    throw new ArgumentError(
      `${values.length} values for ${lengths.length} long periods`,
      'give one value a long period',
    );
  }
  if (indicator !== undefined && (indicator.length !== short || indicator.some(Number.isNaN))) {
    throw new ArgumentError(`the indicator has ${indicator.length} values for ${short} short periods, or missing ones`);
  }
  const weights = new Float64Array(short);
  const begins = new Uint8Array(short);
  const observed = new Int32Array(short).fill(-1);
  let start = 0;
  lengths.forEach((length, long) => {
    begins[start] = 1;
    const end = start + length;
    if (value === 'last') weights[end - 1] = 1;
    else weights.fill(value === 'sum' ? 1 : 1 / length, start, end);
    if (!Number.isNaN(values[long])) observed[end - 1] = long;
    start = end;
  });
  if (beyond > 0) begins[start] = 1;
  return { short, weights, begins, observed };
}

/** [long], values of the long periods of a column known every short period; NaN where not observed. */
export function aggregated(column: Float64Array, { weights, begins, observed }: Ties, long: number): Float64Array {
  const out = new Float64Array(long).fill(Number.NaN);
  let sum = 0;
  column.forEach((value, t) => {
    sum = (begins[t] ? 0 : sum) + weights[t] * value;
    if (observed[t] >= 0) out[observed[t]] = sum;
  });
  return out;
}
