/** Lower Cholesky factor L of a symmetric matrix, L L' = a, row-major; undefined where it is not positive definite. */
export function cholesky(a: Float64Array, size: number): Float64Array | undefined {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let value = a[i * size + j];
      for (let l = 0; l < j; l++) value -= factor[i * size + l] * factor[j * size + l];
      if (i === j && !(value > 0)) return undefined;
      factor[i * size + j] = i === j ? Math.sqrt(value) : value / factor[j * size + j];
    }
  }
  return factor;
}

/** L^-1 b of a lower triangle. */
export function forwardSolve(factor: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let value = b[i];
    for (let l = 0; l < i; l++) value -= factor[i * size + l] * out[l];
    out[i] = value / factor[i * size + i];
  }
  return out;
}

/** Inverse of a symmetric positive definite matrix; undefined where it is not. */
export function invertSpd(a: Float64Array, size: number): Float64Array | undefined {
  const factor = cholesky(a, size);
  if (!factor) return undefined;
  // Rows of L^-T, whose products are the inverse.
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
