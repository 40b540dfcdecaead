import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { chowLin, driftPath, type LongSeries, type PeriodValue, type ShortPath } from '../src/index.js';

interface Path {
  readonly path: readonly number[];
  readonly coefficients: readonly number[];
  readonly logLikelihood: number;
}

interface Golden {
  readonly beyond: number;
  readonly indicator: readonly number[];
  readonly cases: Record<
    PeriodValue,
    {
      readonly values: readonly (number | null)[];
      readonly package: { readonly chowLin: readonly number[] };
      readonly chowLin: Path & { readonly rho: number };
      readonly denton: Path;
      readonly drift: Path;
      readonly driftAlone: Path;
    }
  >;
}

const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden', 'fill.json'), 'utf8'));

/** Dense inverses of 60 by 60 matrices against a filter, both in double precision. */
const RELATIVE = 1e-8;

/** Two searches for the top of a flat likelihood: an error of e in rho costs e squared of it, and 1e-16 is rounding. */
const SEARCH = 1e-6;

function expectPath(actual: ShortPath, wanted: Path, relative: number) {
  const scale = Math.max(...wanted.path.map(Math.abs));
  expect(actual.values.length).toBe(wanted.path.length);
  actual.values.forEach((value, t) => {
    expect(Math.abs(value - wanted.path[t])).toBeLessThanOrEqual(relative * scale);
  });
  actual.coefficients.forEach((value, j) => {
    expect(Math.abs(value - wanted.coefficients[j])).toBeLessThanOrEqual(relative * scale);
  });
  expect(Math.abs(actual.logLikelihood - wanted.logLikelihood)).toBeLessThanOrEqual(RELATIVE * scale);
}

describe.each(Object.entries(golden.cases))('quarters as the %s of their months', (value, wanted) => {
  const values = Float64Array.from(wanted.values, (x) => x ?? Number.NaN);
  const series: LongSeries = {
    lengths: new Int32Array(values.length).fill(3),
    values,
    value: value as PeriodValue,
    beyond: golden.beyond,
  };
  const guided = { ...series, indicator: Float64Array.from(golden.indicator) };

  it('Chow-Lin: rho, coefficients, likelihood and path are those of dense matrices', () => {
    const result = chowLin(guided);
    expect(Math.abs(result.rho - wanted.chowLin.rho)).toBeLessThanOrEqual(SEARCH);
    expectPath(result, wanted.chowLin, SEARCH);
  });

  it('Chow-Lin: the path is that of tempdisagg at the same rho', () => {
    const scale = Math.max(...golden.indicator);
    chowLin(guided).values.forEach((x, t) => {
      expect(Math.abs(x - wanted.package.chowLin[t])).toBeLessThanOrEqual(SEARCH * scale);
    });
  });

  it('without an indicator, the path of least squared changes', () =>
    expectPath(chowLin(series), wanted.denton, RELATIVE));

  it('a random walk around a drift, with and without an indicator', () => {
    expectPath(driftPath(guided), wanted.drift, RELATIVE);
    expectPath(driftPath(series), wanted.driftAlone, RELATIVE);
  });

  it('months add up to their quarters', () => {
    for (const path of [chowLin(guided), chowLin(series), driftPath(guided)]) {
      values.forEach((quarter, q) => {
        if (Number.isNaN(quarter)) return;
        const months = path.values.slice(3 * q, 3 * q + 3);
        const sum = months.reduce((a, b) => a + b, 0);
        const made = value === 'last' ? months[2] : value === 'sum' ? sum : sum / 3;
        expect(Math.abs(made - quarter)).toBeLessThanOrEqual(RELATIVE * Math.abs(quarter));
      });
    }
  });
});

describe('paths from quarters to months', () => {
  const random = new Random(12);
  const weeks = Int32Array.from({ length: 40 }, (_, q) => 13 + (q % 7 === 0 ? 1 : 0));
  const values = Float64Array.from(weeks, () => random.normal());

  it('of least squared changes: no other path with the same means changes less', () => {
    const path = chowLin({ lengths: weeks, values, value: 'mean' }).values;
    const rough = (x: Float64Array) => x.reduce((sum, value, t) => (t === 0 ? 0 : sum + (value - x[t - 1]) ** 2), 0);
    const least = rough(path);
    for (let trial = 0; trial < 20; trial++) {
      const other = Float64Array.from(path);
      let start = 0;
      for (const length of weeks) {
        const own = Float64Array.from({ length }, () => 0.01 * random.normal());
        const mean = own.reduce((a, b) => a + b, 0) / length;
        own.forEach((x, i) => {
          other[start + i] += x - mean;
        });
        start += length;
      }
      expect(rough(other)).toBeGreaterThan(least);
    }
  });

  it('of too few observations are missing, and lengths that do not fit are refused', () => {
    const few = { lengths: Int32Array.of(3, 3, 3), values: Float64Array.of(1, 2, 3), value: 'mean' } as const;
    expect([...chowLin(few).values].every(Number.isNaN)).toBe(true);
    expect(() => chowLin({ ...few, lengths: Int32Array.of(3) })).toThrow('3 values for 1 long periods');
    expect(() => chowLin({ ...few, indicator: new Float64Array(8) })).toThrow('8 values for 9 short periods');
  });
});
