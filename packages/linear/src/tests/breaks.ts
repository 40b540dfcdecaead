import { leastSquares } from './leastSquares.js';

/** The likeliest break of a series. */
export interface StructuralBreak {
  /** Largest F statistic over all dates, times the number of coefficients. */
  readonly statistic: number;
  /** Index of the first value after the break. */
  readonly at: number;
  /** Whether the statistic exceeds what chance exceeds in 5 % of cases. */
  readonly isSignificant: boolean;
}

/** Share of the values at either end where no break is looked for. */
const TRIMMING = 0.15;

/** 5 % critical value for two coefficients and 15 % trimming (Andrews 1993, table 1, as corrected in 2003). */
const CRITICAL = 11.72;

/** Observations below which no break is looked for. */
const ENOUGH = 60;

/**
 * Looks for one break, at an unknown date, in level and memory of a series: the largest of the F statistics of a change of
 * both coefficients of x_t on x_{t-1} and an intercept (Quandt 1960, Andrews 1993).
 *
 * @param x - values in a row without gaps.
 * @returns undefined for fewer than 60 values and for a constant.
 */
export function findBreak(x: Float64Array): StructuralBreak | undefined {
  if (x.length < ENOUGH) return undefined;
  const whole = autoregression(x, 1, x.length);
  if (whole === undefined) return undefined;
  const margin = Math.ceil(TRIMMING * x.length);
  let best = { statistic: 0, at: 0 };
  for (let at = margin; at <= x.length - margin; at++) {
    const [before, after] = [autoregression(x, 1, at), autoregression(x, at, x.length)];
    if (before === undefined || after === undefined) continue;
    const apart = before.sumOfSquares + after.sumOfSquares;
    const statistic = ((whole.sumOfSquares - apart) / apart) * (x.length - 1 - 4);
    if (statistic > best.statistic) best = { statistic, at };
  }
  return { ...best, isSignificant: best.statistic > CRITICAL };
}

function autoregression(x: Float64Array, start: number, end: number) {
  const lagged = x.subarray(start - 1, end - 1);
  return leastSquares([new Float64Array(end - start).fill(1), lagged], x.slice(start, end));
}
