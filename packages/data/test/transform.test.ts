import { dayNumber, type Frequency, InputError, periodEnd, type TransformId } from '@macrograd/core';
import { expect, test } from 'vitest';
import type { Series } from '../src/index.js';
import { transformSeries } from '../src/transform.js';

/** Numbers below are exact to a few units in the last place; 100 ln and ratios round once or twice. */
const ROUNDING = 1e-11;

function series(values: readonly number[], frequency: Frequency, absent: readonly number[] = []): Series {
  const dates: number[] = [];
  let date = periodEnd(dayNumber(2000, 1, 31), frequency);
  for (let i = 0; i < values.length + absent.length; i++) {
    if (!absent.includes(i)) dates.push(date);
    date = periodEnd(date + 1, frequency);
  }
  const lines = Int32Array.from(values, (_, i) => i + 2);
  return { name: 'X', frequency, dates: Int32Array.from(dates), values: Float64Array.from(values), lines };
}

function expectTransform(source: Series, transform: TransformId, expected: readonly number[]): void {
  const { values } = transformSeries(source, transform, 'TEST', 'x.csv');
  expect(values).toHaveLength(expected.length);
  expected.forEach((value, t) => {
    if (Number.isNaN(value)) expect(values[t]).toBeNaN();
    else expect(Math.abs(values[t] - value)).toBeLessThan(ROUNDING);
  });
}

const NONE = Number.NaN;

test('none leaves values as they are, diff subtracts the period before', () => {
  expectTransform(series([3, 5, 4.5], 'M'), 'none', [3, 5, 4.5]);
  expectTransform(series([3, 5, 4.5], 'M'), 'diff', [NONE, 2, -0.5]);
});

test('pct is the simple change in per cent, log and dlog are natural logarithms times 100', () => {
  expectTransform(series([100, 110, 99], 'M'), 'pct', [NONE, 10, -10]);
  expectTransform(series([1, Math.E, Math.E ** 3], 'M'), 'log', [0, 100, 300]);
  expectTransform(series([1, Math.E, Math.E ** 3], 'M'), 'dlog', [NONE, 100, 200]);
});

test('second differences: diff2 of levels, dlog2 of logarithms, pct_diff of growth rates', () => {
  expectTransform(series([1, 2, 4, 8.5], 'M'), 'diff2', [NONE, NONE, 1, 2.5]);
  expectTransform(series([1, Math.E, Math.E ** 3], 'M'), 'dlog2', [NONE, NONE, 100]);
  expectTransform(series([100, 110, 99], 'M'), 'pct_diff', [NONE, NONE, -20]);
});

test('pct_diff takes values below zero, as FRED-MD does, and refuses zero', () => {
  expectTransform(series([-10, -20, -10], 'M'), 'pct_diff', [NONE, NONE, -150]);
  const call = () => transformSeries(series([1, 0, 2], 'M'), 'pct_diff', 'TEST', 'x.csv');
  expect(call).toThrow('x.csv:3: "X" is 0 at 2000-02-29, and pct_diff (for TEST) needs values other than zero');
});

test('yoy compares with the same month a year earlier, yoy_diff is its change', () => {
  const prices = Array.from({ length: 14 }, (_, month) => (month < 12 ? 100 : 100 + 5 * (month - 11)));
  const before = new Array<number>(12).fill(NONE);
  expectTransform(series(prices, 'M'), 'yoy', [...before, 5, 10]);
  expectTransform(series(prices, 'M'), 'yoy_diff', [...before, NONE, 5]);
});

test('yoy of quarterly data looks four quarters back', () => {
  expectTransform(series([100, 100, 100, 100, 104, 98], 'Q'), 'yoy', [NONE, NONE, NONE, NONE, 4, -2]);
});

test('a missing value makes missing what is computed from it, and no more', () => {
  expectTransform(series([1, 2, NONE, 4, 6], 'M'), 'diff', [NONE, 1, NONE, NONE, 2]);
});

test('a month without a row counts as missing, so that changes never span it', () => {
  expectTransform(series([1, 2, 4, 6], 'M', [2]), 'diff', [NONE, 1, NONE, NONE, 2]);
});

test.each(['pct', 'yoy', 'yoy_diff', 'log', 'dlog'] as const)('%s of a value that is not positive is refused', (id) => {
  const call = () => transformSeries(series([1, 2, 0, 4], 'M'), id, 'TEST', 'x.csv');
  expect(call).toThrow(InputError);
  expect(call).toThrow(`x.csv:4: "X" is 0 at 2000-03-31, and ${id} (for TEST) needs positive values; use diff`);
});

test('yoy of daily data is refused', () => {
  expect(() => transformSeries(series([1, 2, 3], 'D'), 'yoy', 'TEST', 'x.csv')).toThrow('no fixed number of days');
});
