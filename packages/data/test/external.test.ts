import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatIsoDate, monthIndex, parseIsoDate } from '@macrograd/core';
import { expect, test } from 'vitest';
import { buildFactorPanel, readTable } from '../src/index.js';
import { factorColumnOf } from './numbers.js';

/** Folder of the development data; the tests are skipped without it. */
const folder = process.env.MACROGRAD_DATA;

test.skipIf(!folder).each([
  ['fredmd/vintage_2019-09.csv', 'fredmd', 128, '1959-01-31', '2019-08-31', 728],
  ['fredmd/vintage_2023-06.csv', 'fredmd', 127, '1959-01-31', '2023-05-31', 773],
  ['fredmd/vintage_2026-02.csv', 'fredmd', 126, '1959-01-31', '2026-01-31', 805],
  ['fredqd/FRED-QD_2025-07vintage.csv', 'fredqd', 245, '1959-03-31', '2025-06-30', 266],
  ['french/49_Industry_Portfolios.csv', 'french', 49, '1926-07-31', '2026-02-28', 1196],
  ['french/F-F_Research_Data_5_Factors_2x3.csv', 'french', 6, '1963-07-31', '2025-12-31', 750],
  ['french/F-F_Research_Data_Factors.csv', 'french', 4, '1926-07-31', '2025-12-31', 1194],
  ['macro/daily_macro_panel.csv', 'wide', 13, '1962-01-02', '2026-07-31', 16947],
  ['stocks/us_stocks_weekly_close_2005_2017.csv.gz', 'wide', 4280, '2004-12-31', '2017-11-10', 672],
  ['stocks/huge_us_stocks_monthly_close.csv.gz', 'long', 8507, '2010-07-31', '2017-11-30', 89],
])('%s: %s, %i series from %s to %s on %i dates', async (file, format, width, first, last, rows) => {
  const table = await readTable(join(folder ?? '', file));
  const [series] = table.series.values();
  expect(table.format).toBe(format);
  expect(table.series.size).toBe(width);
  expect(series.dates).toHaveLength(rows);
  expect(formatIsoDate(series.dates[0])).toBe(first);
  expect(formatIsoDate(series.dates[rows - 1])).toBe(last);
  if (format.startsWith('fred')) expect(table.transformCodes.size).toBe(width);
});

/** The reference is printed with five digits, so each number is right to 5e-5 of itself. */
const PRINTED = 5e-5;

/** Ours are in per cent where theirs are logarithms (codes 4 to 6) and rates of growth (7). */
const scaleOf = (code: number) => (code >= 4 ? 100 : 1);

test.skipIf(!folder)('FRED-MD 2019-09 by its codes, outliers out, equals the MATLAB panel of its authors', async () => {
  const file = join(folder ?? '', 'fredmd/vintage_2019-09.csv');
  const rows = readFileSync(join(folder ?? '', 'reference/fredmd_matlab/dataMATLAB.csv'), 'utf8')
    .trim()
    .split('\n');
  const reference = rows.map((row) => row.split(',').map(Number));
  const { transformCodes, series } = await readTable(file);
  const columns = [...series.keys()];
  const { inputs } = await buildFactorPanel({
    factors: [
      { file, outliers: 'iqr_full', series: Object.fromEntries(columns.map((column) => [column, { column }])) },
    ],
  });
  const different: string[] = [];
  let compared = 0;
  let worst = 0;
  columns.forEach((column, j) => {
    const scale = scaleOf(transformCodes.get(column) ?? 1);
    // The first two months are left out there: second differences begin with the third.
    const ours = factorColumnOf(inputs, column).slice(2);
    expect(ours).toHaveLength(reference.length);
    ours.forEach((value, t) => {
      const wanted = reference[t][j];
      if (Number.isNaN(value) !== Number.isNaN(wanted)) different.push(`${column} ${t}`);
      if (Number.isNaN(value) || Number.isNaN(wanted)) return;
      compared++;
      worst = Math.max(worst, wanted === 0 ? Math.abs(value) : Math.abs(value / scale / wanted - 1));
    });
  });
  expect(different).toEqual([]);
  expect(compared).toBeGreaterThan(90_000);
  expect(worst).toBeLessThan(PRINTED);
});

