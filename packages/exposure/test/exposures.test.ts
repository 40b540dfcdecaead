import { ArgumentError } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { exposureCube, halfLife, lagProfile, normalQuantile, peakLag, summarise } from '../src/index.js';
import { ASSETS, FACTORS, fakeFit, fakeInputs, fakeJacobian, LAGS, TRAINING_SD, VARIANCE } from './fake_fit.js';

/** Decimals that survive a few operations on numbers of a few hundred. */
const DIGITS = 10;

const inputs = fakeInputs(50);
const span = { start: 10, end: 14 };

describe('exposureCube', () => {
  it('keeps every asset, date and factor in its place over several blocks', async () => {
    let assets = 0;
    for await (const cube of exposureCube(fakeFit(), inputs, span)) {
      expect(Array.from(cube.dates)).toEqual([1010, 1011, 1012, 1013]);
      expect(cube.factors.map(({ name }) => name)).toEqual(['A', 'B']);
      for (let asset = cube.assets.start; asset < cube.assets.end; asset++, assets++) {
        for (let t = 0; t < 4; t++) {
          for (let j = 0; j < FACTORS; j++) {
            const i = ((asset - cube.assets.start) * 4 + t) * FACTORS + j;
            const expected = fakeJacobian(asset, 10 + t, 0, j);
            expect(cube.exposure[i]).toBe(expected);
            expect(cube.unitExposure[i]).toBe(expected / TRAINING_SD[j]);
            expect(cube.hi[i] - cube.exposure[i]).toBeCloseTo(1.6448536269514722 * Math.sqrt(VARIANCE.single), DIGITS);
            expect(cube.exposure[i] - cube.lo[i]).toBeCloseTo(cube.hi[i] - cube.exposure[i], DIGITS);
          }
        }
      }
    }
    expect(assets).toBe(ASSETS);
  });

  it('divides by the SD of the factor even where a state stands before it', async () => {
    const reordered = fakeInputs(50, ['state', 'factor', 'factor']);
    for await (const cube of exposureCube(fakeFit(), reordered, span)) {
      expect(cube.unitExposure[0]).toBe(cube.exposure[0] / TRAINING_SD[1]);
      expect(cube.unitExposure[1]).toBe(cube.exposure[1] / TRAINING_SD[2]);
    }
  });

  it('leaves a missing factor NaN in every array', async () => {
    for await (const { exposure, unitExposure, se, lo, hi } of exposureCube(fakeFit([11]), inputs, span)) {
      for (const array of [exposure, unitExposure, se, lo, hi]) {
        expect(array[FACTORS + 1]).toBeNaN();
        expect(array[FACTORS]).not.toBeNaN();
      }
    }
  });

  it('refuses inputs with other series than the fit and levels outside 0 and 1', async () => {
    const other = fakeInputs(50, ['factor', 'factor']);
    await expect(exposureCube(fakeFit(), other, span).next()).rejects.toThrow(ArgumentError);
    await expect(exposureCube(fakeFit(), inputs, span, { level: 90 }).next()).rejects.toThrow(/level of 90/);
  });
});

