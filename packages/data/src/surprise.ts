/** Pairs of value and lags per coefficient before the first forecast. */
const PAIRS_PER_COEFFICIENT = 5;

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
  const gram = Array.from({ length: size }, () => new Float64Array(size));
  const moment = new Float64Array(size);
  let pairs = 0;
  return values.map((value, t) => {
    const row = Float64Array.from({ length: size }, (_, j) => (j === 0 ? 1 : (values[t - j] ?? Number.NaN)));
    if (Number.isNaN(value) || row.some(Number.isNaN)) return Number.NaN;
    const coefficients = pairs >= PAIRS_PER_COEFFICIENT * size ? solve(gram, moment) : undefined;
    for (let i = 0; i < size; i++) {
      moment[i] += row[i] * value;
      for (let j = 0; j < size; j++) gram[i][j] += row[i] * row[j];
    }
    pairs++;
    return coefficients === undefined ? Number.NaN : value - coefficients.reduce((sum, b, j) => sum + b * row[j], 0);
  });
}

/** Share of a diagonal entry below which its pivot counts as zero: a lag that the others explain to rounding. */
const NO_PIVOT = 1e-12;

/** Solves a symmetric positive definite system by Cholesky factors; undefined where it is singular. */
function solve(matrix: readonly Float64Array[], right: Float64Array): Float64Array | undefined {
  const n = right.length;
  const lower = matrix.map((row) => Float64Array.from(row));
  const x = Float64Array.from(right);
  for (let j = 0; j < n; j++) {
    for (let k = 0; k < j; k++) lower[j][j] -= lower[j][k] ** 2;
    if (!(lower[j][j] > NO_PIVOT * matrix[j][j])) return undefined;
    lower[j][j] = Math.sqrt(lower[j][j]);
    for (let i = j + 1; i < n; i++) {
      for (let k = 0; k < j; k++) lower[i][j] -= lower[i][k] * lower[j][k];
      lower[i][j] /= lower[j][j];
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= lower[i][k] * x[k];
    x[i] /= lower[i][i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= lower[k][i] * x[k];
    x[i] /= lower[i][i];
  }
  return x;
}
