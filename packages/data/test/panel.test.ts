import { formatIsoDate } from '@macrograd/core';
import { describe, expect, test } from 'vitest';
import { type AssetFileSpec, buildFactorPanel, buildPanel, describePanel, type FactorFileSpec } from '../src/index.js';
import { monthEnds, table } from './files.js';
import { assetColumn, factorColumn, factorColumnOf, panelDates } from './numbers.js';

/** Decimal arithmetic of a few operations on numbers near 1. */
const DIGITS = 12;

const MONTHS = monthEnds('2000-01', 12);
const GROWING = MONTHS.map((_, i) => i + 1);

/** A monthly file of columns X = 1, 2, ... and Y = 10, 20, ... */
function monthlyFactors(series: FactorFileSpec['series']): FactorFileSpec {
  return {
    file: table(
      ['date', 'X', 'Y'],
      GROWING.map((x, i) => [MONTHS[i], x, 10 * x]),
    ),
    series,
  };
}

/** A monthly file of two assets, A = .01, .02, ... and B half of it from the fourth month. */
function monthlyAssets(extra: Partial<AssetFileSpec> = {}): AssetFileSpec {
  const rows = GROWING.map((x, i) => [MONTHS[i], x / 100, i < 3 ? '' : x / 200]);
  return { file: table(['date', 'A', 'B'], rows), ...extra };
}

const LEVELS = { X: { column: 'X' }, Y: { column: 'Y', transform: 'diff' } } as const;

test('factors and returns meet on one axis, missing starts stay missing', async () => {
  const { panel } = await buildPanel({ factors: [monthlyFactors(LEVELS)], assets: [monthlyAssets()] });
  expect(panelDates(panel)).toEqual(MONTHS);
  expect(factorColumn(panel, 'X')).toEqual(GROWING);
  expect(factorColumn(panel, 'Y')).toEqual([Number.NaN, ...new Array(11).fill(10)]);
  expect(assetColumn(panel, 'A')).toEqual(GROWING.map((x) => x / 100));
  expect(assetColumn(panel, 'B').slice(0, 4)).toEqual([Number.NaN, Number.NaN, Number.NaN, 0.02]);
});

test('a span cuts the rows after transforms, so that the first row has its change', async () => {
  const span = { start: '2000-03', end: '2000-05' };
  const { panel } = await buildPanel({ factors: [monthlyFactors(LEVELS)], assets: [monthlyAssets()], span });
  expect(panelDates(panel)).toEqual(['2000-03-31', '2000-04-30', '2000-05-31']);
  expect(factorColumn(panel, 'Y')).toEqual([10, 10, 10]);
});

test('rows at the ends without any return are left out', async () => {
  const rows = MONTHS.map((day, i) => [day, i < 2 || i > 8 ? '' : 0.01, i < 4 || i > 7 ? '' : 0.02]);
  const assets = [{ file: table(['date', 'A', 'B'], rows) }];
  const { panel } = await buildPanel({ factors: [monthlyFactors(LEVELS)], assets });
  expect([panelDates(panel)[0], panelDates(panel).at(-1)]).toEqual([MONTHS[2], MONTHS[8]]);
});

test('under available a value enters its release lag later, from before the span where it was known then', async () => {
  const series = { X: { column: 'X', releaseLag: 2 }, Y: { column: 'Y' } };
  const spec = { factors: [monthlyFactors(series)], assets: [monthlyAssets()], horizon: 0 };
  const { panel } = await buildPanel({ ...spec, timing: 'available', span: { start: '2000-03' } });
  expect(factorColumn(panel, 'X')).toEqual(GROWING.slice(0, 10));
  expect(factorColumn(panel, 'Y')).toEqual(GROWING.slice(2).map((x) => 10 * x));
});

test('a horizon compounds the returns of the periods after, and keeps the rows whose returns lie ahead', async () => {
  const { panel } = await buildPanel({ factors: [monthlyFactors(LEVELS)], assets: [monthlyAssets()], horizon: 2 });
  const a = assetColumn(panel, 'A');
  expect(a[0]).toBeCloseTo(1.02 * 1.03 - 1, DIGITS);
  expect(a[9]).toBeCloseTo(1.11 * 1.12 - 1, DIGITS);
  expect(a.slice(10)).toEqual([Number.NaN, Number.NaN]);
});

