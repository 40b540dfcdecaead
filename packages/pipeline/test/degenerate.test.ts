import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatIsoDate, METHOD_IDS, monthEndOfIndex, Random } from '@macrograd/core';
import { readRunRecord, readTable, stringAt } from '@macrograd/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig, run } from '../src/index.js';

const MONTHS = 120;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-degenerate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Columns by name, one value a month; an empty cell is missing. */
type Columns = Readonly<Record<string, (month: number) => number | ''>>;

function csv(columns: Columns): string {
  const names = Object.keys(columns);
  const rows = Array.from({ length: MONTHS }, (_, t) =>
    [formatIsoDate(monthEndOfIndex(t)), ...names.map((name) => columns[name](t))].join(','),
  );
  return `${['date', ...names].join(',')}\n${rows.join('\n')}\n`;
}

const draws = (seed: number, length = MONTHS) => {
  const random = new Random(seed);
  return Float64Array.from({ length }, () => random.normal());
};
const [rate, other, noise] = [1, 2, 3].map((seed) => draws(seed));
const walk = rate.map((_, t) => 5 + rate.slice(0, t + 1).reduce((a, b) => a + 0.1 * b, 0));

/** Runs a small job of every method and hands back its directory. */
async function job(
  name: string,
  series: string,
  macro: Columns,
  assets: Columns,
  methods: readonly string[] = METHOD_IDS,
  mode = 'pooled',
) {
  const dir = join(folder, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'macro.csv'), csv(macro));
  writeFileSync(join(dir, 'returns.csv'), csv(assets));
  const config = join(dir, 'config.yaml');
  writeFileSync(
    config,
    `factors: [{ file: macro.csv, series: { ${series} } }]
assets: [{ file: returns.csv, unit: decimal, return: excess }]
methods: [${methods.join(', ')}]
lstm: { mode: ${mode}, hidden_size: 2, members: 1, lookback: 2, steps: 5 }
evaluation: { initial: 72, step: 48 }
output: out
`,
  );
  return (await run(await readConfig(config), { threads: 1 })).dir;
}

const FUND = (t: number) => 0.01 * rate[t] + 0.01 * noise[t];

