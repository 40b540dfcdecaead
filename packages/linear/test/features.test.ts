import { type Estimator, type FactorPanel, type JacobianForm, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { distributedLagEstimator, featuresFromParameters, splineEstimator } from '../src/index.js';
import { collect, disturbed, linearWorld } from './world.js';

const FACTORS = 4;
const options = { seed: 1 };
/** Central differences of analytic features of size 1 with a step of 1e-4: truncation near 1e-8 of returns of 1e-2. */
const DIFFERENCE_TOLERANCE = 1e-8;
const estimators: [string, () => Estimator][] = [
  ['distributed_lag', () => distributedLagEstimator({ lags: 6 })],
  ['distributed_lag, Almon', () => distributedLagEstimator({ lags: 8, shape: 'almon' })],
  ['distributed_lag, Koyck', () => distributedLagEstimator({ lags: 8, shape: 'koyck' })],
  ['distributed_lag, free', () => distributedLagEstimator({ lags: 3, shape: 'free' })],
  [
    'distributed_lag, reduced rank',
    () => distributedLagEstimator({ lags: 6, shape: 'free', prior: 'reduced_rank', rank: 2 }),
  ],
  ['spline', () => splineEstimator({ lags: 4, components: 2 })],
  [
    'spline, a coefficient of every asset on every feature',
    () => splineEstimator({ lags: 4, prior: 'empirical_bayes' }),
  ],
  ['spline by ridge, no lags', () => splineEstimator({ lags: 0, prior: 'ridge' })],
];

/** The inputs with one series moved by `step` SD at one row, or at it and all rows before. */
function moved(inputs: FactorPanel, row: number, series: number, step: number, allBefore: boolean): FactorPanel {
  const values = inputs.values.slice();
  for (let at = allBefore ? 0 : row; at <= row; at++) values[at * inputs.factors.length + series] += step;
  return { ...inputs, values };
}

/** Products of more than 64 features add up in an order that depends on the number of assets: some units in the last place. */
const SUM_ORDER = 1e-14;

function expectSame(actual: Float64Array, expected: Float64Array): void {
  expect(actual).toHaveLength(expected.length);
  const size = expected.reduce((most, x) => (Number.isNaN(x) ? most : Math.max(most, Math.abs(x))), 0);
  expected.forEach((x, i) => {
    if (Number.isNaN(x)) expect(actual[i]).toBeNaN();
    else expect(Math.abs(actual[i] - x)).toBeLessThanOrEqual(SUM_ORDER * size);
  });
}

describe.each(estimators)('%s', (_name, make) => {
  it('has exposures that are the derivatives of its predictions, lag by lag and cumulated', async () => {
    const { panel, assets } = linearWorld({ assets: 3, lateStart: 0, holes: 0 });
    const fitted = await make().fit(panel, { start: 0, end: 200 }, options);
    const { sd } = fitted.parameters().scaler;
    // Inside the training range: beyond it a spline's inputs are held.
    const row = 150;
    const span = { start: row, end: row + 1 };
    const derivative = async (at: number, factor: number, allBefore: boolean) => {
      const step = 1e-4 * sd[factor];
      const [up, down] = await Promise.all(
        [step, -step].map((by) => fitted.predict(moved(panel.inputs, at, factor, by, allBefore), span)),
      );
      return up.values.map((value, asset) => (value - down.values[asset]) / 2e-4);
    };
    const read = async (form: JacobianForm) => (await collect(fitted.jacobian(panel.inputs, span, { form })))[0];
    const [lags, now, sum] = [await read('lags'), await read('contemporaneous'), await read('cumulative')];
    expect([now.lags, sum.lags]).toEqual([1, 1]);
    for (let factor = 0; factor < 3; factor++) {
      for (let lag = 0; lag < lags.lags; lag++) {
        const numeric = await derivative(row - lag, factor, false);
        for (let asset = 0; asset < assets; asset++) {
          const own = lags.values[(asset * lags.lags + lag) * FACTORS + factor];
          expect(Math.abs(own - numeric[asset])).toBeLessThan(DIFFERENCE_TOLERANCE);
          if (lag === 0) expect(now.values[asset * FACTORS + factor]).toBe(own);
        }
      }
      for (let asset = 0; asset < assets; asset++) {
        let total = 0;
        for (let lag = 0; lag < lags.lags; lag++) total += lags.values[(asset * lags.lags + lag) * FACTORS + factor];
        expect(sum.values[asset * FACTORS + factor]).toBeCloseTo(total, 12);
      }
    }
  });

  it('changes no bit when everything after the training span is disturbed', async () => {
    const { panel } = linearWorld({ assets: 5 });
    const span = { start: 0, end: 180 };
    const changed = disturbed(panel, span.end);
    const [before, after] = [await make().fit(panel, span, options), await make().fit(changed, span, options)];
    expect(after.parameters()).toEqual(before.parameters());
    expect(after.diagnostics).toEqual(before.diagnostics);
    expect(await collect(after.jacobian(changed.inputs, span))).toEqual(
      await collect(before.jacobian(panel.inputs, span)),
    );
  });

  it('averages, cuts out assets, leaves missing factors out, and predicts from its parameters alone', async () => {
    const { panel } = linearWorld();
    const fitted = await make().fit(panel, { start: 0, end: 200 }, options);
    const span = { start: 90, end: 110 };
    const [block] = await collect(fitted.jacobian(panel.inputs, span, { form: 'contemporaneous' }));
    const [part] = await collect(
      fitted.jacobian(panel.inputs, span, { form: 'contemporaneous', assets: { start: 3, end: 5 } }),
    );
    expectSame(part.values, block.values.slice(3 * 20 * FACTORS));
    expectSame(part.variance, block.variance.slice(3 * 20 * FACTORS));
    // The third factor starts at row 100, the fourth is never observed.
    expect(block.values[9 * FACTORS + 2]).toBeNaN();
    expect(block.values[10 * FACTORS + 2]).toBeTypeOf('number');
    expect(block.values[10 * FACTORS + 3]).toBeNaN();
    const [mean] = await collect(fitted.jacobian(panel.inputs, span, { form: 'contemporaneous', average: true }));
    let sum = 0;
    for (let date = 0; date < 20; date++) sum += block.values[date * FACTORS];
    expect(mean.values[0]).toBeCloseTo(sum / 20, 12);
    expect(mean.variance[0]).toBeGreaterThan(0);
    const again = featuresFromParameters(fitted.parameters() as never);
    expect((await again.predict(panel.inputs, span)).values).toEqual((await fitted.predict(panel.inputs, span)).values);
    expect(await collect(again.jacobian(panel.inputs, span, { form: 'contemporaneous' }))).toEqual([block]);
  });

  it('says what is wrong with an asset', async () => {
    const { panel, assets } = linearWorld();
    const returns = panel.returns.slice();
    for (let row = 0; row < 240; row++) {
      returns[row * assets] = Number.NaN;
      if (row < 190) returns[row * assets + 1] = Number.NaN;
    }
    const fitted = await make().fit({ ...panel, returns }, { start: 0, end: 200 }, options);
    const { status, pValues } = fitted.diagnostics;
    expect(status.slice(0, 3).map((note) => note.status)).toEqual(['no_data', 'too_few_observations', 'ok']);
    expect(pValues[2 * FACTORS]).toBeLessThan(0.05);
    expect(pValues[0]).toBeNaN();
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: 199, end: 200 }));
    expect(block.values[0]).toBeNaN();
  });
});

