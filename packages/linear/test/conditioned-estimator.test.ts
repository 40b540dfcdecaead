import type { ConditionedParameters, Estimator, FactorPanel, Fitted, JacobianOptions, Panel } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  conditionedEstimator,
  conditionedFromParameters,
  conditionedInputs,
  distributedLagEstimator,
  olsEstimator,
  splineEstimator,
  zeroEstimator,
} from '../src/index.js';
import { conditionable } from './conditionable.js';
import { collect, disturbed, STATE_LEVEL as LEVEL, STATE_ROWS as ROWS, stateWorld } from './world.js';

const TRAIN = { start: 0, end: 240 };
const READ = { start: 200, end: ROWS };
const rows = READ.end - READ.start;
const thresholded = { state: 'X4', level: LEVEL };
const panel = stateWorld();

async function fit(make: () => Estimator, options: { state: string; level?: number }, own: Panel = panel) {
  return conditionedEstimator(make(), options).fit(own, TRAIN, { seed: 1 });
}

/** The one block of six assets. */
async function blockOf(fitted: Pick<Fitted, 'jacobian'>, options: JacobianOptions, inputs: FactorPanel = panel.inputs) {
  const [block] = await collect(fitted.jacobian(inputs, READ, options));
  return block;
}

function stateAt(row: number): number {
  return panel.inputs.values[row * 4 + 3];
}

describe.each(conditionable)('%s conditioned by a state', (_, make) => {
  it('has the exposure of the side that each row is on, with an error, also after the training span', async () => {
    const fitted = await fit(make, thresholded);
    const { values, variance, factors } = await blockOf(fitted, { form: 'contemporaneous' });
    const { sd } = (fitted.parameters() as ConditionedParameters).scaler;
    expect(factors).toBe(2);
    for (let row = 0; row < rows; row++) {
      const slope = values[row * factors] / sd[0];
      // Half of the slope of .01 is beyond what shrinkage and noise take of it.
      expect(stateAt(READ.start + row) > LEVEL ? -slope : slope).toBeGreaterThan(0.005);
      expect(variance[row * factors]).toBeGreaterThan(0);
    }
    expect(fitted.diagnostics.pValues.length).toBe(6 * factors);
  });

  it('is given again by its stored parameters after the training span', async () => {
    const fitted = await fit(make, thresholded);
    const again = conditionedFromParameters(fitted.parameters() as ConditionedParameters);
    const span = { start: TRAIN.end, end: ROWS };
    const close = (a: Float64Array, b: Float64Array) => {
      // Rounding of two orders of summation.
      expect(Math.max(...a.map((value, at) => Math.abs(value - b[at])))).toBeLessThan(1e-12);
    };
    close((await fitted.predict(panel.inputs, span)).values, (await again.predict(panel.inputs, span)).values);
    const [one] = await collect(fitted.jacobian(panel.inputs, span, { form: 'contemporaneous' }));
    const [two] = await collect(again.jacobian(panel.inputs, span, { form: 'contemporaneous' }));
    close(one.values, two.values);
    close(one.variance, two.variance);
  });
});

