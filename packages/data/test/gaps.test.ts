import { expect, test } from 'vitest';
import { buildFactorPanel, buildPanel, type SeriesSpec } from '../src/index.js';
import { file, monthEnds, table } from './files.js';
import { factorColumnOf } from './numbers.js';

const MONTHS = monthEnds('2025-07', 8);
const NONE = Number.NaN;
// As in October 2025, when nobody counted prices; the last two months are not out yet.
const PRICES = [100, 101, 102, '', 104, 106, '', ''] as const;
const macro = table(
  ['date', 'CPI', 'SURVEY', 'RATE'],
  MONTHS.map((day, t) => [day, PRICES[t], t === 1 ? '' : t / 4, t]),
);
const build = async (spec: SeriesSpec, extra: object = {}) =>
  factorColumnOf((await buildFactorPanel({ factors: [{ file: macro, series: { X: spec } }], ...extra })).inputs, 'X');

test('by default a hole stays missing, and so do the changes across it', async () => {
  expect(await build({ column: 'CPI', transform: 'diff' })).toEqual([NONE, 1, 1, NONE, NONE, 2, NONE, NONE]);
});

test('carried, the change is none in the hole and whole after it; after the last value the same holds', async () => {
  const spec = { column: 'CPI', transform: 'diff', gaps: 'carry' } as const;
  // The file's last two months are carried to; the panel does not go beyond the file.
  expect(await build(spec)).toEqual([NONE, 1, 1, 0, 2, 2, 0, 0]);
  const { inputs } = await buildFactorPanel({ factors: [{ file: macro, series: { X: spec } }] });
  expect(inputs.factors[0].transform).toBe('gaps carried, diff');
});

test('nothing is carried for more than three periods', async () => {
  const path = table(
    ['date', 'A'],
    monthEnds('2020-01', 8).map((day, t) => [day, t === 0 || t === 7 ? t : '']),
  );
  const { inputs } = await buildFactorPanel({
    factors: [{ file: path, series: { A: { column: 'A', gaps: 'carry' } } }],
  });
  expect(factorColumnOf(inputs, 'A')).toEqual([0, 0, 0, 0, NONE, NONE, NONE, 7]);
});

test('what is carried at a date does not depend on whether a value came later', async () => {
  const rows = MONTHS.map((day, t) => `${day},${PRICES[t]}`);
  const returns = table(
    ['date', 'A'],
    MONTHS.map((day, t) => [day, t / 100]),
  );
  const at = async (count: number) => {
    const path = file(['date,CPI', ...rows.slice(0, count)].join('\n'));
    const factors = [{ file: path, series: { X: { column: 'CPI', transform: 'diff', gaps: 'carry' } } }] as const;
    const { panel } = await buildPanel({ factors, assets: [{ file: returns }] });
    return factorColumnOf(panel.inputs, 'X');
  };
  const whole = await at(8);
  // The first month has no change and is left out; the third of the others is the hole.
  expect(whole.slice(0, 4)).toEqual([1, 1, 0, 2]);
  expect((await at(3)).slice(0, 3)).toEqual(whole.slice(0, 3));
  expect((await at(5)).slice(0, 4)).toEqual(whole.slice(0, 4));
});

test('a surprise against a consensus of the same file, or of another', async () => {
  const surprise = { consensus: 'SURVEY' };
  const wanted = [NONE, NONE, 1 - 0.5, NONE, NONE, 2 - 1.25, NONE, NONE];
  expect(await build({ column: 'CPI', transform: 'diff', surprise })).toEqual(wanted);
  const other = table(
    ['date', 'E'],
    MONTHS.map((day, t) => [day, t === 1 ? '' : t / 4]),
  );
  const spec = { column: 'CPI', transform: 'diff', surprise: { consensus: 'E', file: other } } as const;
  expect(await build(spec)).toEqual(wanted);
  const { inputs } = await buildFactorPanel({ factors: [{ file: macro, series: { X: spec } }] });
  expect(inputs.factors[0].transform).toBe('diff, surprise against E');
});

test('under available the surprise is known when the series is', async () => {
  const spec = { column: 'CPI', transform: 'diff', surprise: { consensus: 'SURVEY' }, releaseLag: 1 } as const;
  expect((await build(spec, { timing: 'available' }))[3]).toBe(0.5);
});

const quarters = table(
  ['date', 'E'],
  [
    ['2025-09-30', 1],
    ['2025-12-31', 2],
    ['2026-03-31', 2],
  ],
);
const daily = table(
  ['date', 'D'],
  ['2025-07-01', '2025-07-02', '2025-07-03'].map((day, t) => [day, t]),
);
const calendar = file('series,date,released\nCPI,2025-07-31,2025-08-12\n');
test.each([
  [
    'a consensus by other periods',
    { file: macro },
    { column: 'CPI', surprise: { consensus: 'E', file: quarters } },
    'CPI has frequency M, its consensus E Q; give both',
  ],
  [
    'a consensus that is not there',
    { file: macro },
    { column: 'CPI', surprise: { consensus: 'SURVEYS' } },
    'no column "SURVEYS" (wanted for the surprise of X)',
  ],
  [
    'carried gaps under a calendar of releases',
    { file: macro, releases: calendar },
    { column: 'CPI', gaps: 'carry' },
    '`gaps: carry`, but what was known by then decides',
  ],
  [
    'carried gaps of days without a calendar',
    { file: daily },
    { column: 'D', gaps: 'carry' },
    'D is daily, and without a `calendar` its gaps are unknown',
  ],
] as const)('%s: refused', async (_, source, spec, message) => {
  const factors = [{ ...source, series: { X: spec } }];
  await expect(buildFactorPanel({ factors, timing: 'available' })).rejects.toThrow(message);
});