it('lags that nobody planted are shrunk away and a planted one is found', async () => {
  const { panel, rows, assets } = linearWorld({ rows: 400, assets: 20, lateStart: 0, holes: 0 });
  const returns = panel.returns.slice();
  for (let row = 3; row < rows; row++) {
    for (let asset = 0; asset < assets; asset++) {
      returns[row * assets + asset] += 0.01 * panel.inputs.values[(row - 3) * 6];
    }
  }
  const fitted = await distributedLagEstimator({ lags: 8 }).fit(
    { ...panel, returns },
    { start: 0, end: rows },
    options,
  );
  const [block] = await collect(fitted.jacobian(panel.inputs, { start: rows - 1, end: rows }));
  const at = (asset: number, lag: number, factor: number) => block.values[(asset * 8 + lag) * FACTORS + factor];
  const scale = 0.01 * fitted.parameters().scaler.sd[0];
  for (let asset = 0; asset < assets; asset++) {
    let [found, elsewhere] = [0, 0];
    for (let lag = 2; lag <= 4; lag++) found += at(asset, lag, 0);
    for (let lag = 2; lag <= 4; lag++) elsewhere += at(asset, lag, 1);
    // Bumps are as broad as their distance, so that a single lag spreads to its neighbours.
    expect(found / scale).toBeGreaterThan(0.6);
    expect(found / scale).toBeLessThan(1.4);
    expect(Math.abs(elsewhere) / scale).toBeLessThan(0.3);
  }
});

