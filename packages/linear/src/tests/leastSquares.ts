/** A regression of one series on a few others. */
export interface Regression {
  readonly coefficients: Float64Array;
  /** Standard errors under independent errors of one variance. */
  readonly errors: Float64Array;
  readonly residuals: Float64Array;
  readonly sumOfSquares: number;
  /** The same of the regressions on the first column, the first two, ... and all. */
  readonly nestedSums: Float64Array;
}

/** Share of a column's own length below which what is left of it counts as nothing. */
const DEPENDENT = 1e-10;

/**
 * Least squares by orthogonalising the columns one after the other (modified Gram-Schmidt).
 *
 * @returns undefined where a column depends on those before it, or there are no more rows than columns.
 */
export function leastSquares(columns: readonly Float64Array[], y: Float64Array): Regression | undefined {
  const k = columns.length;
  const n = y.length;
  if (n <= k) return undefined;
  const q = columns.map((column) => Float64Array.from(column));
  const r = Array.from({ length: k }, () => new Float64Array(k));
  const projections = new Float64Array(k);
  const residuals = Float64Array.from(y);
  const nestedSums = new Float64Array(k);
  for (let j = 0; j < k; j++) {
    const before = Math.sqrt(dot(columns[j], columns[j]));
    r[j][j] = Math.sqrt(dot(q[j], q[j]));
    if (!(r[j][j] > DEPENDENT * before)) return undefined;
    scale(q[j], 1 / r[j][j]);
    for (let i = j + 1; i < k; i++) {
      r[j][i] = dot(q[j], q[i]);
      subtract(q[i], q[j], r[j][i]);
    }
    projections[j] = dot(q[j], residuals);
    subtract(residuals, q[j], projections[j]);
    nestedSums[j] = dot(residuals, residuals);
  }
  const inverse = invertUpper(r);
  const sumOfSquares = dot(residuals, residuals);
  const variance = sumOfSquares / (n - k);
  return {
    coefficients: Float64Array.from(inverse, (row) => dot(row, projections)),
    errors: Float64Array.from(inverse, (row) => Math.sqrt(variance * dot(row, row))),
    residuals,
    sumOfSquares,
    nestedSums,
  };
}

function invertUpper(r: readonly Float64Array[]): Float64Array[] {
  const k = r.length;
  const inverse = r.map(() => new Float64Array(k));
  for (let j = 0; j < k; j++) {
    inverse[j][j] = 1 / r[j][j];
    for (let i = j - 1; i >= 0; i--) {
      let sum = 0;
      for (let m = i + 1; m <= j; m++) sum += r[i][m] * inverse[m][j];
      inverse[i][j] = -sum / r[i][i];
    }
  }
  return inverse;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function scale(a: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] *= factor;
}

function subtract(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] -= factor * b[i];
}
