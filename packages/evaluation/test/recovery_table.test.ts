import type { Estimator } from '@macrograd/core';
import { expect, it } from 'vitest';
import { type RecoveryRow, runRecoveryTable, simulateWorld, summariseRecovery } from '../src/index.js';
import { oracleFit } from './oracle.js';

const sizes = { months: 120, assets: 7 };

/** Knows the world of its seed, and errs by the same amount everywhere. */
function erring(error: number, fits: string[]): Estimator {
  return {
    method: 'ols',
    fit: async (_panel, _span, { seed }) => {
      fits.push(`${seed}`);
      return oracleFit(simulateWorld({ process: 'interaction', seed, ...sizes }), 84, () => error);
    },
  };
}

it('means and spreads over histories are those of the single runs, and what is known is not run again', async () => {
  const fits: string[] = [];
  const kept: RecoveryRow[] = [];
  const table = { ...sizes, processes: ['interaction'] as const, estimators: [erring(0.004, fits)] };
  const first = await runRecoveryTable({ ...table, seeds: [3, 4], onRow: (row) => kept.push(row) });
  expect(fits).toEqual(['3', '4']);
  expect(kept).toEqual(first);
  const [summary] = summariseRecovery(first);
  const [a, b] = first.map(({ score }) => score);
  expect(summary).toMatchObject({ process: 'interaction', method: 'ols', histories: 2 });
  expect(summary.score).toBeCloseTo((a + b) / 2, 12);
  expect(summary.spread).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12);
  const more = await runRecoveryTable({ ...table, seeds: [3, 4, 5], known: kept });
  expect(fits).toEqual(['3', '4', '5']);
  expect(more.slice(0, 2)).toEqual(first);
  // Scores of another size are not those that are asked for.
  await runRecoveryTable({ ...table, r2: 0.1, seeds: [3], known: kept });
  expect(fits).toHaveLength(4);
});
