import type { Estimator, LinearParameters } from '@macrograd/core';
import { expect, it } from 'vitest';
import { olsEstimator, predictLinear, zeroEstimator } from '../src/index.js';
import { linearWorld } from './world.js';

/** Sums of some ten terms of size .1 in another order. */
const TOLERANCE = 1e-14;

it.each<[string, () => Estimator]>([
  ['zero', zeroEstimator],
  ['ols', olsEstimator],
])('parameters of %s alone predict what the fit predicts, missing series included', async (_method, make) => {
  const { panel, rows } = linearWorld();
  const fitted = await make().fit(panel, { start: 0, end: 200 }, { seed: 1 });
  // The third factor starts at row 100, so that this span has rows with and without it.
  const span = { start: 60, end: rows };
  const expected = await fitted.predict(panel.inputs, span);
  const actual = predictLinear(fitted.parameters() as LinearParameters, panel.inputs, span);
  expect(actual.assets).toEqual(expected.assets);
  expect(actual.values.length).toBe(expected.values.length);
  actual.values.forEach((value, i) => {
    expect(Math.abs(value - expected.values[i])).toBeLessThan(TOLERANCE);
  });
});
