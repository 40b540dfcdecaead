import { dayNumber, Random } from '@macrograd/core';
import { expect, test } from 'vitest';
import {
  buildFactorPanel,
  cycle,
  quantile,
  removeOutliers,
  removeOutliersAsOf,
  surprise,
  winsoriseAsOf,
} from '../src/index.js';
import { monthEnds, table } from './files.js';
import { factorColumnOf } from './numbers.js';

/** Sums of a few hundred numbers near 1. */
const ROUNDING = 1e-9;

const random = new Random(7);
const noise = Float64Array.from({ length: 240 }, () => random.normal());
const spiked = Float64Array.from(noise, (x, t) => (t === 100 || t === 200 ? 1e4 : x));

const changedAfter = (values: Float64Array, t: number) => values.map((x, i) => (i > t ? 50 * x + 1000 : x));

test('quantiles interpolate between (i - .5) / n, as MATLAB does', () => {
  expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.5);
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect([quantile([1, 2, 3, 4], 0.01), quantile([1, 2, 3, 4], 1)]).toEqual([1, 4]);
});

test.each([removeOutliers, removeOutliersAsOf])('outliers and nothing else become missing (%o)', (rule) => {
  const cleaned = rule(spiked);
  expect([...cleaned.keys()].filter((t) => Number.isNaN(cleaned[t]))).toEqual([100, 200]);
  expect(cleaned[99]).toBe(spiked[99]);
});

test('a series whose quartiles coincide keeps its rare moves', () => {
  const steps = Float64Array.from({ length: 100 }, (_, t) => (t % 20 === 0 ? 0.25 : 0));
  expect(removeOutliers(steps)).toEqual(steps);
});

test.each([
  ['outliers', removeOutliersAsOf],
  ['winsorising', (x: Float64Array) => winsoriseAsOf(x, 0.05)],
  ['surprises', (x: Float64Array) => surprise(x, 2)],
])('%s: no later value changes an earlier one', (_, rule) => {
  const [one, other] = [rule(noise), rule(changedAfter(noise, 149))];
  expect(other.slice(0, 150)).toEqual(one.slice(0, 150));
  expect(other.slice(150)).not.toEqual(one.slice(150));
});

test('winsorised values lie between the quantiles of what was seen', () => {
  const drawn = winsoriseAsOf(spiked, 0.05);
  expect(drawn[100]).toBeLessThan(3);
  expect(drawn[100]).toBe(quantile(Float64Array.from(spiked.slice(0, 101)).sort(), 0.95));
});

test('the surprise of an exact autoregression is zero, and a shock comes through whole', () => {
  const x = new Float64Array(120);
  for (let t = 0; t < 120; t++) x[t] = t < 2 ? t : 0.3 + 0.5 * x[t - 1] - 0.8 * x[t - 2] + (t === 100 ? 2 : 0);
  const news = surprise(x, 2);
  expect(Number.isNaN(news[16])).toBe(true);
  for (const t of [40, 60, 99]) expect(Math.abs(news[t])).toBeLessThan(ROUNDING);
  expect(Math.abs(news[100] - 2)).toBeLessThan(ROUNDING);
});

test('a missing value makes the surprises of the order that needs it missing, and no more', () => {
  const holed = Float64Array.from(noise, (x, t) => (t === 150 ? Number.NaN : x));
  const news = surprise(holed, 2);
  expect([149, 150, 151, 152, 153].map((t) => Number.isNaN(news[t]))).toEqual([false, true, true, true, false]);
});

test.each(['hp', 'baxter_king'] as const)('%s takes a straight line away whole', (filter) => {
  const line = Float64Array.from({ length: 120 }, (_, t) => 3 + 0.5 * t);
  const left = cycle(line, 'M', filter).filter((x) => !Number.isNaN(x));
  expect(left.length).toBe(filter === 'hp' ? 120 : 48);
  for (const x of left) expect(Math.abs(x)).toBeLessThan(1e-7);
});

test('hp solves its normal equations: x - trend = smoothing times the fourth difference of the trend', () => {
  const left = cycle(noise, 'Q', 'hp');
  const trend = noise.map((x, t) => x - left[t]);
  for (const t of [10, 100, 200]) {
    const fourth = trend[t - 2] - 4 * trend[t - 1] + 6 * trend[t] - 4 * trend[t + 1] + trend[t + 2];
    expect(Math.abs(left[t] - 1600 * fourth)).toBeLessThan(1e-8);
  }
});

test('baxter_king keeps a cycle of four years and drops one of a month and one of 30 years', () => {
  const share = (period: number) => {
    const wave = Float64Array.from({ length: 480 }, (_, t) => Math.sin((2 * Math.PI * t) / period));
    const left = cycle(wave, 'M', 'baxter_king').slice(36, 444);
    return Math.sqrt(left.reduce((sum, x) => sum + x * x, 0) / left.length / 0.5);
  };
  // Three years of leads and lags leave a filter that is not sharp: within a fifth of one and of zero.
  expect(share(48)).toBeGreaterThan(0.8);
  expect(share(3)).toBeLessThan(0.2);
  expect(share(360)).toBeLessThan(0.2);
});

test('daily series have no filter', () => {
  expect(() => cycle(noise, 'D', 'hp')).toThrow('has no setting for daily');
});

const file = table(
  ['date', 'X'],
  monthEnds('2000-01', 240).map((day, t) => [day, spiked[t]]),
);

test('what looks ahead is refused where the timing is what was known, and said in the transform elsewhere', async () => {
  const spec = (series: object) => ({ factors: [{ file, series: { X: { column: 'X', ...series } } }] });
  await expect(buildFactorPanel({ ...spec({ filter: 'hp' }), timing: 'available' })).rejects.toThrow(
    'the filter hp of X is two-sided: its value at t depends on values after t, and the timing is "available"; take yoy',
  );
  await expect(buildFactorPanel({ ...spec({ outliers: 'iqr_full' }), timing: 'available' })).rejects.toThrow(
    'judged from all values',
  );
  const { inputs } = await buildFactorPanel(spec({ filter: 'hp', winsorise: 0.01 }));
  expect(inputs.factors[0].transform).toBe('none, hp cycle (two-sided), winsorised at 0.01');
});

test('a rule for the whole file holds for the series that name none', async () => {
  const series = { X: { column: 'X' }, Y: { column: 'X', surprise: 1 } } as const;
  const { inputs } = await buildFactorPanel({ factors: [{ file, outliers: 'iqr', series }], timing: 'available' });
  const column = factorColumnOf(inputs, 'X');
  expect(column.flatMap((x, t) => (Number.isNaN(x) ? [t] : []))).toEqual([100, 200]);
  expect(inputs.axis.dates[0]).toBe(dayNumber(2000, 1, 31));
  expect(inputs.factors[1].transform).toBe('none, outliers out, surprise against an AR(1)');
});
