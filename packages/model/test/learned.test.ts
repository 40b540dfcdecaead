import type { Fitted } from '@macrograd/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromParameters, type LstmEstimatorOptions, lstmEstimator } from '../src/index.js';
import {
  ASSETS,
  at,
  collect,
  disturbed,
  LATE_FACTOR,
  ROWS,
  shocked,
  THIN_ASSET,
  THRESHOLD,
  TRAIN,
  world,
} from './world.js';

const { panel, truth } = world();
const learned: LstmEstimatorOptions = { heads: 'learned', lookback: 4, members: 2, hiddenSize: 8 };
let fitted: Fitted;

beforeAll(async () => {
  fitted = await lstmEstimator(learned).fit(panel, TRAIN, { seed: 3 });
});

describe('learned heads', () => {
  it('find an exposure that changes sign with its own level, which no straight line can', async () => {
    const state = await lstmEstimator({ ...learned, lookback: 1 }).fit(panel, TRAIN, { seed: 3 });
    const later = { start: TRAIN.end, end: ROWS };
    const [block] = await collect(state.jacobian(panel.inputs, later, { form: 'contemporaneous' }));
    let [error, size] = [0, 0];
    for (let asset = 0; asset < ASSETS; asset++) {
      if (asset === THIN_ASSET) continue;
      for (let date = 0; date < block.dates; date++) {
        const want = truth[(TRAIN.end + date) * ASSETS + asset];
        error += (at(block, asset, date, 0, THRESHOLD) - want) ** 2;
        size += want ** 2;
      }
    }
    // A straight line has an error of about 1; the bound is that of heads in closed form on the same world.
    expect(Math.sqrt(error / size)).toBeLessThan(0.6);
  });

  it('give the derivatives of what they predict, at every lag of the window', async () => {
    // The encoder runs in float32: a step of .02 SD balances its rounding (1e-7 / .02) and the curvature (.02^2).
    const STEP = 0.02;
    const TOLERANCE = 3e-3;
    const { scaler } = fitted.parameters();
    const row = 160;
    const span = { start: row, end: row + 1 };
    const [block] = await collect(fitted.jacobian(panel.inputs, span));
    expect(block.lags).toBe(4);
    const largest = block.values.reduce((m, x) => (Number.isNaN(x) ? m : Math.max(m, Math.abs(x))), 0);
    for (const factor of [0, THRESHOLD, LATE_FACTOR]) {
      for (const lag of [0, 1, 3]) {
        const moved = async (sign: number) =>
          fitted.predict(shocked(panel.inputs, row - lag, factor, sign * STEP * scaler.sd[factor]), span);
        const [up, down] = [(await moved(1)).values, (await moved(-1)).values];
        for (let asset = 0; asset < ASSETS; asset++) {
          if (asset === THIN_ASSET) continue;
          const difference = (up[asset] - down[asset]) / (2 * STEP);
          expect(Math.abs(at(block, asset, 0, lag, factor) - difference)).toBeLessThan(TOLERANCE * largest);
        }
      }
    }
  });

  it('have the same bits on one thread and on two, and none from later rows', async () => {
    const one = await lstmEstimator({ ...learned, threads: 1 }).fit(panel, TRAIN, { seed: 3 });
    const two = await lstmEstimator({ ...learned, threads: 2 }).fit(disturbed(panel, TRAIN.end), TRAIN, { seed: 3 });
    expect(two.parameters()).toEqual(one.parameters());
    expect(one.parameters()).toEqual(fitted.parameters());
  });

  it('come back from stored parameters with the same predictions, and have variances above 0', async () => {
    const parameters = fitted.parameters();
    if (parameters.method !== 'lstm') throw new Error('not an LSTM');
    const later = { start: TRAIN.end, end: ROWS };
    expect(await fromParameters(parameters).predict(panel.inputs, later)).toEqual(
      await fitted.predict(panel.inputs, later),
    );
    const [block] = await collect(fitted.jacobian(panel.inputs, later));
    expect(at(block, 0, 0, 0, THRESHOLD, block.variance)).toBeGreaterThan(0);
  });

  it('refuse a mixed cell, which has heads in closed form alone', async () => {
    const mixed = lstmEstimator({ ...learned, cell: 'mixed' });
    await expect(mixed.fit(panel, TRAIN, { seed: 1 })).rejects.toThrow(/heads are learned/);
  });
});
