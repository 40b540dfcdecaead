/** How far the columns of a matrix can be told apart. */
export interface Collinearity {
  /** Variance inflation of every column: 1 / (1 - R2 on all others); Infinity where the others give it exactly. */
  readonly inflation: Float64Array;
  /** Largest over smallest singular value of the standardised columns. */
  readonly conditionNumber: number;
  /** Correlations, [column][column], row-major. */
  readonly correlations: Float64Array;
  /** Rows without a missing value, from which all this comes. */
  readonly rows: number;
}

/** Eigenvalue of a correlation matrix, relative to the largest, below which it counts as zero. */
const SINGULAR = 1e-12;

/** Rotations over all pairs after which Jacobi's method has converged, with room to spare. */
const SWEEPS = 30;

/**
 * Variance inflation factors and condition number of columns (Belsley, Kuh and Welsch 1980), over complete rows.
 *
 * @param values - row-major [row][column], NaN = missing.
 * @returns undefined with fewer complete rows than columns + 2.
 */
export function collinearity(values: Float64Array, columns: number): Collinearity | undefined {
  const rows: Float64Array[] = [];
  for (let start = 0; start < values.length; start += columns) {
    const row = values.subarray(start, start + columns);
    if (!row.some(Number.isNaN)) rows.push(row);
  }
  if (rows.length < columns + 2) return undefined;
  const correlations = correlationMatrix(rows, columns);
  const { eigenvalues, vectors } = symmetricEigen(correlations, columns);
  const largest = eigenvalues.reduce((a, b) => Math.max(a, b));
  const smallest = eigenvalues.reduce((a, b) => Math.min(a, b));
  const isZero = (eigenvalue: number) => !(eigenvalue > SINGULAR * largest);
  const inflation = Float64Array.from({ length: columns }, (_, j) => {
    let sum = 0;
    eigenvalues.forEach((eigenvalue, i) => {
      const part = vectors[j * columns + i] ** 2;
      if (!isZero(eigenvalue)) sum += part / eigenvalue;
      else if (part > SINGULAR) sum = Number.POSITIVE_INFINITY;
    });
    return sum;
  });
  const conditionNumber = isZero(smallest) ? Number.POSITIVE_INFINITY : Math.sqrt(largest / smallest);
  return { inflation, conditionNumber, correlations, rows: rows.length };
}

/** A constant column correlates with nothing but itself. */
function correlationMatrix(rows: readonly Float64Array[], columns: number): Float64Array {
  const standardised = Array.from({ length: columns }, (_, j) => {
    const mean = rows.reduce((sum, row) => sum + row[j], 0) / rows.length;
    const centred = Float64Array.from(rows, (row) => row[j] - mean);
    const length = Math.sqrt(centred.reduce((sum, x) => sum + x * x, 0));
    return length > 0 ? centred.map((x) => x / length) : centred;
  });
  const out = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < columns; j++) {
      out[i * columns + j] = i === j ? 1 : standardised[i].reduce((sum, x, t) => sum + x * standardised[j][t], 0);
    }
  }
  return out;
}

/** Eigenvalues and -vectors (columns) of a symmetric matrix by Jacobi's rotations. */
function symmetricEigen(matrix: Float64Array, n: number): { eigenvalues: Float64Array; vectors: Float64Array } {
  const a = Float64Array.from(matrix);
  const vectors = Float64Array.from(a, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
  }
  return { eigenvalues: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), vectors };
}

/** One rotation that makes a[p][q] zero. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const off = a[p * n + q];
  if (off === 0) return;
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * off);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  const turn = (m: Float64Array, i: number, j: number) => {
    const [x, y] = [m[i], m[j]];
    m[i] = c * x - s * y;
    m[j] = s * x + c * y;
  };
  for (let k = 0; k < n; k++) turn(a, k * n + p, k * n + q);
  for (let k = 0; k < n; k++) turn(a, p * n + k, q * n + k);
  for (let k = 0; k < n; k++) turn(vectors, k * n + p, k * n + q);
  a[p * n + q] = 0;
  a[q * n + p] = 0;
}
