import { expect, it } from 'vitest';
import { recoveryScore, simulateWorld } from '../src/index.js';
import { oracleEstimator } from '../src/simulation/oracle.js';

const [MONTHS, CUT] = [300, 210];
/** With 1 part of noise in 10^6 a coefficient's standard error is below .01 of an exposure's SD for every process here. */
const NEARLY_EXACT = 0.05;

async function oracleScore(process: 'threshold' | 'lags' | 'interaction' | 'mixed' | 'path', r2: number) {
  const world = simulateWorld({ process, seed: 5, months: MONTHS, assets: 20, r2 });
  const fitted = await oracleEstimator(world)?.fit(world.panel, { start: 0, end: CUT }, { seed: 1 });
  if (!fitted) throw new Error('every macro process has an oracle');
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
