/**
 * Lower factor L of a symmetric positive definite matrix a = L L', [size][size] row-major; undefined where a pivot is not
 * above `leastPivot` (default 0) of its diagonal entry, so also where a value is NaN.
 *
 * @example
 * cholesky(Float64Array.of(4, 2, 2, 5), 2); // 2, 0, 1, 2
 * cholesky(Float64Array.of(1, 1, 1, 1), 2); // undefined
 */
export function cholesky(a: Float64Array, size: number, leastPivot = 0): Float64Array | undefined {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = rest(a, factor, i, j, size);
      if (i === j && !(value > leastPivot * a[i * size + i])) return undefined;
      factor[i * size + j] = i === j ? Math.sqrt(value) : value / factor[j * size + j];
    }
  }
  return factor;
}

/**
 * Lower factor L of a symmetric positive semi-definite matrix a = L L', [size][size] row-major. A direction in which a has
 * no variance left, to rounding, gets a column of zeros. NaN stays NaN.
 *
 * @example
 * semidefiniteCholesky(Float64Array.of(1, 1, 1, 1), 2); // 1, 0, 1, 0
 */
export function semidefiniteCholesky(a: Float64Array, size: number): Float64Array {
  const factor = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    const pivot = rest(a, factor, j, j, size);
    // What rounding of the sums above can leave of a variance that is zero.
    if (pivot <= size * Number.EPSILON * a[j * size + j]) continue;
    factor[j * size + j] = Math.sqrt(pivot);
    for (let i = j + 1; i < size; i++) factor[i * size + j] = rest(a, factor, i, j, size) / factor[j * size + j];
  }
  return factor;
}

/** L^-1 b of a lower triangle, [size][size] row-major. */
export function forwardSolve(factor: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  const out = b.slice();
  for (let i = 0; i < size; i++) {
    for (let l = 0; l < i; l++) out[i] -= factor[i * size + l] * out[l];
    out[i] /= factor[i * size + i];
  }
  return out;
}

/**
 * x of L L' x = b, L as of {@link cholesky}.
 *
 * @example
 * choleskySolve(Float64Array.of(2, 0, 1, 2), Float64Array.of(8, 9)); // 1.375, 1.25
 */
export function choleskySolve(factor: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  const out = forwardSolve(factor, b);
  for (let i = size - 1; i >= 0; i--) {
    for (let l = i + 1; l < size; l++) out[i] -= factor[l * size + i] * out[l];
    out[i] /= factor[i * size + i];
  }
  return out;
}

/** Inverse of a symmetric positive definite matrix, [size][size] row-major; undefined where it is not. */
export function invertPositiveDefinite(a: Float64Array, size: number): Float64Array | undefined {
  const factor = cholesky(a, size);
  if (!factor) return undefined;
  // Columns of L^-1, whose products are the inverse.
  const columns = Array.from({ length: size }, (_, j) => {
    const unit = new Float64Array(size);
    unit[j] = 1;
    return forwardSolve(factor, unit);
  });
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    return columns[i].reduce((sum, value, l) => sum + value * columns[j][l], 0);
  });
}

/** What the first j columns of a factor leave of a[i][j]. */
function rest(a: Float64Array, factor: Float64Array, i: number, j: number, size: number): number {
  let value = a[i * size + j];
  for (let l = 0; l < j; l++) value -= factor[i * size + l] * factor[j * size + l];
  return value;
}
