/** Rows before and after a row whose squares make its variance. */
const REACH = 4;

/**
 * [row]: one over the size of the returns around each row, the root of the mean of their squares over assets and over the
 * rows within {@link REACH} of it; 1 where nothing is observed. Rows of a crisis would else count as much as years of calm.
 *
 * @param returns [row][asset], standardised; NaN = missing
 */
export function calmWeights(returns: Float64Array, assets: number): Float64Array {
  const rows = returns.length / assets;
  const [squares, counts] = [new Float64Array(rows), new Float64Array(rows)];
  returns.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    squares[Math.floor(i / assets)] += value * value;
    counts[Math.floor(i / assets)]++;
  });
  return Float64Array.from({ length: rows }, (_, row) => {
    let [sum, count] = [0, 0];
    for (let near = Math.max(0, row - REACH); near <= Math.min(rows - 1, row + REACH); near++) {
      sum += squares[near];
      count += counts[near];
    }
    return sum > 0 ? Math.sqrt(count / sum) : 1;
  });
}

/** Share of itself that a variance keeps from row to row, as in RiskMetrics (J.P. Morgan 1996). */
const MEMORY = 0.94;

/**
 * [row]: one over the size of the returns *before* each row, the root of an exponentially weighted mean of their squares over
 * assets, with a row of size 1 before the first: few or empty rows, and rows that are 0 for a reason of their own, then carry
 * no weight away. A row's weight knows neither itself nor a later row.
 *
 * @param returns [row][asset], standardised; NaN = missing
 *
 * @example
 * calmWeightsSoFar(Float64Array.of(0.5, 0.5, 2, 0.5), 1); // 1, 1.28, 1.44, .83
 */
export function calmWeightsSoFar(returns: Float64Array, assets: number): Float64Array {
  const rows = returns.length / assets;
  let [sum, count] = [1, 1];
  return Float64Array.from({ length: rows }, (_, row) => {
    const weight = Math.sqrt(count / sum);
    const seen = returns.subarray(row * assets, (row + 1) * assets).filter((value) => !Number.isNaN(value));
    if (seen.length > 0) {
      sum = MEMORY * sum + seen.reduce((total, value) => total + value * value, 0) / seen.length;
      count = MEMORY * count + 1;
    }
    return weight;
  });
}

/**
 * Every row times its weight. Regressors and returns of a row times the same: least squares of a noise whose variance is one
 * over the square of the weight.
 *
 * @param values [row][column]
 */
export function weightRows(values: Float64Array, weights: Float64Array): Float64Array {
  const width = values.length / weights.length;
  return values.map((value, i) => value * weights[Math.floor(i / width)]);
}
