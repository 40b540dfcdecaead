import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { formatIsoDate } from '@macrograd/core';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { readTable, type Series, type Table } from '../src/index.js';
import { file, monthEnds } from './files.js';

function get(table: Table, name: string): Series {
  const series = table.series.get(name);
  if (!series) throw new Error(`no series ${name}`);
  return series;
}

const dates = (series: Series) => Array.from(series.dates, formatIsoDate);
const values = (series: Series) => Array.from(series.values);

const PLAIN = 'date,A,B\n2020-01-31,1,2.5\n2020-02-29,,-3e2\n2020-03-31,4,.5\n';

test.each([
  ['plain', PLAIN],
  ['with a byte order mark', `\uFEFF${PLAIN}`],
  ['with Windows line ends', PLAIN.replaceAll('\n', '\r\n')],
  ['with old Macintosh line ends', PLAIN.replaceAll('\n', '\r')],
  ['separated by tabs', PLAIN.replaceAll(',', '\t')],
  ['separated by semicolons', PLAIN.replaceAll(',', ';')],
  ['with quoted cells', PLAIN.replaceAll(/[^,\n]+/g, '"$&"')],
  ['with blank rows', `${PLAIN}\n,,\n`],
  ['without the last line end', PLAIN.trimEnd()],
  ['dated by first days', PLAIN.replace('01-31', '01-01').replace('02-29', '02-01').replace('03-31', '03-01')],
  ['dated by months', PLAIN.replaceAll(/-\d\d,/g, ',')],
  ['dated month first', 'date,A,B\n1/31/2020,1,2.5\n2/29/2020,,-3e2\n3/31/2020,4,.5\n'],
  ['dated by numbers', 'yyyymm,A,B\n202001,1,2.5\n202002,,-3e2\n202003,4,.5\n'],
  ['dated by midnights', PLAIN.replaceAll(/(-\d\d),/g, '$1T00:00:00Z,')],
  ['in descending order', 'date,A,B\n2020-03-31,4,.5\n2020-02-29,,-3e2\n2020-01-31,1,2.5\n'],
])('a wide file %s reads the same', async (_, content) => {
  const table = await readTable(file(content));
  expect(table.format).toBe('wide');
  expect([...table.series.keys()]).toEqual(['A', 'B']);
  expect(get(table, 'B').frequency).toBe('M');
  expect(dates(get(table, 'A'))).toEqual(['2020-01-31', '2020-02-29', '2020-03-31']);
  expect(values(get(table, 'A'))).toEqual([1, Number.NaN, 4]);
  expect(values(get(table, 'B'))).toEqual([2.5, -300, 0.5]);
});

test('every mark of a missing value is NaN', async () => {
  const marks = ['', '.', 'NA', 'N/A', '#N/A', 'NaN', 'nan', 'null'];
  const days = monthEnds('2020-01', marks.length);
  const table = await readTable(file(`date,A,B\n${marks.map((mark, i) => `${days[i]},${mark},1`).join('\n')}`));
  expect(values(get(table, 'A'))).toEqual(marks.map(() => Number.NaN));
});

test('sorting and skipped rows are told', async () => {
  const unsorted = await readTable(file('date,A\n2020-02,2\n2020-01,1\n2020-03,3\n'));
  expect(unsorted.notes).toEqual(['rows were not in ascending order of dates and have been sorted']);
  expect(Array.from(get(unsorted, 'A').lines)).toEqual([3, 2, 4]);
  const blank = await readTable(file('date,A\n2020-01,1\n,\n2020-02,2\n'));
  expect(blank.notes).toEqual(['1 blank rows left out']);
});

test('a long file gives every series its own dates and frequency', async () => {
  const months = monthEnds('2000-01', 24).map((day, i) => `${day},monthly,${i}`);
  const quarters = Array.from(
    { length: 8 },
    (_, i) => `${2000 + (i >> 2)}-${['01', '04', '07', '10'][i % 4]}-01,q,${i}`,
  );
  const table = await readTable(file(`date,series,value\n${[...months, ...quarters].join('\n')}`));
  expect(table.format).toBe('long');
  expect(get(table, 'monthly').frequency).toBe('M');
  expect(get(table, 'monthly').values).toHaveLength(24);
  expect(get(table, 'q').frequency).toBe('Q');
  expect(dates(get(table, 'q')).slice(0, 2)).toEqual(['2000-03-31', '2000-06-30']);
});

test('quarterly values among monthly ones are a quarterly series', async () => {
  const rows = monthEnds('2000-01', 30).map((day, i) => `${day},${i},${i % 3 === 2 ? i : ''}`);
  const table = await readTable(file(`date,M,Q\n${rows.join('\n')}`));
  expect(get(table, 'M').frequency).toBe('M');
  expect(get(table, 'Q').frequency).toBe('Q');
  expect(values(get(table, 'Q'))).toEqual([2, 5, 8, 11, 14, 17, 20, 23, 26, 29]);
});

