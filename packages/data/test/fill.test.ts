import { formatIsoDate } from '@macrograd/core';
import { describe, expect, test } from 'vitest';
import { buildFactorPanel, type FillSpec, type LongValues, type SeriesSpec } from '../src/index.js';
import { monthEnds, table } from './files.js';
import { factorColumnOf } from './numbers.js';

const MONTHS = monthEnds('2020-01', 18);
const QUARTERS = MONTHS.filter((_, month) => month % 3 === 2);

/** A path that shows what it was given: the newest long value, plus the last indicator, plus a tenth a period since. */
function shown({ lengths, values, beyond, indicator }: LongValues): Float64Array {
  const short = lengths.reduce((sum, length) => sum + length, 0) + beyond;
  const newest = values[values.length - 1] + (indicator?.[short - 1] ?? 0);
  return Float64Array.from({ length: short }, (_, t) => newest + 0.1 * (t - (short - 1 - beyond)));
}

const fill: FillSpec = { label: 'Test', isTwoSided: false, path: shown };
const quarterly = (values: readonly (number | '')[]) =>
  table(
    ['date', 'GDP'],
    QUARTERS.map((day, q) => [day, values[q]]),
  );
const monthly = (values: readonly (number | '')[]) =>
  table(
    ['date', 'IP'],
    MONTHS.map((day, t) => [day, values[t]]),
  );
const numbers = [100, 200, 300, 400, 500, 600];
const guide = MONTHS.map((_, t) => t * 1000);

const panelOf = (spec: SeriesSpec, values: readonly (number | '')[] = numbers, timing?: 'available') =>
  buildFactorPanel({
    factors: [
      { file: quarterly(values), series: { GDP: { column: 'GDP', ...spec } } },
      { file: monthly(guide), series: { IP: { column: 'IP', transform: 'diff' } } },
    ],
    frequency: 'M',
    ...(timing ? { timing } : {}),
  });

const column = async (...args: Parameters<typeof panelOf>) =>
  [...factorColumnOf((await panelOf(...args)).inputs, 'GDP')].map((x) => (Number.isNaN(x) ? '' : Number(x.toFixed(3))));

describe('a fill that is one-sided', () => {
  test('is at every month the end of the path that this month could draw', async () => {
    const wanted = ['', '', 100, 100.1, 100.2, 200, 200.1, 200.2, 300, 300.1, 300.2, 400, 400.1, 400.2, 500, 500.1];
    expect((await column({ fill })).slice(0, 16)).toEqual(wanted);
  });

  test('takes changes within one path, and not from one path to the next', async () => {
    const values = await column({ fill, transform: 'diff' });
    expect(values.slice(3, 12)).toEqual(Array(9).fill(0.1));
  });

  test('follows its indicator as it was before its transform, up to the month alone', async () => {
    const values = await column({ fill: { ...fill, indicator: 'IP' } });
    expect(values.slice(2, 6)).toEqual([2100, 3100.1, 4100.2, 5200]);
  });

  test('stands a release lag later under available, and may not follow what is published later than itself', async () => {
    const values = await column({ fill, releaseLag: 2 }, numbers, 'available');
    expect(values.slice(3, 8)).toEqual(['', 100, 100.1, 100.2, 200]);
    const late = buildFactorPanel({
      factors: [
        { file: quarterly(numbers), series: { GDP: { column: 'GDP', fill: { ...fill, indicator: 'IP' } } } },
        { file: monthly(guide), series: { IP: { column: 'IP', releaseLag: 1 } } },
      ],
      frequency: 'M',
      timing: 'available',
    });
    await expect(late).rejects.toThrow('the indicator IP of GDP is published later than the series that it fills');
  });

  test('is missing from the end of a quarter whose value did not come', async () => {
    const values = await column({ fill }, [100, '', 300, 400, 500, 600]);
    expect(values.slice(2, 9)).toEqual([100, 100.1, 100.2, '', '', '', 300]);
  });
});

describe('a fill that is two-sided', () => {
  const flat: FillSpec = {
    label: 'Flat',
    isTwoSided: true,
    path: ({ lengths, values }) => Float64Array.from([...lengths].flatMap((n, q) => Array(n).fill(values[q]))),
  };

  test('gives every month of a quarter its part, from the first month on, and says that it is two-sided', async () => {
    const { inputs } = await panelOf({ fill: flat, transform: 'diff' });
    const months = [...factorColumnOf(inputs, 'GDP')];
    expect(months.slice(1, 7)).toEqual([0, 0, 100, 0, 0, 100]);
    expect(inputs.factors[0].transform).toBe('fill by Flat (two-sided), diff');
  });

  test('is refused under available', async () => {
    await expect(panelOf({ fill: flat }, numbers, 'available')).rejects.toThrow(
      'the fill of GDP (Flat) is two-sided: its value at t depends on values after t',
    );
  });
});

test.each([
  ['nothing to fill', { factors: { IP: { column: 'IP', fill } } }, 'IP has a value every period of the panel already'],
  [
    'no such indicator',
    { gdp: { fill: { ...fill, indicator: 'X' } } },
    'the indicator X of GDP is no series of the config',
  ],
] as const)('%s: refused', async (_, { factors, gdp }: { factors?: object; gdp?: object }, message) => {
  const specs = [
    { file: quarterly(numbers), series: { GDP: { column: 'GDP', ...gdp } } },
    { file: monthly(guide), series: { ...(factors ?? { IP: { column: 'IP' } }) } },
  ];
  await expect(buildFactorPanel({ factors: specs, frequency: 'M' })).rejects.toThrow(message);
});

test('weeks belong to the quarter in which they end', async () => {
  const seen: LongValues[] = [];
  const watched: FillSpec = {
    label: 'Watched',
    isTwoSided: true,
    path: (long) => {
      seen.push(long);
      return new Float64Array(long.lengths.reduce((a, b) => a + b, 0)).fill(1);
    },
  };
  const file = quarterly(numbers);
  const { inputs } = await buildFactorPanel({
    factors: [{ file, series: { GDP: { column: 'GDP', fill: watched } } }],
    frequency: 'W',
  });
  expect([...seen[0].lengths].every((n) => n === 13 || n === 14)).toBe(true);
  expect([...inputs.axis.dates].map(formatIsoDate)[0]).toBe('2020-01-03');
});
