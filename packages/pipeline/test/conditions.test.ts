import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatIsoDate, monthEndOfIndex, Random } from '@macrograd/core';
import { readModel, readRunRecord, readTable, stringAt, type TableData } from '@macrograd/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportOnnxModel, loadConfig, readConfig, run } from '../src/index.js';

const MONTHS = 180;
const ASSETS = 6;
const INITIAL = 120;
const LEVEL = 5;

const project = `name: turning
seed: 3
factors:
  - file: macro.csv
    series:
      X: { column: X, transform: none, unit: pp }
      Y: { column: Y, transform: none, unit: pp }
      STATE: { column: STATE, transform: none, unit: pp, role: state }
assets:
  - { file: returns.csv, unit: decimal, return: excess }
output: out
evaluation: { initial: ${INITIAL}, step: 60 }
methods:
`;

/** Writes a world in which X moves returns by .01 where a persistent state is at or below 5, by -.01 where it is above. */
function writeWorld(folder: string): Float64Array {
  const random = new Random(5);
  const state = new Float64Array(MONTHS);
  const macro = ['date,X,Y,STATE'];
  const returns = [`date,${Array.from({ length: ASSETS }, (_, asset) => `A${asset}`).join(',')}`];
  for (let month = 0; month < MONTHS; month++) {
    const before = month === 0 ? 0 : state[month - 1] - LEVEL;
    state[month] = LEVEL + 0.9 * before + random.normal();
    const [x, y, date] = [random.normal(), random.normal(), formatIsoDate(monthEndOfIndex(month))];
    macro.push([date, x, y, state[month]].join(','));
    const moved = (state[month] > LEVEL ? -0.01 : 0.01) * x + 0.002 * y;
    returns.push([date, ...Array.from({ length: ASSETS }, () => moved + 0.01 * random.normal())].join(','));
  }
  writeFileSync(join(folder, 'macro.csv'), `${macro.join('\n')}\n`);
  writeFileSync(join(folder, 'returns.csv'), `${returns.join('\n')}\n`);
  return state;
}

/** Rows of a table for which something holds. */
function rowsOf({ rows }: { readonly rows: number }, holds: (row: number) => boolean): number[] {
  return Array.from({ length: rows }, (_, row) => row).filter(holds);
}

