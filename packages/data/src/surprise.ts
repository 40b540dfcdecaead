import { cholesky, choleskySolve } from '@macrograd/core';

/** Pairs of value and lags per coefficient before the first forecast. */
const PAIRS_PER_COEFFICIENT = 5;

/** Share of a diagonal entry below which its pivot counts as zero: a lag that the others explain to rounding. */
const NO_PIVOT = 1e-12;

/**
 * What a series' own past did not foretell: x_t minus the forecast of an autoregression with intercept, fitted by least
 * squares at every t on the values before t alone. Missing until there are five pairs a coefficient, and where x_t or one
 * of its lags is missing.
 *
 * @param order - number of lags, 1 or more.
 * @example
 * surprise(inflation, 3); // inflation news against an AR(3)
 */
export function surprise(values: Float64Array, order: number): Float64Array {
  const size = order + 1;
  const gram = new Float64Array(size * size);
  const moment = new Float64Array(size);
  let pairs = 0;
  return values.map((value, t) => {
    const row = Float64Array.from({ length: size }, (_, j) => (j === 0 ? 1 : (values[t - j] ?? Number.NaN)));
    if (Number.isNaN(value) || row.some(Number.isNaN)) return Number.NaN;
    const factor = pairs >= PAIRS_PER_COEFFICIENT * size ? cholesky(gram, size, NO_PIVOT) : undefined;
    const coefficients = factor && choleskySolve(factor, moment);
    for (let i = 0; i < size; i++) {
      moment[i] += row[i] * value;
      for (let j = 0; j < size; j++) gram[i * size + j] += row[i] * row[j];
    }
    pairs++;
    return coefficients === undefined ? Number.NaN : value - coefficients.reduce((sum, b, j) => sum + b * row[j], 0);
  });
}
