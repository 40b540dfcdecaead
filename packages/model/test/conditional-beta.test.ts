import { type Estimator, type Fitted, type LstmParameters, type Panel, Random } from '@macrograd/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { conditionalBetaEstimator, effectiveMemory, fromParameters, lstmEstimator } from '../src/index.js';
import { ASSETS, at, collect, disturbed, ROWS, THIN_ASSET, TRAIN, world } from './world.js';

const FACTORS = 4;
const later = { start: TRAIN.end, end: ROWS };

/** World in which the exposure to factor 0 has the sign of the state (series 4) of the row before. */
function stateful(): Panel {
  const { panel } = world(5);
  const series = panel.inputs.factors.length;
  const { values } = panel.inputs;
  const random = new Random(9);
  const returns = panel.returns.map((x, i) => {
    const row = Math.floor(i / ASSETS);
    if (Number.isNaN(x) || row === 0) return x;
    const state = (values[(row - 1) * series + 4] - 2) / 15;
    return 0.02 * Math.tanh(state) * ((values[row * series] - 2) / 3) + 0.01 * random.normal();
  });
  return { ...panel, returns };
}

/** No exposure, no mean. */
const nothing: Estimator = {
  method: 'zero',
  fit: async (of) => {
    const all = { start: 0, end: of.assets.length };
    const zeros = (span: { start: number; end: number }, width: number, assets = all) =>
      new Float64Array((assets.end - assets.start) * (span.end - span.start) * width);
    return {
      method: 'zero',
      predict: async (_, span, assets = all) => ({ span, assets, values: zeros(span, 1, assets) }),
      async *jacobian(_, span, { assets = all, average = false } = {}) {
        const dates = average ? 1 : span.end - span.start;
        const values = zeros({ start: 0, end: dates }, FACTORS, assets);
        yield { assets, span, dates, lags: 1, factors: FACTORS, values, variance: values.slice() };
      },
      parameters: () => {
        throw new Error('not asked for here');
      },
      diagnostics: { status: [], observations: new Int32Array(0), pValues: new Float64Array(0), facts: {} },
    };
  },
};

const panel = stateful();
const options = { base: nothing, lookback: 3, hiddenSize: 3, members: 2, steps: 250 };
let fitted: Fitted;

const exposures = async (of: Fitted, inputs = panel.inputs, span = later) =>
  (await collect(of.jacobian(inputs, span, { form: 'contemporaneous' })))[0];

beforeAll(async () => {
  fitted = await conditionalBetaEstimator(options).fit(panel, TRAIN, { seed: 3 });
});

describe('conditionalBetaEstimator', () => {
  it('keeps a network whose state moves betas, and finds their sign', async () => {
    expect(fitted.diagnostics.facts.network_kept).toBe(1);
    expect(fitted.diagnostics.facts.network_gain).toBeGreaterThan(0.1);
    const block = await exposures(fitted);
    const series = panel.inputs.factors.length;
    let [right, count] = [0, 0];
    for (let date = 0; date < block.dates; date++) {
      const state = panel.inputs.values[(TRAIN.end + date - 1) * series + 4] - 2;
      // States within a third of an SD have exposures near 0.
      if (Math.abs(state) < 5) continue;
      right += at(block, 2, date, 0, 0) * state > 0 ? 1 : 0;
      count++;
    }
    expect(right / count).toBeGreaterThan(0.9);
  });

  it('has exposures that are the derivative of its prediction by the factors of the row', async () => {
    const span = { start: TRAIN.end, end: TRAIN.end + 1 };
    const { scaler } = fitted.parameters() as LstmParameters;
    const block = await exposures(fitted, panel.inputs, span);
    const series = panel.inputs.factors.length;
    for (const factor of [0, 1, 2]) {
      const moved = async (sign: number) => {
        const values = panel.inputs.values.slice();
        values[span.start * series + factor] = 2 + sign * 0.1 * scaler.sd[factor];
        return (await fitted.predict({ ...panel.inputs, values }, span)).values;
      };
      const [up, down] = [await moved(1), await moved(-1)];
      // Linear in the factors: nothing but rounding of sums of 20 products of order .01.
      for (const asset of [0, 5]) {
        expect(Math.abs((up[asset] - down[asset]) / 0.2 - at(block, asset, 0, 0, factor))).toBeLessThan(1e-14);
      }
    }
  });

  it('has an exposure at a row that changes no bit with that row or later ones, and does with the row before', async () => {
    const row = TRAIN.end + 4;
    const span = { start: row, end: row + 1 };
    const read = async (from: number) => exposures(fitted, disturbed(panel, from).inputs, span);
    const own = await exposures(fitted, panel.inputs, span);
    expect(fitted.knownAhead).toBe(true);
    expect(await read(row)).toEqual(own);
    expect((await read(row - 1)).values).not.toEqual(own.values);
  });

  it('never sees a row after the span', async () => {
    const other = await conditionalBetaEstimator(options).fit(disturbed(panel, TRAIN.end), TRAIN, { seed: 3 });
    expect(other.parameters()).toEqual(fitted.parameters());
    expect(other.diagnostics).toEqual(fitted.diagnostics);
  });

  it('has the same bits on one thread and on two', async () => {
    const [one, two] = [
      await conditionalBetaEstimator({ ...options, threads: 1 }).fit(panel, TRAIN, { seed: 3 }),
      await conditionalBetaEstimator({ ...options, threads: 2 }).fit(panel, TRAIN, { seed: 3 }),
    ];
    expect(two.parameters()).toEqual(one.parameters());
    expect(await exposures(two)).toEqual(await exposures(one));
  });

  it('has variances, NaN for an asset without a fit, and lag 0 alone in every form', async () => {
    const block = await exposures(fitted);
    expect(at(block, 0, 3, 0, 0, block.variance)).toBeGreaterThan(0);
    expect(at(block, THIN_ASSET, 3, 0, 0)).toBeNaN();
    const [lags] = await collect(fitted.jacobian(panel.inputs, later, { form: 'lags' }));
    const [sum] = await collect(fitted.jacobian(panel.inputs, later, { form: 'cumulative' }));
    expect(lags).toEqual(block);
    expect(sum).toEqual(block);
  });

  it('predicts the same from stored parameters, and tells how long its states last', async () => {
    const again = fromParameters(fitted.parameters() as LstmParameters);
    expect(await exposures(again)).toEqual(await exposures(fitted));
    const memory = await effectiveMemory(fitted.parameters() as LstmParameters, panel.inputs, TRAIN);
    expect(memory.periods).toBeGreaterThan(0);
    expect(memory.periods).toBeLessThan(options.lookback);
  });

  it('keeps its network while the base is fitted on more rows', async () => {
    const estimator = conditionalBetaEstimator({ ...options, networkRows: TRAIN.end });
    const longer = await estimator.fit(panel, { start: 0, end: TRAIN.end + 10 }, { seed: 3 });
    expect(longer.parameters()).toEqual(fitted.parameters());
    expect(longer.diagnostics.facts.network_kept).toBe(1);
    expect(await exposures(longer)).toEqual(await exposures(fitted));
  });

  it('refuses heads that walk, and rows that are no number', async () => {
    const walking = lstmEstimator({ form: 'conditional', heads: 'kalman' });
    await expect(walking.fit(panel, TRAIN, { seed: 1 })).rejects.toThrow(/form is conditional and heads are kalman/);
    expect(() => conditionalBetaEstimator({ base: nothing, networkRows: 0 })).toThrow(/networkRows is 0/);
  });
});
