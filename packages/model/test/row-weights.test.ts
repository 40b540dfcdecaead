import { ArgumentError, type Fitted, monthEndOfIndex, type Panel, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { type LstmEstimatorOptions, lstmEstimator } from '../src/index.js';
import { disturbed } from './world.js';

const ROWS = 240;
const ASSETS = 12;
const FACTORS = 2;
const TRAIN = { start: 0, end: 220 };
/** Every third two years are a crisis, with residuals four times as large. */
const CRISIS = 4;
const isCrisis = (row: number) => Math.floor(row / 24) % 3 === 2;
const beta = (asset: number, factor: number) => (asset % 3) - 1 + 0.5 * factor;
const small: LstmEstimatorOptions = { hiddenSize: 3, lookback: 1, members: 2, steps: 150 };

/** Returns with betas that stand still. */
function crises(): Panel {
  const random = new Random(8);
  const values = Float64Array.from({ length: ROWS * FACTORS }, () => random.normal());
  const returns = Float64Array.from({ length: ROWS * ASSETS }, (_, i) => {
    const [row, asset] = [Math.floor(i / ASSETS), i % ASSETS];
    const explained = [0, 1].reduce((sum, f) => sum + beta(asset, f) * values[row * FACTORS + f], 0);
    return 0.01 * (explained + 2 * (isCrisis(row) ? CRISIS : 1) * random.normal());
  });
  const axis = { frequency: 'M', dates: Int32Array.from({ length: ROWS }, (_, t) => monthEndOfIndex(t)) } as const;
  const factors = ['A', 'B'].map((name) => {
    return { name, role: 'factor', unit: '%', transform: 'none', releaseLag: 0, source: 'simulated' } as const;
  });
  const assets = Array.from({ length: ASSETS }, (_, i) => ({ name: `S${i}`, source: 'simulated', labels: [] }));
  return { axis, inputs: { axis, factors, values }, assets, returns, horizon: 0 };
}

/** Root mean squared error of the exposures after the fit, in units of the betas. */
async function betaError(fitted: Fitted, panel: Panel): Promise<number> {
  const { sd } = fitted.parameters().scaler;
  let [sum, count] = [0, 0];
  const span = { start: TRAIN.end, end: ROWS };
  for await (const { values, assets, dates, lags, factors } of fitted.jacobian(panel.inputs, span, {
    form: 'contemporaneous',
  })) {
    values.forEach((value, i) => {
      const asset = assets.start + Math.floor(i / (dates * lags * factors));
      sum += ((100 * value) / sd[i % factors] - beta(asset, i % factors)) ** 2;
      count++;
    });
  }
  return Math.sqrt(sum / count);
}

describe('rows weighed by calm', () => {
  const panel = crises();

  it('know betas far better where a third of the rows is a crisis', async () => {
    // Of least squares the ratio is .49: the root of 1 / mean(1 / v) over mean(v); a common prior brings the two nearer.
    const MOST = 0.75;
    const error = async (rowWeights: 'equal' | 'calm') =>
      betaError(await lstmEstimator({ ...small, rowWeights }).fit(panel, TRAIN, { seed: 1 }), panel);
    expect(await error('calm')).toBeLessThan(MOST * (await error('equal')));
  });

  it('take nothing from rows after the span', async () => {
    const estimator = lstmEstimator({ ...small, steps: 20, rowWeights: 'calm' });
    const fitted = await estimator.fit(panel, TRAIN, { seed: 1 });
    const after = await estimator.fit(disturbed(panel, TRAIN.end), TRAIN, { seed: 1 });
    expect(after.parameters()).toEqual(fitted.parameters());
  });

  it('are refused where nothing reads them', async () => {
    const others: LstmEstimatorOptions[] = [
      { heads: 'kalman' },
      { heads: 'learned' },
      { mode: 'per_asset' },
      { form: 'conditional' },
    ];
    for (const other of others) {
      const fit = lstmEstimator({ ...small, ...other, rowWeights: 'calm' }).fit(panel, TRAIN, { seed: 1 });
      await expect(fit).rejects.toThrow(ArgumentError);
    }
  });
});
