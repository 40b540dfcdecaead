import type { Span } from '@macrograd/core';
import type { Effect } from './effects.js';
import { RATE_CHANGE } from './macro_process.js';

/** An asset's share in an effect: % a row per unit of the effect, fixed or one a row (burn-in included). */
export interface Loading {
  readonly effect: Effect;
  readonly coefficient: number | Float64Array;
  /** Variance of a row's step of a coefficient that walks. */
  readonly stepVariance?: number;
}

/** Coefficients are in % a row. */
const PERCENT = 0.01;

/** E[r_t] of one asset on the given rows of its effects' paths, decimal. */
export function expectedReturns(loadings: readonly Loading[], rows: Span): Float64Array {
  const out = new Float64Array(rows.end - rows.start);
  for (const { effect, coefficient } of loadings) {
    for (let t = 0; t < out.length; t++) {
      out[t] += PERCENT * at(coefficient, rows.start + t) * effect.value[rows.start + t];
    }
  }
  return out;
}

/** True exposures of one asset on the given rows of its effects' paths, [row][factor], decimal per population SD. */
export function trueExposures(
  loadings: readonly Loading[],
  rows: Span,
  factors: number,
  kind: 'contemporaneous' | 'cumulative',
): Float64Array {
  const length = rows.end - rows.start;
  const out = new Float64Array(length * factors);
  for (const { effect, coefficient } of loadings) {
    for (const { factor, values } of effect.slopes) {
      for (let t = 0; t < length; t++) {
        // The lag weights sum to 1, so that a delayed effect's cumulative exposure is its coefficient.
        const slope = kind === 'cumulative' && factor === RATE_CHANGE ? 1 : values[rows.start + t];
        out[t * factors + factor] += PERCENT * at(coefficient, rows.start + t) * slope;
      }
    }
  }
  return out;
}

function at(coefficient: number | Float64Array, row: number): number {
  return typeof coefficient === 'number' ? coefficient : coefficient[row];
}