describe('a run whose methods a state conditions', () => {
  let folder: string;
  let dir: string;
  let exposures: TableData<'exposures'>;
  let diagnostics: TableData<'diagnostics'>;
  let state: Float64Array;

  const write = (methods: string): string => {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, project + methods);
    return file;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'macrograd-conditions-'));
    state = writeWorld(folder);
    const methods = [
      'zero',
      'ols',
      '{ method: wls, condition: { on: STATE, at: 5 } }',
      '{ method: ridge, condition: { on: STATE } }',
      '{ method: distributed_lag, condition: { on: STATE, at: 5 } }',
    ];
    const file = write(methods.map((method) => `  - ${method}\n`).join(''));
    ({ dir } = await run(await readConfig(file), { threads: 1 }));
    exposures = await readTable(dir, 'exposures');
    diagnostics = await readTable(dir, 'diagnostics');
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Contemporaneous exposures of an asset to X by a method, oldest first. */
  const path = (method: string, asset: number, fit: 'final' | 'folds') =>
    rowsOf(
      exposures,
      (row) =>
        stringAt(exposures.columns.asset, row) === `A${asset}` &&
        stringAt(exposures.columns.factor, row) === 'X' &&
        stringAt(exposures.columns.method, row) === method &&
        stringAt(exposures.columns.kind, row) === 'contemporaneous' &&
        (stringAt(exposures.columns.fit, row) === 'final') === (fit === 'final'),
    ).map((row) => exposures.columns.exposure[row]);

  it.each(['wls', 'distributed_lag'])('finds the planted change of sign with %s, also out of sample', (method) => {
    for (const fit of ['final', 'folds'] as const) {
      for (let asset = 0; asset < ASSETS; asset++) {
        const own = path(method, asset, fit);
        expect(own).toHaveLength(MONTHS);
        const mean = (above: boolean) => {
          const side = own.filter((_, row) => state[row] > LEVEL === above);
          return side.reduce((sum, value) => sum + value, 0) / side.length;
        };
        // A third of the planted size, 5 standard errors from 0.
        expect(mean(false)).toBeGreaterThan(0.0035);
        expect(mean(true)).toBeLessThan(-0.0035);
      }
    }
    // The same method without a condition has one exposure throughout.
    expect(new Set(path('ols', 0, 'final')).size).toBe(1);
  });

  it('moves in a line with the state where no level is given', () => {
    const [from, to] = [40, 130];
    const own = path('ridge', 0, 'final');
    const slope = (own[to] - own[from]) / (state[to] - state[from]);
    for (const row of [10, 77, 100, 170]) {
      expect(own[row] - own[from]).toBeCloseTo(slope * (state[row] - state[from]), 10);
    }
  });

  it('explains more out of sample than the same method without the condition', async () => {
    const { columns, rows } = await readTable(dir, 'evaluation');
    const r2 = (method: string) =>
      columns.r2_oos[
        rowsOf({ rows }, (row) => {
          const at = (column: 'asset' | 'fold' | 'method') => stringAt(columns[column], row);
          return at('asset') === 'all' && at('fold') === 'all' && at('method') === method;
        })[0]
      ];
    expect(r2('wls')).toBeGreaterThan(r2('ols') + 0.2);
  });

  it.each(['wls', 'ridge', 'distributed_lag'])('exports %s, with its condition, as it is stored', async (method) => {
    expect(readModel(join(dir, 'models', method)).parameters).toHaveProperty('condition');
    // Compared with the stored model on drawn inputs, states and factors missing among them.
    const [{ returns, exposures: checked }] = await exportOnnxModel(dir, { method });
    expect(returns.compared).toBeGreaterThan(0);
    expect(Math.max(returns.maxRelativeError, checked.maxRelativeError)).toBeLessThan(1e-5);
  });

  it('says so in run.json, in the report and in the facts of the fit', () => {
    expect(readRunRecord(dir).conditions).toEqual([
      { method: 'wls', state: 'STATE', level: 5, unit: 'pp' },
      { method: 'ridge', state: 'STATE', level: null, unit: 'pp' },
      { method: 'distributed_lag', state: 'STATE', level: 5, unit: 'pp' },
    ]);
    const page = readFileSync(join(dir, 'report', 'index.html'), 'utf8');
    expect(page).toContain('Noise-weighted OLS is conditioned: one exposure where STATE is at or below 5 pp');
    const row = rowsOf(diagnostics, (at) => stringAt(diagnostics.columns.method, at) === 'wls').at(-1)!;
    const above = state.filter((level) => level > LEVEL).length;
    expect(JSON.parse(stringAt(diagnostics.columns.facts, row) ?? '')).toMatchObject({
      condition_level: 5,
      rows_above: above,
      rows_below: MONTHS - above,
    });
  });

  it('has a row of diagnostics for every method and fit', () => {
    const { columns } = diagnostics;
    const whole = rowsOf(diagnostics, (row) => stringAt(columns.asset, row) === 'all');
    const fits = whole.map((row) => `${stringAt(columns.method, row)} ${stringAt(columns.fit, row)}`);
    const methods = ['zero', 'ols', 'wls', 'ridge', 'distributed_lag'];
    expect(fits).toEqual(methods.flatMap((method) => ['0', 'final'].map((fit) => `${method} ${fit}`)));
    for (const row of whole) {
      if (stringAt(columns.method, row) === 'zero') expect(columns.condition_number[row]).toBeNaN();
      else expect(columns.condition_number[row]).toBeGreaterThanOrEqual(1);
      expect(Math.abs(columns.residual_autocorrelation[row])).toBeLessThan(1);
      expect(columns.observations[row]).toBe(ASSETS * (stringAt(columns.fit, row) === 'final' ? MONTHS : INITIAL));
      expect(stringAt(columns.status, row)).toBe('ok');
    }
  });

  it('refuses a series that the config does not have, and a level that it never crosses, with their places', async () => {
    const unknown = write('  - { method: ols, condition: { on: STAT, at: 5 } }\n');
    await expect(loadConfig(unknown)).rejects.toThrow(/config\.yaml:\d+:37: ols is conditioned by "STAT"/);
    const outside = write('  - { method: ols, condition: { on: STATE, at: 500 } }\n');
    await expect(loadConfig(outside)).rejects.toThrow(/:\d+:48: STATE never crosses 500; give a level inside/);
  });
});

it('the example of the documentation is a config that loads', async () => {
  const { config } = await loadConfig(join(import.meta.dirname, '../../../docs/examples/conditions.yaml'));
  expect([...config.conditions.keys()]).toEqual(['wls', 'ridge']);
});
