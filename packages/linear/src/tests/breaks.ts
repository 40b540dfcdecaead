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
  const sums = new PairSums(x);
  const whole = sums.residual(1, x.length);
  if (!(whole > 0)) return undefined;
  const margin = Math.ceil(TRIMMING * x.length);
  let best = { statistic: 0, at: 0 };
  for (let at = margin; at <= x.length - margin; at++) {
    const apart = sums.residual(1, at) + sums.residual(at, x.length);
    const statistic = ((whole - apart) / apart) * (x.length - 1 - 4);
    if (statistic > best.statistic) best = { statistic, at };
  }
  return { ...best, isSignificant: best.statistic > CRITICAL };
}

/** Running sums over the pairs (x_{t-1}, x_t), from which the regression over any stretch follows at once. */
class PairSums {
  /** [t][lagged, current, lagged^2, product, current^2], sums over the pairs before t, of values less their mean. */
  private readonly sums: Float64Array;

  constructor(x: Float64Array) {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    this.sums = new Float64Array(5 * (x.length + 1));
    for (let t = 1; t < x.length; t++) {
      const [a, b] = [x[t - 1] - mean, x[t] - mean];
      [a, b, a * a, a * b, b * b].forEach((term, i) => {
        this.sums[5 * (t + 1) + i] = this.sums[5 * t + i] + term;
      });
    }
  }

  /** Residual sum of squares of x_t on x_{t-1} and an intercept over start <= t < end; 0 where x does not vary. */
  residual(start: number, end: number): number {
    const n = end - start;
    const [a, b, aa, ab, bb] = [0, 1, 2, 3, 4].map((i) => this.sums[5 * end + i] - this.sums[5 * start + i]);
    const [saa, sab, sbb] = [aa - (a * a) / n, ab - (a * b) / n, bb - (b * b) / n];
    return saa > 0 ? sbb - (sab * sab) / saa : 0;
  }
}
