import { dot } from './basis.js';

/** Sweeps after which coordinate descent ends at the latest. */
const MOST_SWEEPS = 500;

/** Largest change of a fitted value's size in a sweep, over the SD of the target, at which it has converged. */
const CONVERGED = 1e-6;

/** Mean products x_k'x_l / n of columns, [column][column]. */
export function gramMatrix(columns: readonly Float64Array[]): Float64Array {
  const p = columns.length;
  const gram = new Float64Array(p * p);
  for (let k = 0; k < p; k++) {
    for (let l = 0; l <= k; l++) {
      const value = dot(columns[k], columns[l]) / columns[k].length;
      gram[k * p + l] = value;
      gram[l * p + k] = value;
    }
  }
  return gram;
}

/**
 * LASSO from second moments (Tibshirani 1996; covariance updates of Friedman, Hastie and Tibshirani 2010): minimises
 * b'Gb / 2 - b'c + sum_k penalty_k |b_k| by cyclic coordinate descent, in place from the coefficients given.
 *
 * @param gram - G = X'X / n, [column][column]
 * @param target - c = X'y / n, [column]
 * @param penalties - [column]; Infinity keeps a column out
 * @param scale - SD of y, which convergence is measured against
 */
export function lasso(
  gram: Float64Array,
  target: Float64Array,
  penalties: Float64Array,
  scale: number,
  coefficients: Float64Array = new Float64Array(target.length),
): Float64Array {
  const p = target.length;
  const slope = target.slice();
  const move = (k: number, by: number) => {
    for (let l = 0; l < p; l++) slope[l] -= gram[k * p + l] * by;
  };
  coefficients.forEach((value, k) => {
    if (value !== 0) move(k, value);
  });
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let largest = 0;
    for (let k = 0; k < p; k++) {
      const size = gram[k * p + k];
      if (!(size > 0)) continue;
      const before = coefficients[k];
      const after = softThreshold(slope[k] + size * before, penalties[k]) / size;
      if (after === before) continue;
      coefficients[k] = after;
      move(k, after - before);
      largest = Math.max(largest, Math.abs(after - before) * Math.sqrt(size));
    }
    if (largest <= CONVERGED * scale) break;
  }
  return coefficients;
}

function softThreshold(value: number, penalty: number): number {
  if (value > penalty) return value - penalty;
  return value < -penalty ? value + penalty : 0;
}
