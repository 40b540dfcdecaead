import { olsEstimator } from '@macrograd/linear';
import { expect, it } from 'vitest';
import { recoveryScore, simulateWorld } from '../src/index.js';
import { oracleEstimator } from '../src/simulation/oracle.js';

const [MONTHS, CUT] = [300, 210];
/** With 1 part of noise in 10^6 a coefficient's standard error is below .01 of an exposure's SD for every process here. */
const NEARLY_EXACT = 0.05;

async function oracleScore(process: 'threshold' | 'lags' | 'interaction' | 'path', r2: number) {
  const world = simulateWorld({ process, seed: 5, months: MONTHS, assets: 20, r2 });
  const fitted = await oracleEstimator(world).fit(world.panel, { start: 0, end: CUT }, { seed: 1 });
  return (await recoveryScore(world, fitted, { start: CUT, end: MONTHS })).score;
}

it.each(['threshold', 'lags', 'interaction', 'path'] as const)(
  'the oracle of %s errs by noise alone',
  async (process) => {
    const [clean, noisy] = [await oracleScore(process, 0.999999), await oracleScore(process, 0.3)];
    expect(clean).toBeLessThan(NEARLY_EXACT);
    expect(noisy).toBeGreaterThan(10 * clean);
  },
);

it('the oracle of a market-like world, which follows drift, is ahead of least squares', async () => {
  const world = simulateWorld({ process: 'market', seed: 5, months: 500, assets: 20 });
  const rows = { start: 350, end: 500 };
  const known = await oracleEstimator(world).fit(world.panel, { start: 0, end: 500 }, { seed: 1 });
  const plain = await olsEstimator().fit(world.panel, { start: 0, end: 350 }, { seed: 1 });
  const [oracle, ols] = [await recoveryScore(world, known, rows), await recoveryScore(world, plain, rows)];
  expect(oracle.score).toBeLessThan(ols.score);
});
