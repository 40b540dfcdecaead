import { readFileSync } from 'node:fs';
import type { Panel } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  AddedVariableTest,
  adaptiveBenjaminiHochberg,
  Basis,
  benjaminiYekutieli,
  combinePValues,
  screenFactors,
} from '../src/index.js';
import { world } from './world.js';

interface Golden {
  addedVariables: {
    controls: number[][];
    regressor: number[];
    returns: number[];
    lags: number;
    coefficient: number;
    statistic: number;
    degreesOfFreedom: number;
    pValue: number;
  }[];
  discoveries: { pValues: number[]; q: number; yekutieli: number[]; adaptive: number[] };
}

const golden: Golden = JSON.parse(readFileSync(new URL('golden/screen.json', import.meta.url), 'utf8'));

/** Two ways to solve the same well-conditioned least squares in double precision. */
const RELATIVE_ERROR = 1e-9;

function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(RELATIVE_ERROR * Math.abs(expected));
}

describe('AddedVariableTest', () => {
  it.each(golden.addedVariables)('matches statsmodels and the dense traces at $lags lags', (expected) => {
    const basis = Basis.empty.with(expected.controls.map((column) => Float64Array.from(column)));
    const left = basis.remainder(Float64Array.from(expected.regressor)) as Float64Array;
    const found = new AddedVariableTest(basis, left, expected.lags).of(
      basis.residual(Float64Array.from(expected.returns)),
    );
    expectClose(found.coefficient, expected.coefficient);
    expectClose(found.statistic, expected.statistic);
    expectClose(found.degreesOfFreedom, expected.degreesOfFreedom);
    expectClose(found.pValue, expected.pValue);
  });

  it('leaves a regressor out that the others give already', () => {
    const [a, b] = [Float64Array.of(1, 2, 4, 8), Float64Array.of(1, 1, 1, 1)];
    expect(Basis.empty.with([a, b]).remainder(a.map((value, t) => 3 * value - b[t]))).toBeUndefined();
  });
});

describe('discovery control', () => {
  const { pValues, q, yekutieli, adaptive } = golden.discoveries;

  it('is that of statsmodels under any dependence and in two stages', () => {
    const p = Float64Array.from(pValues);
    benjaminiYekutieli(p, q).qValues.forEach((value, i) => {
      expectClose(value, yekutieli[i]);
    });
    const found = adaptiveBenjaminiHochberg(p, q);
    expect(Array.from(found.selected)).toEqual(adaptive);
    expect(Array.from(found.qValues, (value) => (value <= q ? 1 : 0))).toEqual(adaptive);
  });
});

describe('combinePValues', () => {
  it('gives one test back, keeps the far tail, and leaves unknown tests out', () => {
    for (const p of [1e-200, 1e-9, 0.03, 0.5, 0.97]) {
      expectClose(combinePValues([{ pValue: p, weight: 2 }]), p);
      expectClose(
        combinePValues([
          { pValue: p, weight: 1 },
          { pValue: Number.NaN, weight: 5 },
        ]),
        p,
      );
    }
    // In the tail the combination is the weighted sum of 1/p: .8 / 1e-12 and .2 / .5.
    expectClose(
      combinePValues([
        { pValue: 1e-12, weight: 4 },
        { pValue: 0.5, weight: 1 },
      ]),
      1e-12 / 0.8,
    );
    expect(combinePValues([])).toBeNaN();
  });
});

const LEVEL = 0.1;
const all = ({ axis }: Panel) => ({ start: 0, end: axis.dates.length });

describe('screenFactors', () => {
  it('finds anything at all in pure noise no more often than the level allows', () => {
    const worlds = 60;
    let found = 0;
    for (let seed = 0; seed < worlds; seed++) {
      const noise = world(seed, 10, 180, () => 0);
      if (adaptiveBenjaminiHochberg(screenFactors(noise, all(noise)).pValue, LEVEL).count > 0) found++;
    }
    // Two Monte Carlo errors above the level.
    expect(found).toBeLessThanOrEqual(worlds * LEVEL + 2 * Math.sqrt(worlds * LEVEL * (1 - LEVEL)));
  });

  it('sees delayed, bent and multiplied effects, and charges no other factor with them', () => {
    const panel = world(7, 12, 480, (z, row, asset) => {
      if (asset >= 6) return 0;
      const delayed = [3, 4, 5, 6].reduce((sum, lag) => sum + z(row - lag, 1), 0);
      return 0.5 * delayed + 0.8 * Math.abs(z(row, 0)) + 0.8 * z(row, 2) * z(row, 3);
    });
    const { pValue, interactionPartner, interactionPValue } = screenFactors(panel, all(panel));
    for (let asset = 0; asset < 12; asset++) {
      const p = pValue.subarray(4 * asset, 4 * asset + 4);
      if (asset < 6) {
        for (let j = 0; j < 4; j++) expect(p[j]).toBeLessThan(1e-4);
        expect(interactionPartner[4 * asset + 2]).toBe(3);
        expect(interactionPValue[4 * asset + 2]).toBeLessThan(1e-4);
      } else {
        // 24 tests of nothing: below .001 once in 40 such panels.
        expect(Math.min(...p)).toBeGreaterThan(0.001);
      }
    }
  });

  it('dates a change of an exposure, and sees none where there is none', () => {
    const rows = 400;
    const panel = world(11, 8, rows, (z, row, asset) => (asset < 4 && row >= 240 ? -0.6 : 0.6) * z(row, 1) + z(row, 0));
    const { breakPValue, breakRow } = screenFactors(panel, all(panel));
    for (let asset = 0; asset < 8; asset++) {
      if (asset < 4) {
        expect(breakPValue[4 * asset + 1]).toBeLessThan(1e-6);
        // Dates are tried every 7 % of the rows.
        expect(Math.abs(breakRow[4 * asset + 1] - 240)).toBeLessThanOrEqual(0.07 * rows);
      } else {
        // 16 pairs that stay, two each: below .001 once in 60 such panels.
        expect(breakPValue[4 * asset + 1]).toBeGreaterThan(0.001);
      }
      expect(breakPValue[4 * asset]).toBeGreaterThan(0.001);
    }
  });

  it('counts the rows of each asset, and says nothing of one with too few', () => {
    const panel = world(3, 3, 300, (z, row) => z(row, 1));
    for (let row = 0; row < 300; row++) {
      if (row >= 40) panel.returns[row * 3 + 1] = Number.NaN;
      if (row < 100) panel.returns[row * 3 + 2] = Number.NaN;
    }
    const { pValue } = screenFactors(panel, all(panel), { minObservations: 60 });
    expect(pValue[1]).toBeLessThan(1e-10);
    expect(Array.from(pValue.subarray(4, 8)).every(Number.isNaN)).toBe(true);
    expect(pValue[9]).toBeLessThan(1e-10);
  });
});
