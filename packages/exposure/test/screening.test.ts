import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { benjaminiHochberg, normalCdf, normalQuantile, regimeShare, regimeShares, sideShares } from '../src/index.js';
import { fakeInputs } from './fake_fit.js';

interface Golden {
  normal: { x: number[]; cdf: number[]; p: number[]; quantile: number[] };
  benjaminiHochberg: { pValues: number[]; q: number; qValues: number[]; selected: number[] };
}

const golden: Golden = JSON.parse(readFileSync(new URL('golden/screening.json', import.meta.url), 'utf8'));

/** Both sides sum a handful of double-precision terms. */
const RELATIVE_ERROR = 1e-12;

function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(RELATIVE_ERROR * Math.abs(expected));
}

describe('normal distribution', () => {
  it('matches scipy from the centre to 37 SDs in the tail', () => {
    const { x, cdf } = golden.normal;
    x.forEach((value, i) => {
      expectClose(normalCdf(value), cdf[i]);
    });
  });

  it('has the quantiles of scipy and inverts itself', () => {
    const { p, quantile } = golden.normal;
    p.forEach((value, i) => {
      // ppf(.5) is 0 up to rounding.
      expect(normalQuantile(value)).toBeCloseTo(quantile[i], 11);
      expectClose(normalCdf(normalQuantile(value)), value);
    });
    expect(normalQuantile(1.5)).toBeNaN();
  });
});

describe('benjaminiHochberg', () => {
  const { pValues, q, qValues, selected } = golden.benjaminiHochberg;

  it('matches statsmodels, ties and bounds included', () => {
    const found = benjaminiHochberg(Float64Array.from(pValues), q);
    found.qValues.forEach((value, i) => {
      expectClose(value, qValues[i]);
    });
    expect(Array.from(found.selected)).toEqual(selected);
    expect(found.count).toBe(selected.reduce((sum, x) => sum + x, 0));
  });

  it('does not count missing p-values as hypotheses', () => {
    const holes = pValues.flatMap((p) => [p, Number.NaN]);
    const found = benjaminiHochberg(Float64Array.from(holes), q);
    qValues.forEach((value, i) => {
      expectClose(found.qValues[2 * i], value);
      expect(found.qValues[2 * i + 1]).toBeNaN();
      expect(found.selected[2 * i + 1]).toBe(0);
    });
  });
});

describe('regimeShare', () => {
  it('counts training rows within one SD of the state today, of the least familiar state', () => {
    const inputs = fakeInputs(7, ['state', 'state', 'factor']);
    // First state: -3..3 over rows 0..5 with one gap; SD of {-3, -1, 0, 1, 3} is 2.236. Second: constant but for today.
    [-3, -1, Number.NaN, 0, 1, 3, 2].forEach((x, t) => {
      inputs.values[t * 3] = x;
      inputs.values[t * 3 + 1] = t === 0 ? 0.1 : 0;
    });
    const share = regimeShare(inputs, { start: 0, end: 6 }, 6);
    // Within 2 -+ 2.236: 0, 1, 3 of five observed.
    expect(share).toEqual({ share: 3 / 5, inRegime: true, variable: 'A' });
  });

  it('flags a state that training has hardly seen', () => {
    const inputs = fakeInputs(101, ['factor', 'state']);
    for (let t = 0; t < 100; t++) inputs.values[t * 2 + 1] = t % 20 === 0 ? 10 : 0;
    inputs.values[201] = 10;
    expect(regimeShare(inputs, { start: 0, end: 100 }, 100)).toEqual({ share: 0.05, inRegime: false, variable: 'B' });
  });

  it('uses the factors where there are no states, and says nothing where nothing is observed', () => {
    const inputs = fakeInputs(20, ['factor', 'factor']);
    inputs.values.fill(Number.NaN, 38);
    const shares = regimeShares(inputs, { start: 0, end: 15 }, { start: 18, end: 20 });
    expect(shares[0].share).toBeGreaterThan(0);
    expect(shares[1]).toEqual({ share: Number.NaN, inRegime: false, variable: undefined });
  });

  it("of a threshold is the share of training rows on the row's side", () => {
    const inputs = fakeInputs(7, ['state', 'factor']);
    [1, 2, 3, Number.NaN, 4, 9, 0].forEach((x, t) => {
      inputs.values[t * 2] = x;
    });
    const shares = sideShares(inputs, { start: 0, end: 5 }, 0, 2);
    // 1 and 2 of the four observed lie at the level or below.
    expect(Array.from(shares)).toEqual([0.5, 0.5, 0.5, Number.NaN, 0.5, 0.5, 0.5]);
    expect(Array.from(sideShares(inputs, { start: 0, end: 5 }, 0, 3.5)).slice(4)).toEqual([0.25, 0.25, 0.75]);
  });

  it('does not change a bit when the future does', () => {
    const inputs = fakeInputs(40);
    const before = regimeShares(inputs, { start: 0, end: 20 }, { start: 20, end: 30 });
    inputs.values.fill(1000, 30 * 3);
    expect(regimeShares(inputs, { start: 0, end: 20 }, { start: 20, end: 30 })).toEqual(before);
  });
});
