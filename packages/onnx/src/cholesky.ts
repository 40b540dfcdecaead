/**
 * Lower factor L of a symmetric positive semi-definite matrix A = L L', [size][size] row-major. A direction in which A
 * has no variance left, to rounding, gets a column of zeros. NaN stays NaN.
 */
export function choleskyFactor(matrix: Float64Array, size: number): Float64Array {
  const factor = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    const pivot = matrix[j * size + j] - dot(factor, j, j, size, j);
    // What rounding of the sums above can leave of a variance that is zero.
    const negligible = size * Number.EPSILON * matrix[j * size + j];
    if (pivot <= negligible) continue;
    const root = Math.sqrt(pivot);
    factor[j * size + j] = root;
    for (let i = j + 1; i < size; i++) {
      factor[i * size + j] = (matrix[i * size + j] - dot(factor, i, j, size, j)) / root;
    }
  }
  return factor;
}

/** Product of the first `count` entries of two rows. */
function dot(factor: Float64Array, a: number, b: number, size: number, count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += factor[a * size + k] * factor[b * size + k];
  return sum;
}
