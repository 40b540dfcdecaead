import {
  type FactorPanel,
  type Fitted,
  fitScaler,
  type JacobianBlock,
  monthEndOfIndex,
  Random,
  type Span,
} from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { FactorVar, type Fold, hedgedReturns } from '../src/index.js';

const ROWS = 900;
const fold: Fold = { index: 0, train: { start: 0, end: 500 }, test: { start: 500, end: ROWS } };
const TEST_ROWS = ROWS - 500;
/** Two factors with memory, and a state. */
const SERIES = 3;
const FACTORS = 2;
const ASSETS = 2;
// Sums of a few products of numbers near 1, in another order.
const ROUNDING = 1e-12;

function world(): FactorPanel {
  const random = new Random(8);
  const values = new Float64Array(ROWS * SERIES);
  for (let row = 0; row < ROWS; row++) {
    for (let j = 0; j < SERIES; j++) {
      const before = row === 0 ? 0 : values[(row - 1) * SERIES + j];
      values[row * SERIES + j] = [0.2, 0.6, 0.9][j] * before + random.normal();
    }
  }
  const axis = { frequency: 'M', dates: Int32Array.from({ length: ROWS }, (_, t) => monthEndOfIndex(t)) } as const;
  const meta = (role: 'factor' | 'state', name: string) => {
    return { name, role, unit: 'pp', transform: 'none', releaseLag: 0, source: 'simulated' } as const;
  };
  return { axis, factors: [meta('factor', 'A'), meta('factor', 'B'), meta('state', 'S')], values };
}

type Exposure = (asset: number, factor: number, z: (series: number) => number) => number;

/** A fit whose exposures are a function of the row's inputs; NaN where the factor is missing. */
function fitOf(exposure: Exposure, look: (inputs: FactorPanel, span: Span) => void = () => {}): Fitted {
  const fitted: Pick<Fitted, 'method' | 'jacobian'> = {
    method: 'spline',
    async *jacobian(inputs: FactorPanel, span: Span): AsyncIterable<JacobianBlock> {
      look(inputs, span);
      const dates = span.end - span.start;
      const values = Float64Array.from({ length: ASSETS * dates * FACTORS }, (_, i) => {
        const [asset, factor] = [Math.floor(i / (dates * FACTORS)), i % FACTORS];
        const row = span.start + (Math.floor(i / FACTORS) % dates);
        const z = (series: number) => inputs.values[row * SERIES + series];
        return Number.isNaN(z(factor)) ? Number.NaN : exposure(asset, factor, z);
      });
      const assets = { start: 0, end: ASSETS };
      yield { assets, span, dates, lags: 1, factors: FACTORS, values, variance: values.map(() => Number.NaN) };
    },
  };
  return fitted as Fitted;
}

const inputs = world();
const nothing = new Float64Array(TEST_ROWS * ASSETS);
const average = { readAt: 'average' } as const;
const { sd } = fitScaler(inputs.values, SERIES, fold.train);
const expectation = new FactorVar(inputs, fold.train);
const innovations = Array.from({ length: TEST_ROWS }, (_, t) => expectation.innovation(inputs, fold.test.start + t));

describe('a hedge by exposures averaged over likely moves', () => {
  it('takes exposures that are straight lines of the factors at their expectation: moves come with their mirror image', async () => {
    const slope = (asset: number, factor: number) => 1 + asset - 0.4 * factor;
    const fitted = fitOf((asset, factor, z) => slope(asset, factor) * z(0) + 0.3 * z(1));
    const hedged = await hedgedReturns(fitted, inputs, fold, nothing, average);
    for (let t = 0; t < TEST_ROWS; t++) {
      const expected = [0, 1].map((j) => {
        const z = inputs.values[(fold.test.start + t) * SERIES + j];
        return z - sd[j] * innovations[t][j];
      });
      for (let asset = 0; asset < ASSETS; asset++) {
        const want = [0, 1].reduce((sum, j) => {
          return sum - (slope(asset, j) * expected[0] + 0.3 * expected[1]) * innovations[t][j];
        }, 0);
        expect(Math.abs(hedged[t * ASSETS + asset] - want)).toBeLessThan(ROUNDING);
      }
    }
  });

  it('is the hedge by exposures at the state where these are the same everywhere', async () => {
    const fitted = fitOf((asset, factor) => 0.5 - asset + 2 * factor);
    const at = await hedgedReturns(fitted, inputs, fold, nothing);
    const over = await hedgedReturns(fitted, inputs, fold, nothing, average);
    at.forEach((value, i) => {
      expect(Math.abs(over[i] - value)).toBeLessThan(ROUNDING);
    });
  });

  it('leaves less variance of a bent return than exposures at the state', async () => {
    // r = sqrt(z^2 + .1): the exposure changes sign with a factor that has hardly any memory.
    const bend = (z: number) => Math.sqrt(z * z + 0.1);
    const fitted = fitOf((_, factor, z) => (factor === 0 ? z(0) / bend(z(0)) : 0));
    const returns = nothing.map((_, i) => {
      return bend(inputs.values[(fold.test.start + Math.floor(i / ASSETS)) * SERIES]) / sd[0];
    });
    const variance = (values: Float64Array) => {
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    };
    const left = async (options: object) => variance(await hedgedReturns(fitted, inputs, fold, returns, options));
    const [at, over] = [await left({}), await left({ ...average, draws: 16 })];
    expect(over).toBeLessThan(variance(returns));
    expect(over).toBeLessThan(at);
  });

  it('looks at nothing of the date itself or after, and leaves the state where it was', async () => {
    let calls = 0;
    const fitted = fitOf(
      () => 1,
      ({ axis, values }, { start, end }) => {
        calls++;
        expect(end).toBe(start + 1);
        expect(axis.dates.length).toBe(end);
        expect(values.length).toBe(end * SERIES);
        const known = values.subarray(0, start * SERIES);
        expect(known.every((value, i) => value === inputs.values[i])).toBe(true);
        expect(values[start * SERIES + 2]).toBe(inputs.values[(start - 1) * SERIES + 2]);
        expect(values[start * SERIES]).not.toBe(inputs.values[start * SERIES]);
      },
    );
    await hedgedReturns(fitted, inputs, fold, nothing, { ...average, draws: 2 });
    expect(calls).toBe(4 * TEST_ROWS);
  });

  it('leaves a factor that is missing the month before unhedged', async () => {
    const values = inputs.values.slice();
    values[(fold.test.start + 9) * SERIES] = Number.NaN;
    const holed = { ...inputs, values };
    const fitted = fitOf((_, factor) => (factor === 0 ? 1 : 0));
    const hedged = await hedgedReturns(fitted, holed, fold, nothing, average);
    for (const t of [9, 10]) expect(hedged[t * ASSETS]).toBe(0);
    for (const t of [8, 11]) expect(hedged[t * ASSETS]).not.toBe(0);
  });

  it('draws the same moves for the same seed, others for another, and refuses none', async () => {
    const fitted = fitOf((_, factor, z) => Math.tanh(3 * z(factor)));
    const of = (seed: number) => hedgedReturns(fitted, inputs, fold, nothing, { ...average, seed });
    expect(await of(1)).toEqual(await of(1));
    expect(await of(2)).not.toEqual(await of(1));
    const none = hedgedReturns(fitted, inputs, fold, nothing, { ...average, draws: 0 });
    await expect(none).rejects.toThrow(/draws is 0; give a whole number from 1/);
  });
});
