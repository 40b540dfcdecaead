import { describe, expect, it } from 'vitest';
import { calmWeights, calmWeightsSoFar, Random, weightRows } from '../src/index.js';

const ROWS = 60;
const ASSETS = 5;

describe('calm weights', () => {
  it('are one over the size of the returns where that stands still, whatever is missing', () => {
    const returns = Float64Array.from({ length: ROWS * ASSETS }, (_, i) =>
      i % 7 === 0 ? Number.NaN : i % 2 ? 0.5 : -0.5,
    );
    // Roots of means of equal squares: exact but for rounding.
    for (const weight of calmWeights(returns, ASSETS)) expect(weight).toBeCloseTo(2, 12);
  });

  it('are smaller in a crisis and around it, and 1 where nothing is observed', () => {
    const random = new Random(3);
    const crisis = (row: number) => row >= 30 && row < 36;
    const returns = Float64Array.from({ length: ROWS * ASSETS }, (_, i) => {
      const row = Math.floor(i / ASSETS);
      return row > 50 ? Number.NaN : (crisis(row) ? 4 : 1) * random.normal();
    });
    const weights = calmWeights(returns, ASSETS);
    expect(weights[33]).toBeLessThan(0.5 * weights[20]);
    expect(weights[27]).toBeLessThan(weights[20]);
    expect([...weights.slice(55)]).toEqual(new Array(5).fill(1));
  });

  it('leave a regression of returns on factors that has no noise what it was', () => {
    const factors = Float64Array.from({ length: ROWS * 2 }, (_, i) => Math.sin(i));
    const returns = Float64Array.from({ length: ROWS }, (_, row) => 3 * factors[2 * row] - factors[2 * row + 1]);
    const weights = calmWeights(returns, 1);
    const x = weightRows(factors, weights);
    weightRows(returns, weights).forEach((y, row) => {
      expect(y).toBeCloseTo(3 * x[2 * row] - x[2 * row + 1], 12);
      expect(y).toBeCloseTo(weights[row] * returns[row], 12);
    });
  });
});

describe('calm weights so far', () => {
  const random = new Random(4);
  const returns = Float64Array.from({ length: ROWS * ASSETS }, (_, i) =>
    i % 11 === 0 ? Number.NaN : (i > 150 ? 3 : 1) * random.normal(),
  );
  const meanSquare = (row: number) => {
    const seen = [...returns.subarray(row * ASSETS, (row + 1) * ASSETS)].filter((value) => !Number.isNaN(value));
    return seen.reduce((sum, value) => sum + value * value, 0) / seen.length;
  };

  it('are one over the root of the weighted mean square of the rows before and of a row of size 1', () => {
    const weights = calmWeightsSoFar(returns, ASSETS);
    for (const row of [0, 1, 2, 30, 59]) {
      let [sum, count] = [0.94 ** row, 0.94 ** row];
      for (let before = 0; before < row; before++) {
        sum += 0.94 ** (row - 1 - before) * meanSquare(before);
        count += 0.94 ** (row - 1 - before);
      }
      expect(weights[row]).toBeCloseTo(Math.sqrt(count / sum), 12);
    }
  });

  it('know neither their own row nor a later one, and are 1 where nothing was observed', () => {
    const changed = returns.map((value, at) => (at >= 20 * ASSETS ? value + 1000 : value));
    expect(calmWeightsSoFar(changed, ASSETS).subarray(0, 21)).toEqual(
      calmWeightsSoFar(returns, ASSETS).subarray(0, 21),
    );
    expect([...calmWeightsSoFar(new Float64Array(6).fill(Number.NaN), 2)]).toEqual([1, 1, 1]);
  });
});
