import type { Estimator, Panel } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { conditionedInputs, olsEstimator, thresholdEstimator } from '../src/index.js';
import { conditionable } from './conditionable.js';
import { collect, STATE_LEVEL as LEVEL, STATE_ROWS as ROWS, stateWorld } from './world.js';

const estimators = [...conditionable, ['threshold', () => thresholdEstimator({ replications: 49 })] as const];

const span = { start: 0, end: ROWS };

/** Exposure of the first asset to each factor at the last row, per one unit of the factor, with its error. */
async function read(make: () => Estimator, panel: Panel) {
  const fitted = await make().fit(panel, span, { seed: 1 });
  const { scaler } = fitted.parameters();
  const [block] = await collect(
    fitted.jacobian(panel.inputs, { start: ROWS - 1, end: ROWS }, { form: 'contemporaneous' }),
  );
  return Array.from({ length: block.factors }, (_, f) => {
    return { slope: block.values[f] / scaler.sd[f], error: Math.sqrt(block.variance[f]) / scaler.sd[f] };
  });
}

describe.each(estimators)('%s conditioned by a state', (_, make) => {
  it('finds an exposure of either sign on the sides of a level, and keeps the control in the regression', async () => {
    const panel = stateWorld();
    const inputs = conditionedInputs(panel.inputs, { state: 'X4', form: 'thresholded', level: LEVEL });
    const [below, above, ...others] = await read(make, { ...panel, inputs });
    // Half of the slope of .01 is beyond what shrinkage and noise take of it.
    expect(below.slope).toBeGreaterThan(0.005);
    expect(above.slope).toBeLessThan(-0.005);
    expect(below.error).toBeGreaterThan(0);
    for (const { slope } of others) expect(Math.abs(slope)).toBeLessThan(0.005);
  });
});

describe('conditioned inputs', () => {
  it('thresholded: two factors for one, controls kept, the state a control that says which side; missing states', () => {
    const { inputs } = stateWorld();
    const values = inputs.values.slice();
    values[7 * 4 + 3] = Number.NaN;
    const out = conditionedInputs({ ...inputs, values }, { state: 'X4', form: 'thresholded', level: LEVEL });
    expect(out.factors.map(({ name, role }) => [name, role])).toEqual([
      ['X0 where X4 <= 1', 'factor'],
      ['X0 where X4 > 1', 'factor'],
      ['X1 where X4 <= 1', 'factor'],
      ['X1 where X4 > 1', 'factor'],
      ['X3', 'control'],
      ['X4 > 1', 'control'],
    ]);
    for (const row of [0, 1, 2, 3]) {
      const [x, state] = [values[row * 4], values[row * 4 + 3]];
      const own = out.values.subarray(row * 6, row * 6 + 6);
      expect([own[0], own[1]].map((value) => value + 0)).toEqual(state > LEVEL ? [0, x] : [x, 0]);
      expect([own[4], own[5]]).toEqual([values[row * 4 + 2], Number(state > LEVEL)]);
    }
    expect(out.values.subarray(7 * 6, 7 * 6 + 4).every(Number.isNaN)).toBe(true);
  });

  it('interacted: the exposure at the level, and its change by unit of the state, to 4 standard errors', async () => {
    const panel = stateWorld(true);
    const inputs = conditionedInputs(panel.inputs, { state: 'X4', form: 'interacted', level: LEVEL });
    expect(inputs.factors.map(({ name, role }) => [name, role])).toEqual([
      ['X0', 'factor'],
      ['X0 x (X4 - 1)', 'factor'],
      ['X1', 'factor'],
      ['X1 x (X4 - 1)', 'factor'],
      ['X3', 'control'],
      ['X4', 'control'],
    ]);
    const [level, change] = await read(() => olsEstimator(), { ...panel, inputs });
    expect(Math.abs(level.slope - 0.01)).toBeLessThan(4 * level.error);
    expect(Math.abs(change.slope - 0.004)).toBeLessThan(4 * change.error);
    expect(change.error).toBeLessThan(0.001);
  });

  it('refuses a state that does not exist and a level that it never crosses', () => {
    const { inputs } = stateWorld();
    expect(() => conditionedInputs(inputs, { state: 'Y', form: 'interacted', level: 0 })).toThrow('name one of X0');
    expect(() => conditionedInputs(inputs, { state: 'X4', form: 'thresholded', level: 99 })).toThrow(
      'never crosses 99',
    );
  });
});
