import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTable, stringAt } from '@macrograd/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig, run } from '../src/index.js';
import { config, writeProject } from './project.js';

// Sums of the same products in another order.
const ROUNDING = 1e-9;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-hedge-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Scores of every asset, method and fold. */
async function scores(hedge: string) {
  const file = writeProject(join(folder, hedge));
  const text = config
    // A coefficient of every asset on every bend: exposures that move, where all that acts is a straight line.
    .replace(/methods: .*/, 'methods: [zero, ols, spline]\nspline: { prior: empirical_bayes }')
    .replace('step: 24', `step: 24, hedge: ${hedge}`);
  const { dir } = await run(await parseConfig(text, file), { threads: 2 });
  const { rows, columns } = await readTable(dir, 'evaluation');
  return Array.from({ length: rows }, (_, row) => ({
    method: stringAt(columns.method, row),
    r2: columns.r2_oos[row],
    hedge: columns.hedge_variance_reduction[row],
  }));
}

it('evaluation.hedge reads exposures at the state or averaged over likely moves, and changes hedges alone', async () => {
  const [state, average] = [await scores('state'), await scores('average')];
  expect(average.map(({ method, r2 }) => [method, r2])).toEqual(state.map(({ method, r2 }) => [method, r2]));
  const apart = (method: string) => {
    const differences = state.flatMap((own, i) =>
      own.method === method ? [Math.abs(own.hedge - average[i].hedge)] : [],
    );
    expect(differences.length).toBeGreaterThan(6);
    return Math.max(...differences);
  };
  // Least squares has the same exposures everywhere.
  expect(apart('ols')).toBeLessThan(ROUNDING);
  expect(apart('spline')).toBeGreaterThan(ROUNDING);
}, 60_000);
