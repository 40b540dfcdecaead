import type { FactorPanel, Fitted } from '@macrograd/core';
import type { Fold } from './folds.js';
import { FactorVar } from './var1.js';

/**
 * Returns of the fold's test rows after hedging with the fit: r_t - b_{t-1}'u_t, [date][asset].
 *
 * b_{t-1} is the contemporaneous exposure of the fit made before the fold, read at the state of t-1 (at row t-1, or at row t
 * where the fit says that this one is known ahead); u_t is what the
 * factors did beyond their expectation at t-1 (a VAR(1) on the training rows): both known or tradable at t-1. A factor
 * missing at t-1 or at t stays unhedged there.
 */
export async function hedgedReturns(
  fitted: Fitted,
  inputs: FactorPanel,
  fold: Fold,
  realised: Float64Array,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const { test, train } = fold;
  const rows = test.end - test.start;
  const assets = realised.length / rows;
  const expectation = new FactorVar(inputs, train);
  const shocks = Array.from({ length: rows }, (_, t) => expectation.innovation(inputs, test.start + t));
  const hedged = realised.slice();
  const back = fitted.knownAhead ? 0 : 1;
  const before = { start: test.start - back, end: test.end - back };
  const request = { form: 'contemporaneous', ...(signal ? { signal } : {}) } as const;
  for await (const block of fitted.jacobian(inputs, before, request)) {
    const { factors, values } = block;
    for (let i = 0; i < values.length; i++) {
      const j = i % factors;
      const t = Math.floor(i / factors) % rows;
      const asset = block.assets.start + Math.floor(i / (factors * rows));
      const move = values[i] * shocks[t][j];
      if (!Number.isNaN(move)) hedged[t * assets + asset] -= move;
    }
  }
  return hedged;
}
