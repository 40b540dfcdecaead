import type { FactorPanel, Fitted, Span } from '@macrograd/core';
import { expect, it } from 'vitest';
import { crossPartials, jointShock } from '../src/index.js';
import { fakeFit, fakeInputs, TRAINING_SD } from './fake_fit.js';

const ROWS = 50;
const inputs = fakeInputs(ROWS);
const span = { start: 0, end: ROWS };
/** Central differences of functions of degree two are exact up to rounding. */
const DIGITS = 9;

/** E[r] = c z_A z_S + b z_B z_A of two assets, S being a state; z in the fake fit's SD, around mean 0. */
const products = [
  [0.02, 0.01],
  [-0.03, 0],
];

const z = ({ values }: FactorPanel, row: number, column: number) => values[row * 3 + column] / TRAINING_SD[column];

const bilinear: Fitted = {
  ...fakeFit(),
  predict: (given: FactorPanel, of: Span) => {
    const values: number[] = [];
    for (let row = of.start; row < of.end; row++) {
      for (const [c, b] of products) values.push(z(given, row, 0) * (c * z(given, row, 2) + b * z(given, row, 1)));
    }
    return Promise.resolve({ span: of, assets: { start: 0, end: 2 }, values: Float64Array.from(values) });
  },
  async *jacobian(given, of) {
    const mean = (column: number) => {
      let sum = 0;
      for (let row = of.start; row < of.end; row++) sum += z(given, row, column) / (of.end - of.start);
      return sum;
    };
    const values = products.flatMap(([c, b]) => [c * mean(2) + b * mean(1), b * mean(0)]);
    const block = { assets: { start: 0, end: 2 }, span: of, dates: 1, lags: 1, factors: 2 };
    yield { ...block, values: Float64Array.from(values), variance: new Float64Array(4) };
  },
};

it('reads cross-partials with a state and with a factor off the Jacobian', async () => {
  const withState = await crossPartials(bilinear, inputs, span, 2);
  [0.02, 0, -0.03, 0].forEach((expected, cell) => {
    expect(withState[cell]).toBeCloseTo(expected, DIGITS);
  });
  const withFactor = await crossPartials(bilinear, inputs, span, 1);
  [0.01, 0, 0, 0].forEach((expected, cell) => {
    expect(withFactor[cell]).toBeCloseTo(expected, DIGITS);
  });
});

it('gives a joint shock its product and what the factor that moves along adds', async () => {
  const shock = await jointShock(bilinear, inputs, span, [0, 2]);
  // B follows A and S by a regression without intercept on both; only its move with S multiplies A's.
  const sum = (a: number, b: number) => {
    let total = 0;
    for (let row = 0; row < ROWS; row++) total += z(inputs, row, a) * z(inputs, row, b);
    return total;
  };
  const determinant = sum(0, 0) * sum(2, 2) - sum(0, 2) ** 2;
  const onA = (sum(1, 0) * sum(2, 2) - sum(1, 2) * sum(0, 2)) / determinant;
  const onS = (sum(1, 2) * sum(0, 0) - sum(1, 0) * sum(0, 2)) / determinant;
  // A B with both up: (a + 1)(b + onA + onS) - (a + 1)(b + onA) - a (b + onS) + a b = onS.
  expect(Math.abs(onA)).toBeGreaterThan(0);
  expect(shock[0]).toBeCloseTo(0.02 + 0.01 * onS, DIGITS);
  expect(shock[1]).toBeCloseTo(-0.03, DIGITS);
});
