/** Over how many interquartile ranges from the median a value counts as an outlier (McCracken and Ng 2016, FRED-MD). */
const OUTLIER_RANGES = 10;

/** Observations below which neither outliers nor tails are judged. */
const ENOUGH_TO_JUDGE = 36;

/**
 * Values with outliers made missing: |x - median| > 10 interquartile ranges, FRED-MD's rule, judged from all values.
 * It looks both ways, so it serves for replicating a published panel, and a panel of what was known takes
 * {@link removeOutliersAsOf}. A series whose quartiles coincide is left alone.
 *
 * @example
 * removeOutliers(Float64Array.from([...values, 1e6])); // its last value is NaN
 */
export function removeOutliers(values: Float64Array): Float64Array {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  return values.map((value) => (isOutlier(value, sorted) ? Number.NaN : value));
}

/**
 * The same rule judged at every t from the values up to t, from the 36th observation on: an outlier stays one and no
 * later value changes the verdict.
 */
export function removeOutliersAsOf(values: Float64Array): Float64Array {
  return asOf(values, (value, sorted) => (isOutlier(value, sorted) ? Number.NaN : value));
}

/**
 * Values drawn in to the quantiles `share` and 1 - `share` of the values up to each t, from the 36th observation on.
 *
 * @param share - between 0 and .5, as .01 for the outermost per cent on both sides.
 */
export function winsoriseAsOf(values: Float64Array, share: number): Float64Array {
  return asOf(values, (value, sorted) =>
    Math.min(Math.max(value, quantile(sorted, share)), quantile(sorted, 1 - share)),
  );
}

/**
 * Quantile of ascending values where the i-th of n stands for the share (i - .5) / n, linear between (Hazen 1914), as
 * MATLAB computes it and so FRED-MD's authors.
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = Math.min(Math.max(share * sorted.length - 0.5, 0), sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

function isOutlier(value: number, sorted: ArrayLike<number>): boolean {
  const range = quantile(sorted, 0.75) - quantile(sorted, 0.25);
  return range > 0 && Math.abs(value - quantile(sorted, 0.5)) > OUTLIER_RANGES * range;
}

/** Applies a rule to every value, given the ascending values up to and with it. Missing stays missing. */
function asOf(values: Float64Array, rule: (value: number, sorted: readonly number[]) => number): Float64Array {
  const sorted: number[] = [];
  return values.map((value) => {
    if (Number.isNaN(value)) return value;
    sorted.splice(firstAbove(sorted, value), 0, value);
    return sorted.length < ENOUGH_TO_JUDGE ? value : rule(value, sorted);
  });
}

function firstAbove(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
