import type { Fitted } from '@macrograd/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromParameters, type LstmEstimatorOptions, lstmEstimator } from '../src/index.js';
import {
  at,
  collect,
  DIFFERENCE_TOLERANCE,
  differenceError,
  disturbed,
  ROWS,
  THRESHOLD,
  TRAIN,
  thresholdError,
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
    // A straight line has an error of about 1; the bound is that of heads in closed form on the same world.
    expect(thresholdError(block, truth)).toBeLessThan(0.6);
  });

  it('give the derivatives of what they predict, at every lag of the window', async () => {
    const row = 160;
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: row, end: row + 1 }));
    expect(block.lags).toBe(4);
    expect(await differenceError(fitted, panel.inputs, row, [0, 1, 3])).toBeLessThan(DIFFERENCE_TOLERANCE);
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

  it('have no variance with one member', async () => {
    const single = await lstmEstimator({ ...learned, members: 1 }).fit(panel, TRAIN, { seed: 3 });
    const [block] = await collect(single.jacobian(panel.inputs, { start: TRAIN.end, end: ROWS }));
    expect(Number.isFinite(at(block, 0, 0, 0, THRESHOLD))).toBe(true);
    expect(at(block, 0, 0, 0, THRESHOLD, block.variance)).toBeNaN();
  });

  it('refuse a mixed cell, which has heads in closed form alone', async () => {
    const mixed = lstmEstimator({ ...learned, cell: 'mixed' });
    await expect(mixed.fit(panel, TRAIN, { seed: 1 })).rejects.toThrow(/heads are learned/);
  });
});