test.skipIf(!folder)('FRED-MD 2023-06: blank rows at its end are told and left out', async () => {
  const { notes } = await readTable(join(folder ?? '', 'fredmd/vintage_2023-06.csv'));
  expect(notes.join()).toMatch(/\d+ blank rows left out/);
});

test.skipIf(!folder)('FRED-MD 2026-02: the prices of October 2025 are missing and the edge is ragged', async () => {
  const { series } = await readTable(join(folder ?? '', 'fredmd/vintage_2026-02.csv'));
  const at = (name: string, date: string) => {
    const { dates, values } = series.get(name) ?? { dates: [], values: [] };
    return values[Array.from(dates, formatIsoDate).indexOf(date)];
  };
  expect(at('CPIAUCSL', '2025-10-31')).toBeNaN();
  expect(at('CPIAUCSL', '2025-09-30')).toBeGreaterThan(300);
  expect(at('UNRATE', '2026-01-31')).toBe(4.3);
  expect(at('RPI', '2026-01-31')).toBeNaN();
  expect(at('RPI', '2025-12-31')).toBe(20615.324);
});

test.skipIf(!folder)("Kenneth French's industries: every table of the file by its title", async () => {
  const file = join(folder ?? '', 'french/49_Industry_Portfolios.csv');
  const equal = await readTable(file, { table: 'Equal Weighted Returns -- Monthly' });
  const annual = await readTable(file, { table: 'Value Weighted Returns -- Annual' });
  const weighted = await readTable(file);
  const first = (table: typeof equal) => table.series.get('Food ')?.values[0] ?? table.series.get('Food')?.values[0];
  expect(first(equal)).not.toBe(first(weighted));
  expect([equal, annual].map((table) => table.series.get('Food')?.frequency)).toEqual(['M', 'A']);
  expect(equal.series.get('Soda')?.values[0]).toBeNaN();
  await expect(readTable(file, { table: 'Nothing' })).rejects.toThrow('no table of this file is called "Nothing"');
});

test.skipIf(!folder)('the ragged edge of each vintage of FRED-MD is the known one, series by series', async () => {
  const [header, ...rows] = readFileSync(join(folder ?? '', 'fredmd/publication_lag_by_vintage.csv'), 'utf8')
    .trim()
    .split('\n')
    .map((row) => row.split(','));
  for (const vintage of ['2019-09', '2023-06', '2026-02']) {
    const { series } = await readTable(join(folder ?? '', `fredmd/vintage_${vintage}.csv`));
    const published = monthIndex(parseIsoDate(vintage));
    const column = header.indexOf(vintage);
    const wanted = rows.flatMap((row) => (row[column] === '' ? [] : [[row[0], Number(row[column])] as const]));
    const lags = wanted.map(([name]) => {
      const { dates, values } = series.get(name) ?? { dates: [], values: new Float64Array() };
      return [name, published - monthIndex(dates[values.findLastIndex((value) => !Number.isNaN(value))])] as const;
    });
    expect(wanted.length).toBeGreaterThan(120);
    expect(lags).toEqual(wanted);
  }
});

const STOCKS = 'stocks/huge_us_stocks_monthly_close.csv.gz';

test.skipIf(!folder)('stocks apart from funds, by query: 7,163 of them', async () => {
  const sql = "SELECT date, ticker, close FROM data WHERE kind = 'Stocks'";
  const { series } = await readTable(join(folder ?? '', STOCKS), { sql });
  expect(series.size).toBe(7163);
});

/** What reading a universe may cost: CPU seconds of all threads, and MiB of the whole process. */
const MOST = { cpu_s: 3, peak_mib: 1024 };

test.skipIf(!folder)('8,507 stocks and funds, 862,410 prices: under 3 s and 1 GiB', () => {
  const tool = join(import.meta.dirname, '../../../tools/data/read-files.mjs');
  const stocks = join(folder ?? '', STOCKS);
  // Three times, since other work on the machine makes CPU time longer and never shorter.
  const printed = execFileSync(process.execPath, [tool, stocks, stocks, stocks], { encoding: 'utf8' });
  const runs = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(runs[0]).toMatchObject({ series: 8507, values: 862_410, first: '1962-01-31', last: '2017-11-30' });
  expect(Math.min(...runs.map(({ cpu_s }) => cpu_s))).toBeLessThan(MOST.cpu_s);
  expect(Math.max(...runs.map(({ peak_mib }) => peak_mib))).toBeLessThan(MOST.peak_mib);
});
