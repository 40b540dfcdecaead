import type { Estimator, Panel } from '@macrograd/core';
import { exposureDrift, readExposures } from '@macrograd/exposure';
import { olsEstimator, rollingOlsEstimator } from '@macrograd/linear';
import { expect, it } from 'vitest';
import { simulateWorld } from '../src/index.js';

/** Drift from a fit on the first rows to one on more of them, read at the last row of the later. */
async function refit({ inputs, ...rest }: Panel, estimator: Estimator, first: number, second: number) {
  const panel = { inputs, ...rest };
  const read = async (end: number) =>
    readExposures(await estimator.fit(panel, { start: 0, end }, { seed: 1 }), inputs, second - 1);
  return exposureDrift(await read(first), await read(second));
}

/** 600 changes of 100 assets, those of one asset correlated: the standard error of their root mean square is 4 %. */
const SPREAD = 0.15;

const { panel } = simulateWorld({ process: 'const', seed: 13, assets: 100, months: 480 });

it('of least squares in a linear world is what the added rows account for, and hardly ever beyond the interval', async () => {
  // An efficient estimate is uncorrelated with its change (Hausman 1978): Var(b2 - b1) = Var(b1) - Var(b2), so that the
  // change over the later error is sqrt(n2 / n1 - 1) = .5.
  const { change, outside, pairs } = await refit(panel, olsEstimator(), 384, 480);
  expect(pairs).toBe(600);
  expect(Math.abs(change / 0.5 - 1)).toBeLessThan(SPREAD);
  // P(|N| > 1.645 / .5) = .001.
  expect(outside).toBeLessThan(0.01);
});

it('of a window that shares no row with the one before is that of two independent estimates', async () => {
  const { change, outside } = await refit(panel, rollingOlsEstimator({ window: 120 }), 360, 480);
  expect(Math.abs(change / Math.SQRT2 - 1)).toBeLessThan(SPREAD);
  // P(|N| > 1.645 / sqrt 2) = .245.
  expect(Math.abs(outside - 0.245)).toBeLessThan(SPREAD / 2);
});

it('tells a world whose exposures walk from one where they stand still', async () => {
  const walking = simulateWorld({ process: 'random_walk', seed: 13, assets: 100, months: 480 });
  const still = await refit(panel, olsEstimator(), 384, 480);
  const moved = await refit(walking.panel, olsEstimator(), 384, 480);
  expect(moved.change).toBeGreaterThan(1.2 * still.change);
});