test('available without a horizon means the return of the period after', async () => {
  const spec = { factors: [monthlyFactors(LEVELS)], assets: [monthlyAssets()], timing: 'available' } as const;
  expect((await buildPanel(spec)).panel.horizon).toBe(1);
});

test('a quarterly value is carried from its quarter end to the month before the next, then missing', async () => {
  const quarterly = table(
    ['date', 'Q', 'R'],
    [
      ['2000-03-31', 1, 9],
      ['2000-06-30', 2, 8],
      ['2000-09-30', 3, 7],
    ],
  );
  const factors = [monthlyFactors(LEVELS), { file: quarterly, series: { Q: { column: 'Q', releaseLag: 1 } } }];
  const spec = { factors, assets: [monthlyAssets()], horizon: 0 };
  const reference = (await buildPanel(spec)).panel;
  expect(factorColumn(reference, 'Q').map((x) => x || 0)).toEqual([0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0]);
  const available = (await buildPanel({ ...spec, timing: 'available' })).panel;
  expect(factorColumn(available, 'Q').map((x) => x || 0)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
});

test('a quarterly series is transformed between quarters, not between months', async () => {
  const quarterly = table(
    ['date', 'Q', 'R'],
    [
      ['2000-03-31', 1, 9],
      ['2000-06-30', 4, 8],
      ['2000-09-30', 9, 7],
    ],
  );
  const factors = [
    monthlyFactors(LEVELS),
    { file: quarterly, series: { Q: { column: 'Q', transform: 'diff' } } },
  ] as const;
  const { panel } = await buildPanel({ factors, assets: [monthlyAssets()] });
  expect(factorColumn(panel, 'Q').map((x) => x || 0)).toEqual([0, 0, 0, 0, 0, 3, 3, 3, 5, 5, 5, 0]);
});

/** Weekdays of January to March 2020 up to a last day. */
function weekdays(last: string): string[] {
  const days: string[] = [];
  for (let time = Date.UTC(2020, 0, 1); time <= Date.parse(last); time += 86_400_000) {
    const date = new Date(time);
    if (date.getUTCDay() % 6 !== 0) days.push(date.toISOString().slice(0, 10));
  }
  return days;
}

test('daily prices give month-end returns; a month that the file breaks off in is left out', async () => {
  const days = weekdays('2020-03-18');
  const prices = table(
    ['date', 'P', 'Q'],
    days.map((day, i) => [day, 100 + i, 50 + i]),
  );
  const factor = table(
    ['date', 'X', 'Y'],
    monthEnds('2019-12', 6).map((day, i) => [day, i, i]),
  );
  const factors = [{ file: factor, series: { X: { column: 'X' } } }];
  const { panel } = await buildPanel({ factors, assets: [{ file: prices, values: 'prices' }] });
  const january = days.findLastIndex((day) => day < '2020-02');
  const february = days.findLastIndex((day) => day < '2020-03');
  expect(panelDates(panel)).toEqual(['2020-02-29']);
  expect(assetColumn(panel, 'P')[0]).toBeCloseTo((100 + february) / (100 + january) - 1, DIGITS);
});

test('a daily series enters a monthly panel by its last value or its mean, before the transform', async () => {
  const days = weekdays('2020-03-31');
  const daily = table(
    ['date', 'D', 'E'],
    days.map((day) => [day, Number(day.slice(5, 7)) * 100 + Number(day.slice(8)), 1]),
  );
  const months = ['2020-01-31', '2020-02-29', '2020-03-31'];
  const assets = [
    {
      file: table(
        ['date', 'A', 'B'],
        months.map((day) => [day, 0.01, 0.02]),
      ),
    },
  ];
  const series = { D: { column: 'D', transform: 'diff' } } as const;
  const last = await buildPanel({ factors: [{ file: daily, series }], assets });
  expect(factorColumn(last.panel, 'D')).toEqual([228 - 131, 331 - 228]);
  const mean = await buildPanel({
    factors: [{ file: daily, series: { D: { column: 'D' } }, aggregate: 'mean' }],
    assets,
  });
  const january = days.filter((day) => day.startsWith('2020-01')).map((day) => 100 + Number(day.slice(8)));
  expect(factorColumn(mean.panel, 'D')[0]).toBeCloseTo(january.reduce((a, b) => a + b) / january.length, DIGITS);
});

test('a daily series is summed or compounded, where asked for', async () => {
  const days = weekdays('2020-03-31');
  const rows = days.map((day) => [day, 0.01, 0.01]);
  const factors = [
    { file: table(['date', 'S', 'Z'], rows), aggregate: 'sum', series: { S: { column: 'S' } } },
    { file: table(['date', 'C', 'Z'], rows), aggregate: 'compounded', series: { C: { column: 'C' } } },
  ] as const;
  const { inputs } = await buildFactorPanel({ factors, frequency: 'M' });
  const count = days.filter((day) => day.startsWith('2020-02')).length;
  expect(factorColumnOf(inputs, 'S')[1]).toBeCloseTo(0.01 * count, DIGITS);
  expect(factorColumnOf(inputs, 'C')[1]).toBeCloseTo(1.01 ** count - 1, DIGITS);
});

test('daily returns are compounded over the month', async () => {
  const days = weekdays('2020-02-28');
  const daily = table(
    ['date', 'A', 'B'],
    days.map((day) => [day, 0.01, -0.01]),
  );
  const factor = table(
    ['date', 'X', 'Y'],
    monthEnds('2020-01', 3).map((day, i) => [day, i, i]),
  );
  const factors = [{ file: factor, series: { X: { column: 'X' } } }];
  const { panel } = await buildPanel({ factors, assets: [{ file: daily, unit: 'decimal' }] });
  const inJanuary = days.filter((day) => day < '2020-02').length;
  expect(assetColumn(panel, 'B')[0]).toBeCloseTo(0.99 ** inJanuary - 1, DIGITS);
});

test('weekly assets make a weekly panel, in which monthly values are carried', async () => {
  const weeks = ['2020-01-24', '2020-01-31', '2020-02-07', '2020-02-28', '2020-03-06'];
  const full = ['2020-01-24', '2020-01-31', '2020-02-07', '2020-02-14', '2020-02-21', '2020-02-28', '2020-03-06'];
  const assets = [
    {
      file: table(
        ['date', 'A', 'B'],
        full.map((day) => [day, 0.01, 0.02]),
      ),
    },
  ];
  const monthly = table(
    ['date', 'X', 'Y'],
    monthEnds('2020-01', 3).map((day, i) => [day, i + 1, 0]),
  );
  const daily = table(
    ['date', 'D', 'E'],
    weekdays('2020-03-06').map((day) => [day, 7, 0]),
  );
  const factors = [
    { file: monthly, series: { X: { column: 'X' } } },
    { file: daily, series: { D: { column: 'D' } } },
  ];
  const { panel } = await buildPanel({ factors, assets, frequency: 'W' });
  expect(panelDates(panel)).toEqual(full);
  expect(factorColumn(panel, 'X')).toEqual([Number.NaN, 1, 1, 1, 1, 1, 2]);
  expect(factorColumn(panel, 'D')).toEqual(full.map(() => 7));
  expect(weeks.every((week) => full.includes(week))).toBe(true);
});

describe('five frequencies on one calendar', () => {
  const days = Array.from({ length: 1096 }, (_, i) => new Date(Date.UTC(2000, 0, 1 + i)));
  const iso = (day: Date) => day.toISOString().slice(0, 10);
  const next = (day: Date) => new Date(day.getTime() + 86_400_000);
  const ends = {
    D: days.filter((day) => day.getUTCDay() % 6 !== 0),
    W: days.filter((day) => day.getUTCDay() === 5),
    M: days.filter((day) => next(day).getUTCDate() === 1),
    Q: days.filter((day) => next(day).getUTCDate() === 1 && next(day).getUTCMonth() % 3 === 0),
    A: days.filter((day) => next(day).getUTCDate() === 1 && next(day).getUTCMonth() === 0),
  };
  const factors = Object.entries(ends).map(([name, dates]) => ({
    file: table(
      ['date', name, 'other'],
      dates.map((day, i) => [iso(day), i + 1, 0]),
    ),
    series: { [name]: { column: name } },
  }));

  test.each(['D', 'W', 'M', 'Q', 'A'] as const)(
    'frequency %s: each row has the newest value of every one',
    async (f) => {
      const { inputs } = await buildFactorPanel({ factors, frequency: f });
      // A week that lies in two years is complete by its days alone.
      const rows = Array.from(inputs.axis.dates, formatIsoDate).filter((text) => text < '2003');
      expect(rows).toEqual(ends[f].map(iso));
      for (const [name, dates] of Object.entries(ends)) {
        const known = dates.map(iso);
        const wanted = rows.map((row) => known.filter((day) => day <= row).length || Number.NaN);
        expect(factorColumnOf(inputs, name).slice(0, rows.length)).toEqual(wanted);
      }
    },
  );
});

test('factors alone make a factor panel', async () => {
  const { inputs } = await buildFactorPanel({ factors: [monthlyFactors(LEVELS)], span: { end: '2000-06' } });
  expect(inputs.factors.map(({ name, unit, transform }) => [name, unit, transform])).toEqual([
    ['X', 'unit', 'none'],
    ['Y', 'unit', 'diff'],
  ]);
  expect(inputs.axis.dates).toHaveLength(6);
});

test('the description counts what is there, what is missing and what is complete', async () => {
  const { panel } = await buildPanel({ factors: [monthlyFactors(LEVELS)], assets: [monthlyAssets()] });
  const { series, assets, ...facts } = describePanel(panel);
  expect(facts).toEqual({ frequency: 'M', rows: 12, first: MONTHS[0], last: MONTHS[11], horizon: 0, completeRows: 11 });
  expect(series[1]).toMatchObject({ name: 'Y', first: MONTHS[1], observed: 11, gaps: 0, min: 10, max: 10, sd: 0 });
  expect(assets[1]).toMatchObject({
    name: 'B',
    first: MONTHS[3],
    last: MONTHS[11],
    observed: 9,
    labels: ['not excess'],
  });
});

test.each([
  ['a column that is not there', { Z: { column: 'XX' } }, 'there is no column "XX" (wanted for Z); did you mean "X"?'],
  ['neither column nor expression', { Z: {} }, 'the series Z needs either a column or an expr'],
  ['a unit that contradicts', { Z: { column: 'X', transform: 'dlog', unit: 'pp' } }, 'dlog gives log-%, not pp'],
  ['an expression without columns', { Z: { expr: '1 + 1' } }, "the expr of Z can't be computed: there is no column"],
] as const)('%s: refused', async (_, series, message) => {
  const spec = { factors: [monthlyFactors(series)], assets: [monthlyAssets()] };
  await expect(buildPanel(spec)).rejects.toThrow(message);
});

test('spans, horizons and files that leave nothing: refused', async () => {
  const spec = { factors: [monthlyFactors(LEVELS)], assets: [monthlyAssets()] };
  await expect(buildPanel({ ...spec, span: { start: '2001', end: '2000' } })).rejects.toThrow('"2001" in the span');
  await expect(buildPanel({ ...spec, span: { start: '2001-01' } })).rejects.toThrow('holds no date');
  await expect(buildPanel({ ...spec, span: { start: '2001-01', end: '2002-01' } })).rejects.toThrow('has no value');
  await expect(buildPanel({ ...spec, horizon: 1.5 })).rejects.toThrow('the horizon is 1.5');
  await expect(buildPanel({ factors: [], assets: [] })).rejects.toThrow('neither a factor nor an asset');
  const twice = [monthlyFactors(LEVELS), monthlyFactors(LEVELS)];
  await expect(buildPanel({ ...spec, factors: twice })).rejects.toThrow('two series are called "X"');
});
