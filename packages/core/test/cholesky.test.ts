import { describe, expect, it } from 'vitest';
import {
  cholesky,
  choleskySolve,
  forwardSolve,
  invertPositiveDefinite,
  Random,
  semidefiniteCholesky,
} from '../src/index.js';

const SIZE = 6;
/** A few hundred roundings of numbers near 1, and condition numbers below 10^3. */
const TOLERANCE = 1e-12;

/** B B' of B [size][rank]. */
function gram(rank: number, seed: number): Float64Array {
  const random = new Random(seed);
  const b = Array.from({ length: SIZE }, () => Float64Array.from({ length: rank }, () => random.normal()));
  return Float64Array.from({ length: SIZE * SIZE }, (_, at) => {
    const [row, column] = [b[Math.floor(at / SIZE)], b[at % SIZE]];
    return row.reduce((sum, value, j) => sum + value * column[j], 0);
  });
}

function times(a: Float64Array, b: Float64Array, transposed = false): Float64Array {
  return Float64Array.from({ length: SIZE * SIZE }, (_, at) => {
    const [i, j] = [Math.floor(at / SIZE), at % SIZE];
    let sum = 0;
    for (let l = 0; l < SIZE; l++) sum += a[i * SIZE + l] * b[transposed ? j * SIZE + l : l * SIZE + j];
    return sum;
  });
}

function largestDifference(a: Float64Array, b: ArrayLike<number>): number {
  return a.reduce((worst, value, at) => Math.max(worst, Math.abs(value - b[at])), 0);
}

describe('Cholesky factors', () => {
  it('multiply to the matrix, and solve and invert it', () => {
    for (const seed of [1, 2, 3]) {
      const a = gram(SIZE + 6, seed);
      const factor = cholesky(a, SIZE) ?? new Float64Array();
      expect(largestDifference(times(factor, factor, true), a)).toBeLessThan(TOLERANCE);
      expect(factor.every((value, at) => value === 0 || at % SIZE <= Math.floor(at / SIZE))).toBe(true);
      const b = Float64Array.of(1, -2, 3, 0, 0.5, 7);
      const x = choleskySolve(factor, b);
      const back = Float64Array.from(b, (_, i) => x.reduce((sum, value, j) => sum + a[i * SIZE + j] * value, 0));
      expect(largestDifference(back, b)).toBeLessThan(TOLERANCE);
      // |L^-1 b|^2 = b' a^-1 b.
      const length = forwardSolve(factor, b).reduce((sum, value) => sum + value * value, 0);
      expect(Math.abs(length - b.reduce((sum, value, i) => sum + value * x[i], 0))).toBeLessThan(TOLERANCE);
      const inverse = invertPositiveDefinite(a, SIZE) ?? new Float64Array();
      const unit = Array.from({ length: SIZE * SIZE }, (_, at) => Number(at % (SIZE + 1) === 0));
      expect(largestDifference(times(inverse, a), unit)).toBeLessThan(TOLERANCE);
    }
  });

  it('are refused where there is none, a value is missing, or a pivot is below what is asked', () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
    expect(cholesky(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2)).toBeUndefined();
    expect(invertPositiveDefinite(Float64Array.of(0), 1)).toBeUndefined();
    const near = Float64Array.of(1, 1, 1, 1 + 1e-9);
    expect(cholesky(near, 2)).toBeDefined();
    expect(cholesky(near, 2, 1e-6)).toBeUndefined();
  });

  it('of a matrix of lower rank have columns of zeros, keep NaN, and equal the others at full rank', () => {
    const a = gram(3, 4);
    const factor = semidefiniteCholesky(a, SIZE);
    expect(largestDifference(times(factor, factor, true), a)).toBeLessThan(TOLERANCE);
    const zeroColumns = Array.from({ length: SIZE }, (_, j) => j).filter((j) => factor[j * SIZE + j] === 0);
    expect(zeroColumns).toEqual([3, 4, 5]);
    expect(semidefiniteCholesky(Float64Array.of(Number.NaN), 1)[0]).toBeNaN();
    const full = gram(SIZE + 2, 5);
    expect(largestDifference(semidefiniteCholesky(full, SIZE), cholesky(full, SIZE) ?? [])).toBeLessThan(TOLERANCE);
  });
});
