import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { collinearity, dickeyFuller, findBreak, kpss, type TestResult } from '../src/index.js';

interface Golden {
  readonly series: Record<string, { values: number[]; adf: TestResult; kpss: TestResult }>;
  readonly columns: number[];
  readonly inflation: number[];
  readonly conditionNumber: number;
}

const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden', 'data_tests.json'), 'utf8'));

/** Two ways of least squares on 300 rows in double precision. */
const RELATIVE = 1e-8;

const close = (actual: number, wanted: number) =>
  expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(RELATIVE * Math.abs(wanted) + 1e-12);

describe.each(Object.entries(golden.series))('%s', (_, { values, adf, kpss: level }) => {
  it.each([
    ['Dickey-Fuller', dickeyFuller, adf],
    ['KPSS', kpss, level],
  ] as const)('%s: statistic, p-value and lags are those of statsmodels', (_name, test, wanted) => {
    const result = test(Float64Array.from(values));
    expect(result?.lags).toBe(wanted.lags);
    close(result?.statistic ?? Number.NaN, wanted.statistic);
    close(result?.pValue ?? Number.NaN, wanted.pValue);
  });
});

describe('collinearity', () => {
  it('inflation and condition number are those of statsmodels and numpy', () => {
    const result = collinearity(Float64Array.from(golden.columns), 3);
    golden.inflation.forEach((wanted, j) => {
      close(result?.inflation[j] ?? Number.NaN, wanted);
    });
    close(result?.conditionNumber ?? Number.NaN, golden.conditionNumber);
    expect(result?.rows).toBe(300);
  });

  it('a column that the others give exactly is inflated without bound, one beside them is not', () => {
    const random = new Random(5);
    const rows = Array.from({ length: 80 }, () => [random.normal(), random.normal(), random.normal()]);
    const values = Float64Array.from(rows.flatMap(([a, b, c]) => [a, b, a - 2 * b, c]));
    const result = collinearity(values, 4);
    expect([...(result?.inflation.slice(0, 3) ?? [])]).toEqual([Infinity, Infinity, Infinity]);
    expect(result?.inflation[3]).toBeLessThan(1.5);
    expect(result?.conditionNumber).toBe(Infinity);
  });

  it('uses complete rows alone', () => {
    const holed = Float64Array.from([...golden.columns, Number.NaN, 1, 2]);
    expect(collinearity(holed, 3)?.rows).toBe(300);
    expect(collinearity(holed.subarray(0, 9), 3)).toBeUndefined();
  });
});

describe('a structural break', () => {
  const random = new Random(9);
  const noise = Float64Array.from({ length: 200 }, () => random.normal());

  it('of two standard deviations is found within a few periods of its date', () => {
    const found = findBreak(noise.map((x, t) => x + (t < 120 ? 0 : 2)));
    expect(found?.isSignificant).toBe(true);
    expect(Math.abs((found?.at ?? 0) - 120)).toBeLessThan(5);
  });

  it('is found about as rarely as the level says where there is none', () => {
    const found = Array.from({ length: 300 }, () =>
      findBreak(Float64Array.from({ length: 200 }, () => random.normal())),
    );
    const share = found.filter((one) => one?.isSignificant).length / found.length;
    // 5 % of 300 is 15, with a standard deviation of 3.8; the test is asymptotic and a little off at 200 values.
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThan(0.1);
  });

  it('short and constant series have none', () => {
    expect(findBreak(noise.subarray(0, 59))).toBeUndefined();
    expect(findBreak(new Float64Array(100).fill(3))).toBeUndefined();
    expect(dickeyFuller(new Float64Array(100).fill(3))).toBeUndefined();
    expect(kpss(new Float64Array(100).fill(3))).toBeUndefined();
  });
});