describe('a run of every method on data that go wrong', () => {
  let dir: string;
  beforeAll(async () => {
    const series = [
      'RATE: { column: RATE, transform: diff }',
      'LEVEL: { column: RATE }',
      'TWIN: { column: TWIN, transform: diff }',
      'OTHER: { column: OTHER }',
      'PEG: { column: PEG, transform: diff }',
      'GROWTH: { column: GROWTH, transform: dlog }',
      'FIXED: { column: FIXED }',
    ];
    const macro: Columns = {
      RATE: (t) => walk[t],
      TWIN: (t) => 2 * walk[t] + 1,
      OTHER: (t) => other[t],
      // Pegged through the first fold's training rows, and free afterwards.
      PEG: (t) => (t < 90 ? 7 : 7 + other[119 - t]),
      GROWTH: (t) => 100 * 1.002 ** t,
      FIXED: () => 3,
    };
    const assets: Columns = {
      FUND,
      THREE: (t) => (t >= 90 && t < 93 ? 0.01 * noise[t] : ''),
      NONE: () => '',
    };
    dir = await job('all', series.join(', '), macro, assets);
  }, 60_000);

  const statuses = async (asset: string) => {
    const { rows, columns } = await readTable(dir, 'summary');
    const mine = Array.from({ length: rows }, (_, row) => row).filter((row) => stringAt(columns.asset, row) === asset);
    return mine.map((row) => ({
      method: stringAt(columns.method, row),
      factor: stringAt(columns.factor, row),
      exposure: columns.mean_exposure[row],
      status: stringAt(columns.status, row),
    }));
  };

  it('leaves out what is constant over the whole span, a growth rate that only rounding moves too, and says so', async () => {
    const said = readRunRecord(dir).warnings.join('\n');
    expect(said).toContain('GROWTH (macro.csv: GROWTH, dlog) is constant: it tells nothing and is left out');
    expect(said).toContain('FIXED (macro.csv: FIXED, none) is constant');
    const { rows, columns } = await readTable(dir, 'factors');
    const names = new Set(Array.from({ length: rows }, (_, row) => stringAt(columns.factor, row)));
    expect([...names]).toEqual(['RATE', 'LEVEL', 'TWIN', 'OTHER', 'PEG']);
  });

  it('gives least squares and the autoregression a status for a factor that others give, and keeps the rest', async () => {
    const lines = await statuses('FUND');
    for (const method of ['ols', 'rolling_ols', 'ewm_ols', 'var']) {
      const mine = lines.filter((line) => line.method === method);
      expect(new Set(mine.map(({ status }) => status))).toEqual(new Set(['rank_deficient']));
      expect(mine.find(({ factor }) => factor === 'TWIN')?.exposure).toBeNaN();
      expect(mine.find(({ factor }) => factor === 'RATE')?.exposure).toBeGreaterThan(0.005);
    }
    expect(readRunRecord(dir).warnings.join('\n')).toMatch(
      /ols on FUND: rank deficient; TWIN: constant, or a combination/,
    );
  });

  it('gives an asset of three returns and one of none a status with every method', async () => {
    for (const { method, status, exposure } of await statuses('THREE')) {
      if (method === 'zero' || method === 'chosen') continue;
      // Methods that learn from all assets together shrink towards them where an asset has hardly a return.
      if (status === 'ok') expect(Number.isFinite(exposure), `${method}`).toBe(true);
      else expect(['too_few_observations', 'rank_deficient']).toContain(status);
    }
    for (const { method, status } of await statuses('NONE')) expect(status, `${method}`).toBe('no_data');
  });
});

it('a network for every asset has a status, and no numbers, where there is little or nothing to learn from', async () => {
  const assets: Columns = { FUND, THREE: (t) => (t >= 90 && t < 93 ? 0.01 * noise[t] : ''), NONE: () => '' };
  const macro: Columns = { RATE: (t) => rate[t], PEG: (t) => (t < 90 ? 7 : 7 + other[119 - t]) };
  const series = 'RATE: { column: RATE }, PEG: { column: PEG, transform: diff }';
  const dir = await job('per_asset', series, macro, assets, ['zero', 'lstm'], 'per_asset');
  const { rows, columns } = await readTable(dir, 'summary');
  for (let row = 0; row < rows; row++) {
    if (stringAt(columns.method, row) !== 'lstm') continue;
    const expected = { FUND: 'ok', THREE: 'too_few_observations', NONE: 'no_data' }[stringAt(columns.asset, row) ?? ''];
    expect(stringAt(columns.status, row)).toBe(expected);
    expect(Number.isFinite(columns.mean_exposure[row])).toBe(expected === 'ok');
  }
});

it('a run whose factors are all constant is refused with their names', async () => {
  const refused = job('constant', 'FIXED: { column: FIXED }', { FIXED: () => 3 }, { FUND }, ['zero', 'ols']);
  await expect(refused).rejects.toThrow(/every factor is constant: FIXED \(macro\.csv: FIXED, none\)/);
});

it('a factor with a level of a thousand times its spread is exported as exactly, one of ten thousand is refused', async () => {
  const far = (level: number) => {
    const macro: Columns = { RATE: (t) => rate[t], FAR: (t) => level + other[t] };
    return job(`far${level}`, 'RATE: { column: RATE }, FAR: { column: FAR }', macro, { FUND }, ['ols']);
  };
  expect(readRunRecord(await far(1000)).onnx?.max_relative_error).toBeLessThanOrEqual(1e-5);
  await expect(far(10_000)).rejects.toThrow(/FAR \(macro\.csv: FAR\) moves by .* of its level only; take its change/);
});
