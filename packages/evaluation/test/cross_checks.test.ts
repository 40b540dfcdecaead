import { integratedGradients, permutationImportance } from '@macrograd/exposure';
import { olsEstimator, splineEstimator } from '@macrograd/linear';
import { lstmEstimator } from '@macrograd/model';
import { describe, expect, it } from 'vitest';
import { simulateWorld } from '../src/index.js';

const MONTHS = 240;
const ASSETS = 12;
const FACTORS = 6;
const { panel } = simulateWorld({ process: 'threshold', seed: 5, assets: ASSETS, months: MONTHS });
const span = { start: 0, end: MONTHS };

/** Aim for contributions against the difference of predictions that they add up to. */
const COMPLETE = 0.01;

describe('integrated gradients', () => {
  it.each([
    ['least squares', olsEstimator()],
    ['splines with lags', splineEstimator()],
    ['the LSTM', lstmEstimator({ members: 1 })],
  ])('of %s add up to the difference of the predictions', async (_name, estimator) => {
    const fitted = await estimator.fit(panel, span, { seed: 1 });
    for (const row of [3, 120, MONTHS - 1]) {
      const { contribution, incompleteness, total } = await integratedGradients(fitted, panel.inputs, row);
      expect(incompleteness).toBeLessThan(COMPLETE);
      expect(contribution).toHaveLength(ASSETS * FACTORS);
      expect(Math.max(...total.map(Math.abs))).toBeGreaterThan(0.001);
    }
  });
});

describe('permutation importance', () => {
  it('of least squares is twice the share of variance that a factor carries, for the one with most and for all others', async () => {
    const fitted = await olsEstimator().fit(panel, span, { seed: 1 });
    const importance = await permutationImportance(fitted, panel, span, { repeats: 20 });
    const { coefficients } = fitted.parameters() as { coefficients: Float64Array };
    for (let asset = 0; asset < ASSETS; asset++) {
      const returns = Float64Array.from({ length: MONTHS }, (_, t) => panel.returns[t * ASSETS + asset]);
      const mean = returns.reduce((a, b) => a + b, 0) / MONTHS;
      const variance = returns.reduce((a, b) => a + (b - mean) ** 2, 0) / MONTHS;
      for (let j = 0; j < FACTORS; j++) {
        // A factor of unit variance replaced by an independent copy: E (b (z - z'))^2 = 2 b^2, over the variance.
        const expected = (2 * coefficients[asset * FACTORS + j] ** 2) / variance;
        // Twenty shuffles of twenty blocks, some of which stay near their place.
        expect(Math.abs(importance[asset * FACTORS + j] - expected)).toBeLessThan(0.05 + 0.5 * expected);
      }
    }
  });
});