it('assets that answer to one lag profile have it found by validation', async () => {
  const { panel, rows, assets } = linearWorld({ rows: 300, assets: 24, lateStart: 0, holes: 0, seed: 5 });
  const series = panel.inputs.factors.length;
  const lags = 6;
  const random = new Random(3);
  // One profile over both factors and all lags; assets differ in its weight alone.
  const profile = Float64Array.from({ length: 2 * lags }, () => random.normal());
  const weight = Float64Array.from({ length: assets }, () => 0.004 * random.normal());
  const returns = panel.returns.map((_, at) => {
    const [row, asset] = [Math.floor(at / assets), at % assets];
    let value = 0.02 * random.normal();
    for (let lag = 0; lag < Math.min(lags, row + 1); lag++) {
      for (let j = 0; j < 2; j++)
        value += (weight[asset] * profile[j * lags + lag] * panel.inputs.values[(row - lag) * series + j]) / 2;
    }
    return value;
  });
  const world = { ...panel, returns };
  const read = async (prior: 'empirical_bayes' | 'reduced_rank') => {
    const fitted = await distributedLagEstimator({ lags, shape: 'free', prior }).fit(
      world,
      { start: 0, end: rows },
      options,
    );
    const { scaler } = fitted.parameters();
    const [{ values }] = await collect(fitted.jacobian(panel.inputs, { start: rows - 1, end: rows }));
    let sum = 0;
    for (let asset = 0; asset < assets; asset++) {
      for (let lag = 0; lag < lags; lag++) {
        for (let j = 0; j < 2; j++) {
          const truth = (weight[asset] * profile[j * lags + lag] * scaler.sd[j]) / 2;
          sum += (values[(asset * lags + lag) * FACTORS + j] - truth) ** 2;
        }
      }
    }
    return { rank: fitted.diagnostics.facts.rank, error: Math.sqrt(sum) };
  };
  const [full, reduced] = [await read('empirical_bayes'), await read('reduced_rank')];
  expect(full.rank).toBeUndefined();
  expect(reduced.rank).toBe(1);
  expect(reduced.error).toBeLessThan(full.error);
  expect(() => distributedLagEstimator({ rank: 2 })).toThrow('reduced_rank');
});

describe('rows of calm', () => {
  it('tell a spline on components its coefficients, while all rows tell the level', async () => {
    const { panel, assets } = linearWorld({ lateStart: 0, holes: 0 });
    const span = { start: 0, end: 200 };
    // A crisis: returns of ten rows eight times as large, with a mean of their own.
    const crisis = (row: number) => row >= 100 && row < 110;
    const returns = panel.returns.map((y, i) => (crisis(Math.floor(i / assets)) ? 8 * y + 0.05 : y));
    const make = (prior: 'components' | 'empirical_bayes') => splineEstimator({ lags: 0, prior });
    const errors = await Promise.all(
      (['components', 'empirical_bayes'] as const).map(async (prior) => {
        const read = async (own: Float64Array) => {
          const fitted = await make(prior).fit({ ...panel, returns: own }, span, options);
          const { values } = await fitted.predict(panel.inputs, span);
          for (let asset = 0; asset < assets; asset++) {
            let left = 0;
            for (let row = 0; row < span.end; row++) {
              left += (own[row * assets + asset] - values[row * assets + asset]) / span.end;
            }
            // Rounding of sums of 200 returns of a few per cent.
            expect(Math.abs(left)).toBeLessThan(1e-12);
          }
          const [block] = await collect(
            fitted.jacobian(panel.inputs, { start: 199, end: 200 }, { form: 'contemporaneous' }),
          );
          return block.values.filter((_, at) => at % FACTORS < 2);
        };
        const [calm, disturbedOnes] = [await read(panel.returns), await read(returns)];
        return Math.hypot(...calm.map((x, i) => x - disturbedOnes[i])) / Math.hypot(...calm);
      }),
    );
    expect(errors[0]).toBeLessThan(0.5 * errors[1]);
  });
});
