import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildFactorPanel, buildPanel, type FactorFileSpec, lookAheadBill } from '../src/index.js';
import { monthEnds, table } from './files.js';
import { factorColumn, factorColumnOf } from './numbers.js';

const root = mkdtempSync(join(tmpdir(), 'macrograd-vintages-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const MONTHS = monthEnds('2020-01', 24);
const FIRST = '2021-01';

/** What vintage v (a month's number from 0) says of month t: the truth 10 t, revised by 1 with every vintage since. */
const value = (v: number, t: number) => 10 * t + (v - t - 1);

interface Edit {
  /** Vintages from this month on say something else of everything. */
  readonly from: number;
}

/** Files of vintages 2021-01 to 2021-12, each knowing A up to the month before and B one month less, as FRED-MD is. */
function folder({ from }: Edit = { from: 99 }): string {
  const path = mkdtempSync(join(root, 'v-'));
  for (let v = 12; v < 24; v++) {
    const rows = MONTHS.slice(0, v).map((day, t) => {
      const shift = v >= from ? 1e5 : 0;
      return `${day},${value(v, t) + shift},${t < v - 1 ? value(v, t) + shift : ''}`;
    });
    writeFileSync(join(path, `${MONTHS[v].slice(0, 7)}.csv`), `date,A,B\n${rows.join('\n')}\n`);
  }
  return path;
}

const spec = (file: string): FactorFileSpec => ({
  file,
  series: { A: { column: 'A' }, B: { column: 'B' }, MOVE: { column: 'A', transform: 'diff' } },
});
const span = { start: '2020-01', end: '2021-12' };
const revisedSpec = { timing: 'available', revised: true, horizon: 0, span } as const;
const unit = () =>
  table(
    ['date', 'X'],
    MONTHS.map((day, t) => [day, (t % 5) / 100]),
  );

test('under available every row shows the newest value of the vintage of its own month', async () => {
  const { inputs } = await buildFactorPanel({ factors: [spec(folder())], timing: 'available', span });
  const from = MONTHS.findIndex((day) => day.startsWith(FIRST));
  for (let row = from; row < 24; row++) {
    expect(factorColumnOf(inputs, 'A')[row]).toBe(value(row, row - 1));
    expect(factorColumnOf(inputs, 'B')[row]).toBe(value(row, row - 2));
    // Both months from one vintage: a revision of the earlier one is no move.
    expect(factorColumnOf(inputs, 'MOVE')[row]).toBe(value(row, row - 1) - value(row, row - 2));
  }
});

test('before the first vintage its values enter with its own delay, and the rows are counted aloud', async () => {
  const { inputs, notes } = await buildFactorPanel({ factors: [spec(folder())], timing: 'available', span });
  expect(factorColumnOf(inputs, 'A').slice(0, 12)).toEqual([
    Number.NaN,
    ...Array.from({ length: 11 }, (_, t) => value(12, t)),
  ]);
  expect(factorColumnOf(inputs, 'B').slice(1, 4)).toEqual([Number.NaN, value(12, 0), value(12, 1)]);
  expect(notes.join('\n')).toContain(
    "A: 11 rows before the first vintage (2021-01-31) hold that vintage's values, which nobody knew then",
  );
});

test('under reference the newest vintage is the table', async () => {
  const { inputs } = await buildFactorPanel({ factors: [spec(folder())], span: { ...span, end: '2021-11' } });
  expect(factorColumnOf(inputs, 'A')).toEqual(MONTHS.slice(0, 23).map((_, t) => value(23, t)));
});

test('what later vintages say changes no earlier row by a bit', async () => {
  const [one, other] = await Promise.all(
    [folder(), folder({ from: 18 })].map((file) =>
      buildFactorPanel({ factors: [spec(file)], timing: 'available', span }),
    ),
  );
  expect(other.inputs.values.slice(0, 18 * 3)).toEqual(one.inputs.values.slice(0, 18 * 3));
  expect(other.inputs.values.slice(18 * 3)).not.toEqual(one.inputs.values.slice(18 * 3));
});

test('revised figures stand at the dates on which their first versions were known', async () => {
  const { panel } = await buildPanel({ factors: [spec(folder())], assets: [{ file: unit() }], ...revisedSpec });
  const from = MONTHS.findIndex((day) => day.startsWith(FIRST)) - MONTHS.length + panel.axis.dates.length;
  for (let row = from; row < panel.axis.dates.length; row++) {
    const month = row - panel.axis.dates.length + MONTHS.length;
    expect(factorColumn(panel, 'A')[row]).toBe(value(23, month - 1));
    expect(factorColumn(panel, 'B')[row]).toBe(value(23, month - 2));
    expect(factorColumn(panel, 'MOVE')[row]).toBe(value(23, month - 1) - value(23, month - 2));
  }
});

test('a value that no vintage renews for three periods is missing', async () => {
  const path = mkdtempSync(join(root, 'old-'));
  const rows = MONTHS.slice(0, 12).map((day, t) => `${day},${t},1.${t}`);
  writeFileSync(join(path, '2021-01.csv'), `date,A,B\n${rows.join('\n')}\n`);
  const { inputs } = await buildFactorPanel({ factors: [spec(path)], timing: 'available', span });
  expect(factorColumnOf(inputs, 'A').slice(11, 17)).toEqual([10, 11, 11, 11, Number.NaN, Number.NaN]);
});

test('a series that vintages took up later starts with them', async () => {
  const path = folder();
  writeFileSync(
    join(path, '2020-12.csv'),
    `date,A\n${MONTHS.slice(0, 11)
      .map((day, t) => `${day},${t}`)
      .join('\n')}\n`,
  );
  const { inputs, notes } = await buildFactorPanel({ factors: [spec(path)], timing: 'available', span });
  expect(factorColumnOf(inputs, 'A')[11]).toBe(10);
  expect(factorColumnOf(inputs, 'B')[12]).toBe(value(12, 10));
  expect(notes.join('\n')).toContain('B: 10 rows before the first vintage (2021-01-31)');
});

test("a file of all vintages as ALFRED's, with returns beside it", async () => {
  const rows = MONTHS.slice(0, 22).flatMap((day, t) => {
    const first = MONTHS[t + 1];
    const second = MONTHS[t + 2];
    const eve = new Date(Date.parse(second) - 86_400_000).toISOString().slice(0, 10);
    return [`${day.slice(0, 7)}-01,${first},${eve},${t}.5`, `${day.slice(0, 7)}-01,${second},9999-12-31,${t}`];
  });
  const file = join(root, 'CPI.vintages.csv');
  writeFileSync(file, `date,realtime_start,realtime_end,value\n${rows.join('\n')}\n`);
  const assets = [
    {
      file: table(
        ['date', 'X', 'Y'],
        MONTHS.map((day, t) => [day, t / 1000, -t / 1000]),
      ),
    },
  ];
  const factors = [{ file, series: { CPI: { column: 'CPI' }, MOVE: { column: 'CPI', transform: 'diff' } } }] as const;
  const { panel } = await buildPanel({ factors, assets, timing: 'available', horizon: 1 });
  const row = MONTHS.indexOf('2021-06-30') - MONTHS.length + panel.axis.dates.length;
  // In June: May as first published, April as revised.
  expect(factorColumn(panel, 'CPI')[row]).toBe(16.5);
  expect(factorColumn(panel, 'MOVE')[row]).toBe(1.5);
});

test('the look-ahead bill: a score that revised figures earn and real-time ones do not', async () => {
  // Returns follow next month's A: known to whoever dates A by its own month, not to whoever waits for it.
  const wave = (t: number) => Math.sin(t * t);
  const path = mkdtempSync(join(root, 'bill-'));
  for (let v = 6; v < 24; v++) {
    const rows = MONTHS.slice(0, v).map((day, t) => `${day},${wave(t)},1.${t}`);
    writeFileSync(join(path, `${MONTHS[v].slice(0, 7)}.csv`), `date,A,B\n${rows.join('\n')}\n`);
  }
  const rows = MONTHS.map((day, t) => [day, t === 0 ? '' : wave(t - 1) / 100, t === 0 ? '' : -wave(t - 1) / 50]);
  const assets = [{ file: table(['date', 'X', 'Y'], rows) }];
  const { scores, revisions } = await lookAheadBill(
    { factors: [{ file: path, series: { A: { column: 'A' } } }], assets },
    async ({ inputs, returns, assets: names }) => {
      const fits = [...inputs.values.keys()].filter(
        (t) => Math.abs(returns[t * names.length] - inputs.values[t] / 100) < 1e-12,
      );
      return { hits: fits.length / inputs.values.length };
    },
  );
  expect(scores[0].revised).toBeGreaterThan(0.8);
  // Nothing was revised here: knowing the revisions, at the dates of the first figures, earns nothing.
  expect(scores[0].lagged).toBe(0);
  expect(scores[0].realTime).toBe(0);
  expect(scores[0].difference).toBe(scores[0].revised);
  expect(revisions[0].relative).toBe(0);
});

test.each([
  ['a folder without dated files', { 'data.csv': 'x' }, 'no file of this folder has a date in its name'],
  [
    'two vintages of one date',
    { '2020-01.csv': 'x', '2020-01_b.csv': 'x' },
    '2020-01.csv and 2020-01_b.csv are vintages',
  ],
])('%s: refused', async (_, files, message) => {
  const path = join(mkdtempSync(join(root, 'bad-')), 'sub');
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  await expect(buildFactorPanel({ factors: [spec(path)] })).rejects.toThrow(message);
});

const data = process.env.MACROGRAD_DATA;

test.skipIf(!data)('three vintages of FRED-MD: each row knows its own alone', async () => {
  const path = mkdtempSync(join(root, 'md-'));
  const { cpSync } = await import('node:fs');
  for (const name of ['vintage_2019-09.csv', 'vintage_2023-06.csv', 'vintage_2026-02.csv']) {
    cpSync(join(data ?? '', 'fredmd', name), join(path, name));
  }
  const series = { CPI: { column: 'CPIAUCSL' }, RPI: { column: 'RPI', transform: 'none' } } as const;
  const { inputs, notes } = await buildFactorPanel({ factors: [{ file: path, series }], timing: 'available' });
  const at = (day: string) =>
    Array.from(inputs.axis.dates, (d) => new Date(d * 86_400_000).toISOString().slice(0, 10)).indexOf(day);
  const rpi = factorColumnOf(inputs, 'RPI');
  // The last figures of the vintages of September 2019 and February 2026, each in its own prices.
  expect(rpi[at('2019-09-30')]).toBe(17074.432);
  expect(rpi.at(-1)).toBeGreaterThan(19_000);
  expect(notes.join('\n')).toContain('rows before the first vintage (2019-09-30)');
});
