import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulateWorld, worldFiles } from '@macrograd/evaluation';
import { readTable, stringAt, type TableData } from '@macrograd/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig, readFindings, run } from '../src/index.js';

const MONTHS = 480;

describe('a run on a world with a threshold at 5 % inflation, its methods stacked', () => {
  let folder: string;
  let summary: TableData<'summary'>;
  let exposures: TableData<'exposures'>;
  let chosen: TableData<'chosen'>;
  let result: string;
  const world = simulateWorld({ process: 'threshold', seed: 31, months: MONTHS, assets: 20 });
  const level = (row: number) => world.panel.inputs.values[row * world.panel.inputs.factors.length];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'macrograd-thresholds-'));
    const files = worldFiles(world);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const extra =
      'methods: [zero, ols, spline]\nevaluation: { initial: 360, step: 120, choice: stack }\nscreen: { also: [double_selection, stability, knockoff] }\n';
    writeFileSync(join(folder, 'config.yaml'), `${files['config.yaml']}${extra}`);
    const { dir } = await run(await readConfig(join(folder, 'config.yaml')), { threads: 1 });
    result = dir;
    summary = await readTable(dir, 'summary');
    exposures = await readTable(dir, 'exposures');
    chosen = await readTable(dir, 'chosen');
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Summary rows of a method that have a threshold along the factor's own level. */
  const found = (method: string) =>
    Array.from({ length: summary.rows }, (_, row) => row).filter(
      (row) =>
        stringAt(summary.columns.method, row) === method &&
        stringAt(summary.columns.factor, row) === 'INFLATION' &&
        !Number.isNaN(summary.columns.threshold[row]),
    );

  /** Contemporaneous exposures of an asset and factor, by method and kind of fit, oldest first. */
  const path = (asset: string, method: string, final: boolean) =>
    Array.from({ length: exposures.rows }, (_, row) => row).filter(
      (row) =>
        stringAt(exposures.columns.asset, row) === asset &&
        stringAt(exposures.columns.factor, row) === 'INFLATION' &&
        stringAt(exposures.columns.method, row) === method &&
        stringAt(exposures.columns.kind, row) === 'contemporaneous' &&
        (stringAt(exposures.columns.fit, row) === 'final') === final,
    );

  it('finds thresholds, and only where the method has states', () => {
    expect(found('spline').length).toBeGreaterThan(5);
    expect(found('ols')).toEqual([]);
  });

  it('gives every date the share of months on its side of the threshold, and the mark that belongs to it', () => {
    for (const row of found('spline').slice(0, 3)) {
      const asset = stringAt(summary.columns.asset, row)!;
      const threshold = summary.columns.threshold[row];
      const above = Array.from({ length: MONTHS }, (_, t) => level(t) > threshold);
      const share = above.filter(Boolean).length / MONTHS;
      const rows = path(asset, 'spline', true);
      expect(rows).toHaveLength(MONTHS);
      rows.forEach((at, t) => {
        expect(exposures.columns.regime_share[at]).toBeCloseTo(above[t] ? share : 1 - share, 12);
        const barely = exposures.columns.regime_share[at] < 0.1;
        expect(stringAt(exposures.columns.status, at)).toBe(barely ? 'regime_barely_seen' : 'ok');
      });
    }
  });

  it('keeps the share of like states where no threshold was known: in folds, and without one', () => {
    const [row] = found('spline');
    const asset = stringAt(summary.columns.asset, row)!;
    for (const rows of [path(asset, 'spline', false), path(asset, 'ols', true)]) {
      const shares = new Set(rows.map((at) => exposures.columns.regime_share[at]));
      expect(shares.size).toBeGreaterThan(20);
    }
  });

  it('stacks methods: weights sum to 1, and the mix has the weighted exposures and intervals of its parts', () => {
    const weights = new Map<string, Map<string, number>>();
    for (let row = 0; row < chosen.rows; row++) {
      if (stringAt(chosen.columns.fit, row) !== 'final') continue;
      const asset = stringAt(chosen.columns.asset, row)!;
      const own = weights.get(asset) ?? new Map<string, number>();
      own.set(stringAt(chosen.columns.method, row)!, chosen.columns.weight[row]);
      weights.set(asset, own);
    }
    expect(weights.size).toBe(20);
    const several = [...weights].find(([, own]) => own.size > 1);
    expect(several).toBeDefined();
    const [asset, own] = several!;
    // A method of less than .01 is dropped.
    expect(Math.abs([...own.values()].reduce((sum, w) => sum + w, 0) - 1)).toBeLessThan(0.011);
    const paths = [...own].map(([method, weight]) => ({ rows: path(asset, method, true), weight }));
    const mixed = path(asset, 'chosen', true);
    const { exposure, unit_exposure, se, lo, hi } = exposures.columns;
    for (const t of [0, 200, MONTHS - 1]) {
      const at = mixed[t];
      const mean = (values: Float64Array) => paths.reduce((sum, { rows, weight }) => sum + weight * values[rows[t]], 0);
      expect(exposure[at]).toBeCloseTo(mean(exposure), 10);
      expect(unit_exposure[at]).toBeCloseTo(mean(unit_exposure), 10);
      // Model averaging: how far each method is from the mix is part of the error.
      const error = paths.reduce(
        (sum, { rows, weight }) => sum + weight * Math.hypot(se[rows[t]], exposure[rows[t]] - exposure[at]),
        0,
      );
      expect(se[at]).toBeCloseTo(error, 10);
      expect(hi[at] - exposure[at]).toBeCloseTo(1.6448536269514722 * error, 10);
      expect(exposure[at] - lo[at]).toBeCloseTo(1.6448536269514722 * error, 10);
    }
    const summed = (method: string) =>
      Array.from({ length: summary.rows }, (_, row) => row).find(
        (row) =>
          stringAt(summary.columns.asset, row) === asset &&
          stringAt(summary.columns.factor, row) === 'CREDIT_CHANGE' &&
          stringAt(summary.columns.method, row) === method,
      )!;
    const mean = [...own].reduce((sum, [m, weight]) => sum + weight * summary.columns.mean_exposure[summed(m)], 0);
    expect(summary.columns.mean_exposure[summed('chosen')]).toBeCloseTo(mean, 10);
  });

  it('says of every pair what double selection, stability selection and knockoffs say, where it was asked to', async () => {
    const { pairs } = await readFindings(result, { method: 'spline' });
    expect(pairs).toHaveLength(20 * 6);
    const sure = pairs.filter(({ pValue }) => pValue < 1e-6);
    expect(sure.length).toBeGreaterThan(10);
    for (const { twins } of pairs) {
      expect(twins?.stability).toBeGreaterThanOrEqual(0);
      expect(twins?.stability).toBeLessThanOrEqual(1);
      expect([true, false]).toContain(twins?.knockoffSelected);
    }
    const known = pairs.flatMap(({ twins }) => twins ?? []);
    known.sort((a, b) => a.doubleSelectionPValue - b.doubleSelectionPValue);
    known.slice(1).forEach(({ doubleSelectionQValue }, i) => {
      expect(doubleSelectionQValue).toBeGreaterThanOrEqual(known[i].doubleSelectionQValue);
    });
    const mean = (of: typeof pairs) => of.reduce((sum, { twins }) => sum + (twins?.stability ?? 0), 0) / of.length;
    expect(mean(sure)).toBeGreaterThan(mean(pairs.filter(({ pValue }) => pValue > 0.2)) + 0.2);
  });
});
