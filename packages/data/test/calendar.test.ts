import { expect, test } from 'vitest';
import { buildFactorPanel } from '../src/index.js';
import { file, monthEnds, table } from './files.js';
import { factorColumnOf } from './numbers.js';

const MONTHS = monthEnds('2020-01', 6);
const macro = table(
  ['date', 'CPI', 'RATE'],
  MONTHS.map((day, t) => [day, 10 * (t + 1), t + 1]),
);
const build = async (releases: string, timing: 'available' | 'reference' = 'available') => {
  const series = {
    CPI: { column: 'CPI' },
    MOVE: { column: 'CPI', transform: 'diff' },
    RATE: { column: 'RATE' },
  } as const;
  return (await buildFactorPanel({ factors: [{ file: macro, releases: file(releases), series }], timing })).inputs;
};

// February comes late, together with March; May before its month ends.
const CALENDAR = `series,date,released
CPI,2020-01-01,2020-02-13
CPI,2020-02-01,2020-04-10
CPI,2020-03-01,2020-04-10
CPI,2020-04-01,2020-05-12
CPI,2020-05-01,2020-05-30
`;

test('every row shows the newest value released by then, changes too; series outside the calendar are as before', async () => {
  const inputs = await build(CALENDAR);
  expect(factorColumnOf(inputs, 'CPI')).toEqual([Number.NaN, 10, 10, 30, 50, 50]);
  expect(factorColumnOf(inputs, 'MOVE')).toEqual([Number.NaN, Number.NaN, Number.NaN, 10, 10, 10]);
  expect(factorColumnOf(inputs, 'RATE')).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a later entry changes no earlier row', async () => {
  const late = await build(`${CALENDAR}CPI,2020-06-01,2021-12-31\n`);
  expect(factorColumnOf(late, 'CPI').slice(0, 5)).toEqual([Number.NaN, 10, 10, 30, 50]);
});

test('under reference the calendar has no part', async () => {
  expect(factorColumnOf(await build(CALENDAR, 'reference'), 'CPI')).toEqual([10, 20, 30, 40, 50, 60]);
});

test.each([
  ['other columns', 'a,b,c\n1,2,3\n', 'this is no calendar of releases; name its columns series, date and released'],
  ['a day that is none', 'series,date,released\nCPI,2020-01-01,soon\n', ':2:16: "soon" is not a day'],
  ['a release before its period', 'series,date,released\nCPI,2020-02-01,2020-01-15\n', 'comes before its period'],
])('%s: refused', async (_, text, message) => {
  await expect(build(text)).rejects.toThrow(message);
});