describe('a conditioned method', () => {
  it('is the method on conditioned inputs, per unit of the factor: least squares', async () => {
    const inputs = conditionedInputs(panel.inputs, { ...thresholded, form: 'thresholded' });
    const plain = await olsEstimator().fit({ ...panel, inputs }, TRAIN, { seed: 1 });
    const fitted = await fit(() => olsEstimator(), thresholded);
    const [own] = await collect(plain.jacobian(inputs, READ, { form: 'contemporaneous' }));
    const ownSd = plain.parameters().scaler.sd;
    const { values, variance } = await blockOf(fitted, { form: 'contemporaneous' });
    const { sd } = (fitted.parameters() as ConditionedParameters).scaler;
    for (let row = 0; row < rows; row++) {
      const part = stateAt(READ.start + row) > LEVEL ? 1 : 0;
      const scale = sd[0] / ownSd[part];
      expect(values[row * 2]).toBeCloseTo(scale * own.values[row * 4 + part], 14);
      expect(variance[row * 2]).toBeCloseTo(scale ** 2 * own.variance[row * 4 + part], 14);
    }
    expect((await fitted.predict(panel.inputs, READ)).values).toEqual((await plain.predict(inputs, READ)).values);
  });

  it('without a level moves in a line with the state, to 4 standard errors', async () => {
    const world = stateWorld(true);
    const fitted = await fit(() => olsEstimator(), { state: 'X4' }, world);
    const { values, variance } = await blockOf(fitted, { form: 'contemporaneous' }, world.inputs);
    const { sd } = (fitted.parameters() as ConditionedParameters).scaler;
    let moved = 0;
    for (let row = 0; row < rows; row++) {
      const truth = 0.01 + 0.004 * (stateAt(READ.start + row) - LEVEL);
      const [slope, error] = [values[row * 2] / sd[0], Math.sqrt(variance[row * 2]) / sd[0]];
      expect(Math.abs(slope - truth)).toBeLessThan(4 * error);
      if (Math.abs(slope - 0.01) > 4 * error) moved++;
    }
    expect(moved).toBeGreaterThan(rows / 3);
  });

  it('takes the state of the row that a lag belongs to', async () => {
    const fitted = await fit(() => distributedLagEstimator(), thresholded);
    const { values, lags } = await blockOf(fitted, { form: 'lags' });
    const bySide = new Map<string, number>();
    for (let row = 0; row < rows; row++) {
      for (let lag = 0; lag < lags; lag++) {
        const key = `${stateAt(READ.start + row - lag) > LEVEL} ${lag}`;
        const value = values[(row * lags + lag) * 2];
        // One number a side and lag, whatever the row.
        expect(value).toBe(bySide.get(key) ?? value);
        bySide.set(key, value);
      }
    }
    expect(bySide.size).toBe(2 * lags);
  });

  it.each(['ols', 'rolling_ols', 'distributed_lag'])('averages over dates what stands at them: %s', async (name) => {
    const make = conditionable.find(([id]) => id === name)![1];
    const fitted = await fit(make, thresholded);
    for (const form of ['contemporaneous', 'cumulative', 'lags'] as const) {
      const each = await blockOf(fitted, { form });
      const mean = await blockOf(fitted, { form, average: true });
      const perRow = each.lags * 2;
      mean.values.forEach((value, at) => {
        const [asset, cell] = [Math.floor(at / perRow), at % perRow];
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += each.values[(asset * rows + row) * perRow + cell];
        expect(value).toBeCloseTo(sum / rows, 12);
      });
    }
  });

  it('says that a side was barely seen, and has no exposure there', async () => {
    const level = [...panel.inputs.values]
      .filter((_, at) => at % 4 === 3 && at < 4 * TRAIN.end)
      .sort((a, b) => b - a)[9];
    const fitted = await fit(() => olsEstimator(), { state: 'X4', level });
    expect(fitted.diagnostics.status[0]).toMatchObject({ status: 'regime_barely_seen' });
    expect(fitted.diagnostics.status[0].remedy).toContain('in 9 training rows');
    const { values } = await blockOf(fitted, { form: 'contemporaneous' });
    for (let row = 0; row < rows; row++) {
      expect(Number.isNaN(values[row * 2])).toBe(stateAt(READ.start + row) > level);
    }
  });

  it('does not look ahead: later rows change no bit of earlier exposures', async () => {
    for (const options of [thresholded, { state: 'X4' }]) {
      const span = { start: 100, end: TRAIN.end };
      const read = async (own: Panel) => {
        const fitted = await fit(() => olsEstimator(), options, own);
        return (await collect(fitted.jacobian(own.inputs, span, { form: 'contemporaneous' })))[0];
      };
      expect(await read(disturbed(panel, TRAIN.end))).toEqual(await read(panel));
    }
  });

  it('has no exposure where the state is missing', async () => {
    const fitted = await fit(() => olsEstimator(), thresholded);
    const values = panel.inputs.values.slice();
    values[READ.start * 4 + 3] = Number.NaN;
    const block = await blockOf(fitted, { form: 'contemporaneous' }, { ...panel.inputs, values });
    expect(block.values.slice(0, 2)).toEqual(Float64Array.of(Number.NaN, Number.NaN));
    expect(block.values.slice(2, 4).some(Number.isNaN)).toBe(false);
  });

  it('refuses methods that take states by themselves, and unknown states', async () => {
    for (const make of [zeroEstimator, splineEstimator]) {
      expect(() => conditionedEstimator(make(), thresholded)).toThrow('from outside');
    }
    await expect(fit(() => olsEstimator(), { state: 'Y' })).rejects.toThrow('name one of X0');
  });
});
