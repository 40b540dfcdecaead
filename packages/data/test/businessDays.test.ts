import { expect, test } from 'vitest';
import { buildFactorPanel, buildPanel, type PanelSpec } from '../src/index.js';
import { file, table } from './files.js';
import { assetColumn, factorColumnOf, panelDates } from './numbers.js';

// Good Friday and Easter Monday of 2021 are 2 and 5 April, in a week that begins with 29 March.
const HOLIDAYS = ['2021-04-02', '2021-04-05'];
const DAYS = ['2021-03-29', '2021-03-30', '2021-03-31', '2021-04-01', '2021-04-06', '2021-04-08', '2021-04-09'];

const levels = (days: readonly string[] = DAYS) =>
  table(
    ['date', 'X', 'Y'],
    days.map((day, i) => [day, i * i, 100 + i]),
  );
const build = (extra: Partial<PanelSpec>, path = levels()) =>
  buildFactorPanel({ factors: [{ file: path, series: { X: { column: 'X', transform: 'diff' } } }], ...extra });

test('a holiday is no gap, a weekday without a row is one, and no change is computed across it', async () => {
  const { inputs, notes } = await build({ calendar: { holidays: HOLIDAYS } });
  // 7 April has no row: it is missing, and so is the change to 8 April.
  expect(factorColumnOf(inputs, 'X')).toEqual([Number.NaN, 1, 3, 5, 7, Number.NaN, Number.NaN, 11]);
  expect(notes.join()).toContain(
    '1 business days of the calendar have no row and count as missing (the first 2021-04-07)',
  );
});

test('without a calendar the days of the file are the days', async () => {
  const { inputs } = await build({});
  expect(factorColumnOf(inputs, 'X')).toEqual([Number.NaN, 1, 3, 5, 7, 9, 11]);
});

test('holidays come from a file, with or without a header', async () => {
  const wanted = (await build({ calendar: { holidays: HOLIDAYS } })).inputs.values;
  for (const content of [
    `${HOLIDAYS.join('\n')}\n`,
    `name,holiday\nGood Friday,${HOLIDAYS[0]}\nMonday,${HOLIDAYS[1]}\n`,
  ]) {
    expect((await build({ calendar: { holidays: file(content) } })).inputs.values).toEqual(wanted);
  }
});

test('values on days off are left out and told, empty cells there are nothing to tell', async () => {
  const path = file('date,X\n2021-04-01,1\n2021-04-02,2\n2021-04-05,\n2021-04-06,5\n2021-04-07,7\n');
  const { inputs, notes } = await build({ calendar: { holidays: HOLIDAYS } }, path);
  expect(factorColumnOf(inputs, 'X')).toEqual([Number.NaN, 4, 2]);
  expect(notes.join()).toContain('1 rows with values on days off by the calendar are left out (the first 2021-04-02)');
});

test('a week that ends with a holiday is complete by the calendar, one that lacks a business day is not', async () => {
  const weekly = async (days: readonly string[], holidays: readonly string[]) => {
    const factors = [{ file: levels(days), series: { X: { column: 'X' } } }];
    const { inputs } = await build({ factors, frequency: 'W', calendar: { holidays } });
    return inputs.axis.dates.length;
  };
  const before = ['2021-03-22', '2021-03-23', '2021-03-24', '2021-03-25', '2021-03-26'];
  expect(await weekly([...before, ...DAYS.slice(0, 4)], HOLIDAYS)).toBe(2);
  expect(await weekly([...before, ...DAYS.slice(0, 4)], ['2021-12-27'])).toBe(1);
});

test('returns of prices stand on business days alone, and a price that is absent takes both of its returns', async () => {
  const { panel } = await buildPanel({
    factors: [{ file: levels(), series: { X: { column: 'X' } } }],
    assets: [{ file: levels(), columns: ['Y'], values: 'prices' }],
    calendar: { holidays: HOLIDAYS },
  });
  expect(panelDates(panel)).toEqual([
    '2021-03-30',
    '2021-03-31',
    '2021-04-01',
    '2021-04-06',
    '2021-04-07',
    '2021-04-08',
    '2021-04-09',
  ]);
  expect(assetColumn(panel, 'Y').map(Number.isNaN)).toEqual([false, false, false, false, true, true, false]);
});

test('monthly data have no business days', async () => {
  const path = table(
    ['date', 'X'],
    [
      ['2021-01-31', 1],
      ['2021-02-28', 4],
      ['2021-03-31', 9],
    ],
  );
  const { inputs, notes } = await build({ calendar: { holidays: HOLIDAYS } }, path);
  expect(factorColumnOf(inputs, 'X')).toEqual([Number.NaN, 3, 5]);
  expect(notes).toEqual([]);
});

test('a calendar that ends before the data is told', async () => {
  const { notes } = await build({ calendar: { holidays: ['2019-12-25'] } });
  expect(notes.join()).toContain('the last holiday of the calendar, 2019-12-25, lies over a year before the last row');
});

test.each([
  ['a day that is none', ['2021-02-30'], '"2021-02-30" among the holidays is not a day; write YYYY-MM-DD'],
  ['a word among days', file('date\n2021-04-02\nEaster\n'), ':3:1: "Easter" is not a day; write YYYY-MM-DD'],
  ['a header alone', file('date\n'), 'there is no holiday in this file'],
])('%s: refused', async (_, holidays, message) => {
  await expect(build({ calendar: { holidays } })).rejects.toThrow(message);
});
