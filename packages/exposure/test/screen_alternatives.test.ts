import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  adaptiveBenjaminiHochberg,
  doubleSelection,
  knockoffScreen,
  screenFactors,
  stabilitySelection,
} from '../src/index.js';
import { gramMatrix, lasso } from '../src/screening/lasso.js';
import { world } from './world.js';

/** Coordinate descent stops when nothing moves by more than 1e-6 SD; slopes then differ by some columns' worth of it. */
const STATIONARY = 1e-4;

const SPAN = { start: 0, end: 480 };
/** Of four factors, the first and the last persistent, one of each kind matters. */
const PLANTED = [-0.5, 0.6, 0, 0];
const panel = world(5, 12, 480, (z, row, asset) =>
  PLANTED.reduce((sum, b, j) => sum + b * (1 + 0.03 * asset) * z(row, j), 0),
);

describe('lasso', () => {
  it('meets the conditions of its optimum on correlated columns', () => {
    const random = new Random(5);
    const n = 200;
    const base = Array.from({ length: n }, () => random.normal());
    const columns = Array.from({ length: 8 }, () => Float64Array.from(base, (x) => 0.6 * x + random.normal()));
    const y = Float64Array.from({ length: n }, (_, t) => columns[0][t] - 0.5 * columns[3][t] + random.normal());
    const gram = gramMatrix(columns);
    const target = Float64Array.from(columns, (x) => x.reduce((sum, v, t) => sum + v * y[t], 0) / n);
    const penalties = Float64Array.from(columns, (_, k) => (k === 5 ? Number.POSITIVE_INFINITY : 0.1));
    const b = lasso(gram, target, penalties, 1);
    b.forEach((value, k) => {
      const slope = target[k] - b.reduce((sum, other, l) => sum + gram[k * 8 + l] * other, 0);
      if (value === 0) expect(Math.abs(slope)).toBeLessThanOrEqual(penalties[k] + STATIONARY);
      else expect(Math.abs(slope - Math.sign(value) * penalties[k])).toBeLessThan(STATIONARY);
    });
    expect(b[0]).toBeGreaterThan(0.5);
    expect(b[5]).toBe(0);
  });
});

describe('the linear twins of the screen', () => {
  const selections = {
    'double selection': adaptiveBenjaminiHochberg(doubleSelection(panel, SPAN), 0.1).selected,
    'stability selection': stabilitySelection(panel, SPAN).selected,
    knockoffs: knockoffScreen(panel, SPAN).selected,
  };
  for (const [name, selected] of Object.entries(selections)) {
    it(`${name} finds strong effects at once, and at most three of 24 pairs without one`, () => {
      const found = PLANTED.map((_, j) => panel.assets.filter((_, asset) => selected[asset * 4 + j] === 1).length);
      expect(found[1]).toBe(12);
      // Innovations of the persistent one have a quarter of its SD: knockoffs see no more of it.
      expect(found[0]).toBeGreaterThanOrEqual(name === 'knockoffs' ? 3 : 9);
      expect(found[2] + found[3]).toBeLessThanOrEqual(3);
    });
  }

  it('double selection says what the screen says of a linear effect', () => {
    const twin = doubleSelection(panel, SPAN);
    const { linearPValue } = screenFactors(panel, SPAN);
    linearPValue.forEach((p, cell) => {
      // Few controls are chosen, so that most tests differ by a degree of freedom or two.
      expect(Math.abs(Math.log10(twin[cell]) - Math.log10(p))).toBeLessThan(0.35 * Math.max(1, -Math.log10(p)));
    });
  });

  it('draws the same with the same seed, and others with another', () => {
    const one = stabilitySelection(panel, SPAN, { pairs: 10, seed: 2 });
    expect(stabilitySelection(panel, SPAN, { pairs: 10, seed: 2 })).toEqual(one);
    expect(stabilitySelection(panel, SPAN, { pairs: 10, seed: 3 }).frequency).not.toEqual(one.frequency);
    const knockoffs = knockoffScreen(panel, SPAN, { seed: 2 });
    expect(knockoffScreen(panel, SPAN, { seed: 2 })).toEqual(knockoffs);
    expect(knockoffScreen(panel, SPAN, { seed: 3 }).statistic).not.toEqual(knockoffs.statistic);
  });

  it('leaves assets with too few returns open', () => {
    const returns = panel.returns.map((r, i) => (i % 12 === 4 && i >= 20 * 12 ? Number.NaN : r));
    const short = { ...panel, returns };
    for (const values of [
      doubleSelection(short, SPAN),
      stabilitySelection(short, SPAN, { pairs: 10 }).frequency,
      knockoffScreen(short, SPAN).statistic,
    ]) {
      expect(Array.from(values.subarray(16, 20)).every(Number.isNaN)).toBe(true);
      expect(values[0]).not.toBeNaN();
    }
  });

  it('refuses levels and numbers of pairs that make no sense', () => {
    expect(() => knockoffScreen(panel, SPAN, { level: 0 })).toThrow('false-discovery');
    expect(() => stabilitySelection(panel, SPAN, { pairs: 2 })).toThrow('2 pairs');
  });
});