test.each([
  ['D', ['2020-01-02', '2020-01-03', '2020-01-06', '2020-01-07'], '2020-01-07'],
  ['W', ['2020-01-01', '2020-01-08', '2020-01-15'], '2020-01-17'],
  ['Q', ['2020-Q1', '2020-Q2', '2020-Q3'], '2020-09-30'],
  ['A', ['2018', '2019', '2020'], '2020-12-31'],
])('frequency %s is recognised and dated by period ends', async (frequency, days, last) => {
  const table = await readTable(file(`date,A,B\n${days.map((day) => `${day},1,2`).join('\n')}`));
  expect(get(table, 'B').frequency).toBe(frequency);
  expect(dates(get(table, 'B')).at(-1)).toBe(last);
});

test('a gzip file reads as what is in it', async () => {
  const table = await readTable(file(gzipSync(PLAIN), 'csv.gz'));
  expect(values(get(table, 'B'))).toEqual([2.5, -300, 0.5]);
});

test('the layout of FRED-MD is recognised, with its codes', async () => {
  const content = 'sasdate,RPI,FEDFUNDS\nTransform:,5,2\n1/1/1959,2437.2,2.48\n2/1/1959,2446.9,2.43\n,,\n';
  const table = await readTable(file(content));
  expect(table.format).toBe('fredmd');
  expect(Object.fromEntries(table.transformCodes)).toEqual({ RPI: 5, FEDFUNDS: 2 });
  expect(dates(get(table, 'FEDFUNDS'))).toEqual(['1959-01-31', '1959-02-28']);
});

test("the first monthly table of a file of Kenneth French's is read, -99.99 missing", async () => {
  const content =
    'Made up for this test, with a comma\n\n  Average Value Weighted Returns -- Monthly\n,Agric,Food\n192607,  2.37,  .12\n' +
    '192608,  2.23, -99.99\n192609,  -.57, 1\n\n  Annual\n,Agric,Food\n1927,1,2\n';
  const table = await readTable(file(content));
  expect(table.format).toBe('french');
  expect(dates(get(table, 'Food'))).toEqual(['1926-07-31', '1926-08-31', '1926-09-30']);
  expect(values(get(table, 'Food'))).toEqual([0.12, Number.NaN, 1]);
});

test("Goyal and Welch's predictors by month and by quarter, thousands and missing values as they write them", async () => {
  const header = 'Index,D12,E12,b/m,tbl,svar';
  const monthly = `yyyymm,${header}\n202001,"3,225.52",58.7,139.5,.23,.0152,NaN\n202002,"2,954.22",59.1,138.1,.24,.0152,.01\n`;
  const table = await readTable(file(monthly));
  expect(table.format).toBe('goyal_welch');
  expect(values(get(table, 'Index'))).toEqual([3225.52, 2954.22]);
  expect(values(get(table, 'svar'))).toEqual([Number.NaN, 0.01]);
  const quarterly = await readTable(file(`yyyyq,${header}\n19524,1,2,3,4,5,6\n19531,1,2,3,4,5,6\n19532,1,2,3,4,5,6\n`));
  expect(dates(get(quarterly, 'b/m'))).toEqual(['1952-12-31', '1953-03-31', '1953-06-30']);
});

test('a Parquet file of 4,000 columns is read at a cost that grows with the columns, not with their square', async () => {
  const count = 4_000;
  const columnData = [
    { name: 'date', data: monthEnds('2020-01', 3) },
    ...Array.from({ length: count }, (_, j) => ({ name: `S${j}`, data: [j, null, j + 0.5] })),
  ];
  const { series } = await readTable(file(Buffer.from(parquetWriteBuffer({ columnData }))));
  expect([...series.values()].map(({ name, values }) => [name, ...values])).toEqual(
    Array.from({ length: count }, (_, j) => [`S${j}`, j, Number.NaN, j + 0.5]),
  );
}, 60_000);

test.each(['wide.parquet', 'wide_gzip.parquet', 'long.parquet', 'wide.arrow', 'long.arrows'])(
  '%s as pandas writes it reads like the csv',
  async (name) => {
    const table = await readTable(join(import.meta.dirname, 'golden', name));
    expect(table.format).toBe(name.startsWith('long') ? 'long' : 'wide');
    expect(dates(get(table, 'B'))).toEqual(['2020-01-31', '2020-02-29', '2020-03-31', '2020-04-30']);
    expect(values(get(table, 'A'))).toEqual([1, 2, 3, 4]);
    expect(values(get(table, 'B'))).toEqual([0.5, Number.NaN, -300, 0.1]);
  },
);
