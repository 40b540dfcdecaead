import { type Fitted, lstmOfAsset, type Panel, type PerAssetLstmParameters } from '@macrograd/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromParameters, type LstmEstimatorOptions, lstmEstimator } from '../src/index.js';
import {
  ASSETS,
  at,
  collect,
  DIFFERENCE_TOLERANCE,
  differenceError,
  disturbed,
  LATE_ASSET,
  ROWS,
  THIN_ASSET,
  THRESHOLD,
  TRAIN,
  thresholdError,
  world,
} from './world.js';

const { panel, truth } = world();
const options: LstmEstimatorOptions = { mode: 'per_asset', lookback: 4, members: 2, hiddenSize: 6, steps: 40 };
const later = { start: TRAIN.end, end: ROWS };
/** A straight line has an error of about 1. What 120 returns of one asset alone tell is less than what fourteen tell. */
const BETTER_THAN_A_LINE = 0.9;

let fitted: Fitted;
beforeAll(async () => {
  fitted = await lstmEstimator(options).fit(panel, TRAIN, { seed: 3 });
});

const networks = (fit: Fitted) => fit.parameters() as PerAssetLstmParameters;

describe('a network for every asset', () => {
  it('finds an exposure that changes sign with its own level', async () => {
    const state = await lstmEstimator({ ...options, lookback: 1, steps: 400 }).fit(panel, TRAIN, { seed: 3 });
    const [block] = await collect(state.jacobian(panel.inputs, later, { form: 'contemporaneous' }));
    expect(thresholdError(block, truth)).toBeLessThan(BETTER_THAN_A_LINE);
  });

  it('gives the derivatives of what it predicts, at every lag of the window', async () => {
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: 160, end: 161 }));
    expect(block.lags).toBe(4);
    expect(await differenceError(fitted, panel.inputs, 160, [0, 1, 3])).toBeLessThan(DIFFERENCE_TOLERANCE);
  });

  it('has the same bits on one thread and on two, and none from later rows', async () => {
    const one = await lstmEstimator({ ...options, threads: 1 }).fit(panel, TRAIN, { seed: 3 });
    const two = await lstmEstimator({ ...options, threads: 2 }).fit(disturbed(panel, TRAIN.end), TRAIN, { seed: 3 });
    expect(two.parameters()).toEqual(one.parameters());
    expect(one.parameters()).toEqual(fitted.parameters());
  });

  it('knows nothing of other assets: another return of one asset changes its own network alone', async () => {
    const returns = panel.returns.slice();
    returns[90 * ASSETS + 5] += 0.1;
    const other = networks(await lstmEstimator(options).fit({ ...panel, returns }, TRAIN, { seed: 3 }));
    for (let asset = 0; asset < ASSETS; asset++) {
      const [own, before] = [lstmOfAsset(other, asset), lstmOfAsset(networks(fitted), asset)];
      if (asset === 5) expect(own).not.toEqual(before);
      else expect(own).toEqual(before);
    }
  });

  it('learns from the rows on which the asset has a return', async () => {
    // Inputs of rows without a return of the late asset move; their mean and spread, which all share, stay.
    const swapped = exchanged(panel, 35, 38);
    const other = networks(await lstmEstimator(options).fit(swapped, TRAIN, { seed: 3 }));
    // A window of 4 reaches back from row 40 to row 37.
    const short = { ...options, lookback: 1 };
    const [before, after] = await Promise.all(
      [panel, swapped].map(async (own) => networks(await lstmEstimator(short).fit(own, TRAIN, { seed: 3 }))),
    );
    expect(lstmOfAsset(after, LATE_ASSET).members).toEqual(lstmOfAsset(before, LATE_ASSET).members);
    expect(lstmOfAsset(after, 0).members).not.toEqual(lstmOfAsset(before, 0).members);
    expect(lstmOfAsset(other, LATE_ASSET).members).not.toEqual(lstmOfAsset(networks(fitted), LATE_ASSET).members);
    expect(fitted.diagnostics.observations[LATE_ASSET]).toBe(TRAIN.end - 40);
  });

  it('leaves an asset with too few returns without numbers, with a status', async () => {
    expect(fitted.diagnostics.status[THIN_ASSET].status).toBe('too_few_observations');
    const [block] = await collect(fitted.jacobian(panel.inputs, later));
    expect(at(block, THIN_ASSET, 0, 0, THRESHOLD)).toBeNaN();
    const { values } = await fitted.predict(panel.inputs, later);
    expect(values[THIN_ASSET]).toBeNaN();
    expect(Number.isFinite(values[THIN_ASSET + 1])).toBe(true);
  });

  it('has a status for every asset where none has enough returns', async () => {
    const returns = panel.returns.map((value, i) => (i < (TRAIN.end - 20) * ASSETS ? Number.NaN : value));
    const thin = await lstmEstimator(options).fit({ ...panel, returns }, TRAIN, { seed: 3 });
    expect(new Set(thin.diagnostics.status.map(({ status }) => status))).toEqual(new Set(['too_few_observations']));
    const [block] = await collect(thin.jacobian(panel.inputs, later));
    expect(block.values.every(Number.isNaN)).toBe(true);
    const { values } = await thin.predict(panel.inputs, later);
    expect(values.every(Number.isNaN)).toBe(true);
  });

  it('gives blocks of a range of assets as all at once has them', async () => {
    const [all] = await collect(fitted.jacobian(panel.inputs, later));
    const [some] = await collect(fitted.jacobian(panel.inputs, later, { assets: { start: 4, end: 6 } }));
    const width = all.values.length / ASSETS;
    expect(some.values).toEqual(all.values.slice(4 * width, 6 * width));
    const { values } = await fitted.predict(panel.inputs, later, { start: 4, end: 6 });
    const whole = await fitted.predict(panel.inputs, later);
    expect([...values.subarray(0, 2)]).toEqual([...whole.values.subarray(4, 6)]);
  });

  it('comes back from stored parameters with the same predictions and exposures', async () => {
    const again = fromParameters(structuredClone(networks(fitted)));
    expect(await again.predict(panel.inputs, later)).toEqual(await fitted.predict(panel.inputs, later));
    expect(await collect(again.jacobian(panel.inputs, later))).toEqual(
      await collect(fitted.jacobian(panel.inputs, later)),
    );
    expect(again.diagnostics.facts.lookback).toBe(4);
  });

  it("has the members' spread for a variance, and none with one member", async () => {
    const [block] = await collect(fitted.jacobian(panel.inputs, later));
    expect(at(block, 0, 0, 0, THRESHOLD, block.variance)).toBeGreaterThan(0);
    const single = await lstmEstimator({ ...options, members: 1 }).fit(panel, TRAIN, { seed: 3 });
    const [alone] = await collect(single.jacobian(panel.inputs, later));
    expect(at(alone, 0, 0, 0, THRESHOLD, alone.variance)).toBeNaN();
    expect(Number.isFinite(at(alone, 0, 0, 0, THRESHOLD))).toBe(true);
  });

  it('takes the shorter window where a longer one explains no more', async () => {
    const chosen = await lstmEstimator({ ...options, lookback: 'auto', steps: 400 }).fit(panel, TRAIN, { seed: 3 });
    expect(networks(chosen).lookback).toBe(1);
    expect(chosen.diagnostics.facts.validation_error_lookback_36).toBeGreaterThan(0);
  });

  it.each([
    [{ heads: 'kalman' }, /heads are kalman and mode is per_asset/],
    [{ cell: 'mixed' }, /cell is mixed and mode is per_asset/],
  ] as const)('refuses %o, which it does not have', async (wrong, message) => {
    await expect(lstmEstimator({ ...options, ...wrong }).fit(panel, TRAIN, { seed: 1 })).rejects.toThrow(message);
  });
});

/** The panel with the inputs of two rows exchanged. */
function exchanged(of: Panel, a: number, b: number): Panel {
  const width = of.inputs.factors.length;
  const values = of.inputs.values.slice();
  values.set(of.inputs.values.subarray(a * width, (a + 1) * width), b * width);
  values.set(of.inputs.values.subarray(b * width, (b + 1) * width), a * width);
  return { ...of, inputs: { ...of.inputs, values } };
}