describe('lagProfile', () => {
  it('turns [lag][factor] into [factor][lag] for every asset of every block', async () => {
    const profile = await lagProfile(fakeFit(), inputs, span, { level: 0.5 });
    expect(profile.lags).toBe(LAGS);
    for (let asset = 0; asset < ASSETS; asset++) {
      for (let j = 0; j < FACTORS; j++) {
        for (let lag = 0; lag < LAGS; lag++) {
          const i = (asset * FACTORS + j) * LAGS + lag;
          expect(profile.exposure[i]).toBe(fakeJacobian(asset, 11.5, lag, j));
          expect(profile.unitExposure[i]).toBe(profile.exposure[i] / TRAINING_SD[j]);
          expect(profile.hi[i] - profile.exposure[i]).toBeCloseTo(normalQuantile(0.75), DIGITS);
        }
      }
    }
  });

  it('starts at the first asset asked for', async () => {
    const profile = await lagProfile(fakeFit(), inputs, span, { assets: { start: 1, end: 3 } });
    expect(profile.exposure[0]).toBe(fakeJacobian(1, 11.5, 0, 0));
    expect(profile.exposure).toHaveLength(2 * FACTORS * LAGS);
  });

  it('finds the peak by size whatever its sign, and the earliest of equals', () => {
    expect(peakLag([0.1, -0.9, 0.5])).toBe(1);
    expect(peakLag([0.5, -0.5])).toBe(0);
    expect(peakLag([0, 0])).toBeNaN();
    expect(peakLag([1, Number.NaN])).toBeNaN();
  });

  it('reads the half-life off the absolute response, so that a reversal can not cancel it', () => {
    expect(halfLife([1, 1, 1, 1])).toBe(1);
    expect(halfLife([1, -1, 0, 0, 4])).toBe(4);
    expect(halfLife([3, 1, -1])).toBe(0);
    // Exponential decay at rate a: half has come by the first k with 1 - a^(k + 1) >= 1/2.
    expect(halfLife(Array.from({ length: 200 }, (_, k) => 0.9 ** k))).toBe(6);
  });

  it('has a half-life of 0 at a single lag and none without a response', () => {
    expect(halfLife([-0.3])).toBe(0);
    expect(halfLife([0, 0, 0])).toBeNaN();
    expect(halfLife([Number.NaN, 1])).toBeNaN();
  });
});

describe('summarise', () => {
  const train = { start: 0, end: 40 };

  it('shows mean, latest and unit exposure of the asked kind', async () => {
    const summary = await summarise(fakeFit(), inputs, span, { train, form: 'cumulative' });
    for (let asset = 0; asset < ASSETS; asset++) {
      const total = (row: number) => [0, 1, 2, 3].reduce((sum, lag) => sum + fakeJacobian(asset, row, lag, 1), 0);
      const i = asset * FACTORS + 1;
      expect(summary.meanExposure[i]).toBeCloseTo(total(11.5), DIGITS);
      expect(summary.latestExposure[i]).toBeCloseTo(total(13), DIGITS);
      expect(summary.unitExposure[i]).toBeCloseTo(total(11.5) / TRAINING_SD[1], DIGITS);
    }
  });

  it('reads the latest exposure at the last row where the factor is observed', async () => {
    const summary = await summarise(fakeFit([12, 13]), inputs, span, { train });
    expect(summary.latestExposure[0]).toBe(fakeJacobian(0, 13, 0, 0));
    expect(summary.latestExposure[1]).toBe(fakeJacobian(0, 11, 0, 1));
  });

  it("takes the method's own p-values, and the normal test of the mean where it has none", async () => {
    const summary = await summarise(fakeFit(), inputs, span, { train });
    expect(Array.from(summary.pValue.slice(0, 4))).toEqual([0.001, 0.5, 0.002, 0.6]);
    // Asset 2's mean lies 300 standard errors from zero.
    expect(summary.pValue[4]).toBeLessThan(1e-300);
    expect(Array.from(summary.selected)).toEqual([1, 0, 1, 0, 1, 1]);
    expect(Array.from(summary.sign)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('takes the p-values that it is given', async () => {
    const pValues = Float64Array.of(0.3, 0.001, 0.4, 0.5, 0.6, 0.7);
    const summary = await summarise(fakeFit(), inputs, span, { train, pValues });
    expect(summary.pValue).toEqual(pValues);
    expect(Array.from(summary.selected)).toEqual([0, 1, 0, 0, 0, 0]);
  });

  it('carries the status of each asset to its factors', async () => {
    const summary = await summarise(fakeFit(), inputs, span, { train });
    expect(summary.status).toEqual(['ok', 'ok', 'not_converged', 'not_converged', 'ok', 'ok']);
  });
});
