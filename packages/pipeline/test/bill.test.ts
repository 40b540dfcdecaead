import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatIsoDate, monthEndOfIndex, Random } from '@macrograd/core';
import { type BillRecord, readRunRecord } from '@macrograd/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig, run } from '../src/index.js';

const MONTHS = 150;
const ASSETS = 5;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-bill-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface World {
  /** SD of what the month after the first figure adds to it; the factor itself has SD 1. */
  readonly revision: number;
  /** Months from a month's end to its first figure. */
  readonly delay: number;
}

/** One vintage a month, and returns of the month after that follow the factor's last figure (R2 about .5). */
async function bill(name: string, { revision, delay }: World): Promise<BillRecord> {
  const dir = join(folder, name);
  mkdirSync(join(dir, 'vintages'), { recursive: true });
  const random = new Random(17);
  const days = Array.from({ length: MONTHS }, (_, t) => formatIsoDate(monthEndOfIndex(t)));
  const final = days.map(() => random.normal());
  const first = final.map((x) => x - revision * random.normal());
  for (let v = 12; v < MONTHS; v++) {
    const newest = v - delay;
    const rows = days.slice(0, newest + 1).map((day, t) => `${day},${t === newest ? first[t] : final[t]}`);
    writeFileSync(join(dir, 'vintages', `${days[v].slice(0, 7)}.csv`), `date,X\n${rows.join('\n')}\n`);
  }
  const returns = days.map((day, t) => {
    const cells = Array.from({ length: ASSETS }, () => 0.01 * ((final[t - 1] ?? 0) + random.normal()));
    return [day, ...cells].join(',');
  });
  writeFileSync(join(dir, 'returns.csv'), `date,A,B,C,D,E\n${returns.join('\n')}\n`);
  const config = join(dir, 'config.yaml');
  writeFileSync(
    config,
    `timing: available
factors: [{ file: vintages, series: { X: { column: X } } }]
assets: [{ file: returns.csv, unit: decimal, return: excess }]
methods: [zero, ols, ewm_ols]
evaluation: { initial: 60, step: 30, look_ahead_bill: true }
output: out
`,
  );
  const { dir: out } = await run(await readConfig(config), { threads: 1 });
  const record = readRunRecord(out).look_ahead_bill;
  if (record === undefined) throw new Error('no bill');
  return record;
}

const line = ({ methods }: BillRecord, wanted: string) => {
  const { method: _, ...numbers } = methods.find(({ method }) => method === wanted) ?? methods[0];
  return Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, Number(value)]));
};

it('revisions that carry information: foreseeing them is billed, to every method but zero', async () => {
  const record = await bill('informative', { revision: 1, delay: 0 });
  expect(record.methods.map(({ method }) => method)).toEqual(['zero', 'ols', 'ewm_ols', 'chosen']);
  // The factor explains half of the variance, its first figure, half of whose variance is noise, half of that.
  for (const method of ['ols', 'ewm_ols', 'chosen']) {
    const { revised, real_time, by_dates, by_revisions, total } = line(record, method);
    // The mix has no exposure in the first of three folds, before which no method has shown anything.
    expect(revised).toBeGreaterThan(method === 'chosen' ? 0.25 : 0.4);
    expect(real_time).toBeLessThan(0.35);
    expect(by_revisions).toBeGreaterThan(0.1);
    expect(by_dates).toBe(0);
    expect(total).toBe(by_revisions);
  }
  expect(line(record, 'zero').total).toBe(0);
  expect(record.horizon).toBe(1);
  expect(record.revisions).toMatchObject([{ factor: 'X' }]);
  // Correlation of x with x plus noise of the same variance: the root of one half.
  expect(record.revisions[0].correlation).toBeGreaterThan(0.6);
  expect(record.revisions[0].correlation).toBeLessThan(0.8);
}, 60_000);

it('figures that are never revised and known at once: nothing is billed', async () => {
  const record = await bill('none', { revision: 0, delay: 0 });
  for (const { total } of record.methods) expect(total).toBe(0);
  expect(record.revisions[0].relative).toBe(0);
}, 60_000);

it('figures that come a month late and are never revised: the dates are billed, and no revision', async () => {
  const { by_dates, by_revisions } = line(await bill('late', { revision: 0, delay: 1 }), 'ols');
  expect(by_dates).toBeGreaterThan(0.3);
  expect(by_revisions).toBe(0);
}, 60_000);

it('a two-sided filter, which nobody could have known, is refused before anything is fitted', async () => {
  const dir = join(folder, 'two-sided');
  mkdirSync(dir);
  const file = join(dir, 'config.yaml');
  const rows = Array.from({ length: 80 }, (_, t) => `${formatIsoDate(monthEndOfIndex(t))},${Math.sin(t * t)}`);
  for (const name of ['macro', 'returns']) writeFileSync(join(dir, `${name}.csv`), `date,X\n${rows.join('\n')}\n`);
  writeFileSync(
    file,
    `factors: [{ file: macro.csv, series: { X: { column: X, filter: hp } } }]
assets: [{ file: returns.csv, unit: decimal }]
methods: [zero, ols]
evaluation: { look_ahead_bill: true }
output: out
`,
  );
  await expect(run(await readConfig(file))).rejects.toThrow('the filter hp of X is two-sided');
});
