import { type Panel, Random } from '@macrograd/core';
import { expect, it } from 'vitest';
import { markovEstimator, olsEstimator, ThresholdFitted, thresholdEstimator } from '../src/index.js';
import { collect, disturbed, linearWorld } from './world.js';

const FACTORS = 4;
const STATE = 4;
const SERIES = 6;
const options = { seed: 1 };

/** Exposure to the first factor falls by this per unit where the state is above 1.5. */
const FALL = -0.02;
const LEVEL = 1.5;

/** The linear world with a threshold on its state. */
function thresholdWorld(fall = FALL) {
  const world = linearWorld({ rows: 300, assets: 6, lateStart: 0, common: 0.01 });
  const { panel, rows, assets } = world;
  const returns = panel.returns.slice();
  for (let row = 0; row < rows; row++) {
    if (panel.inputs.values[row * SERIES + STATE] <= LEVEL) continue;
    for (let asset = 0; asset < assets; asset++)
      returns[row * assets + asset] += fall * panel.inputs.values[row * SERIES];
  }
  return { ...world, panel: { ...panel, returns } };
}

const fitThreshold = async (panel: Panel, end: number, more = {}) => {
  const fitted = await thresholdEstimator(more).fit(panel, { start: 0, end }, options);
  if (!(fitted instanceof ThresholdFitted)) throw new Error('another fit');
  return fitted;
};

it.each(['pooled', 'asset'] as const)(
  'finds a planted threshold and reads each row in its regime: %s',
  async (scope) => {
    const { panel, rows, betas, assets } = thresholdWorld();
    const fitted = await fitThreshold(panel, 260, { scope });
    const { threshold_p_value, threshold_column, assets_with_threshold } = fitted.diagnostics.facts;
    expect(threshold_p_value).toBeLessThan(0.01);
    expect([threshold_column, assets_with_threshold]).toEqual([STATE, assets]);
    const { variable, threshold, scaler } = fitted.parameters();
    expect([...variable]).toEqual(new Array(assets).fill(STATE));
    // The state has SD 2 and 260 rows: neighbouring values are about .02 apart near its middle.
    for (const value of threshold) expect(Math.abs(value - LEVEL)).toBeLessThan(scope === 'pooled' ? 0.1 : 0.5);
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: 0, end: rows }));
    for (let asset = 0; asset < assets; asset++) {
      for (let row = 0; row < rows; row++) {
        const above = panel.inputs.values[row * SERIES + STATE] > threshold[asset];
        const truth = (betas[asset * 3] + (above ? FALL : 0)) * scaler.sd[0];
        const at = (asset * rows + row) * FACTORS;
        expect(Math.abs(block.values[at] - truth)).toBeLessThan(5 * Math.sqrt(block.variance[at]));
      }
    }
  },
);

it('is static least squares where no threshold passes the test, and where the series is missing', async () => {
  const plain = thresholdWorld(0);
  const span = { start: 200, end: 260 };
  const [without, ols] = [
    await fitThreshold(plain.panel, 260, { level: 0.001 }),
    await olsEstimator().fit(plain.panel, { start: 0, end: 260 }, options),
  ];
  expect(without.diagnostics.facts.assets_with_threshold).toBe(0);
  expect(await without.predict(plain.panel.inputs, span)).toEqual(await ols.predict(plain.panel.inputs, span));
  expect(await collect(without.jacobian(plain.panel.inputs, span))).toEqual(
    await collect(ols.jacobian(plain.panel.inputs, span)),
  );
  const { panel } = thresholdWorld();
  const fitted = await fitThreshold(panel, 260);
  const values = panel.inputs.values.map((value, at) => (at % SERIES === STATE ? Number.NaN : value));
  const blind = await collect(fitted.jacobian({ ...panel.inputs, values }, span));
  const single = await olsEstimator().fit(panel, { start: 0, end: 260 }, options);
  expect(blind).toEqual(await collect(single.jacobian(panel.inputs, span)));
});

it('a delayed threshold is read from the rows before, and later rows change nothing of the fit', async () => {
  const { panel } = thresholdWorld();
  const [before, after] = [
    await fitThreshold(panel, 240, { delay: 2 }),
    await fitThreshold(disturbed(panel, 240), 240, { delay: 2 }),
  ];
  expect(after.parameters()).toEqual(before.parameters());
  expect(after.diagnostics).toEqual(before.diagnostics);
  const shifted = await fitThreshold(panel, 240, { level: 1, delay: 2 });
  const { threshold, delay } = shifted.parameters();
  expect(delay).toBe(2);
  const rows = { start: 100, end: 240 };
  const [block] = await collect(shifted.jacobian(panel.inputs, rows));
  const above = (row: number) => panel.inputs.values[(row - 2) * SERIES + STATE] > threshold[0];
  const exposures = Array.from({ length: 140 }, (_, row) => block.values[row * FACTORS]);
  const own = (wanted: boolean) => new Set(exposures.filter((_, row) => above(100 + row) === wanted));
  expect([own(true).size, own(false).size]).toEqual([1, 1]);
});

it('predicts as its parameters say', async () => {
  const { panel, assets } = thresholdWorld();
  const fitted = await fitThreshold(panel, 260, { scope: 'asset' });
  const { scaler, columns, variable, threshold, lower, upper } = fitted.parameters();
  const { values } = await fitted.predict(panel.inputs, { start: 262, end: 270 });
  for (let at = 0; at < values.length; at++) {
    const [row, asset] = [262 + Math.floor(at / assets), at % assets];
    const x = panel.inputs.values.subarray(row * SERIES, (row + 1) * SERIES);
    const own = x[variable[asset]] > threshold[asset] ? upper : lower;
    const sum = columns.reduce((total, column, j) => {
      const z = (x[column] - scaler.mean[column]) / scaler.sd[column];
      return Number.isNaN(z) ? total : total + own.coefficients[asset * columns.length + j] * z;
    }, own.intercept[asset]);
    expect(values[at]).toBeCloseTo(sum, 14);
  }
});

it('an unknown series is refused by name', async () => {
  const { panel } = thresholdWorld();
  await expect(fitThreshold(panel, 240, { variables: ['MOON'] })).rejects.toThrow('there is no series "MOON"');
});

/** The linear world with exposures to the first factor that switch with a state nobody sees. */
function switchingWorld() {
  const world = linearWorld({ rows: 360, assets: 4, lateStart: 0, holes: 0.02, noise: 0.015 });
  const random = new Random(4);
  const { panel, rows, assets } = world;
  const returns = panel.returns.slice();
  const turbulent: boolean[] = [];
  for (let row = 0; row < rows; row++) {
    const last = turbulent[row - 1] ?? false;
    turbulent.push(random.uniform() < 0.05 ? !last : last);
    if (!turbulent[row]) continue;
    for (let asset = 0; asset < assets; asset++) {
      returns[row * assets + asset] += 0.02 * random.normal() + FALL * panel.inputs.values[row * SERIES];
    }
  }
  return { ...world, panel: { ...panel, returns }, turbulent };
}

it('follows exposures that switch; the smoother comes closer and says that it uses the future', async () => {
  const { panel, rows, assets, betas, turbulent } = switchingWorld();
  const span = { start: 0, end: rows };
  const error = async (make: () => ReturnType<typeof markovEstimator>) => {
    const fitted = await make().fit(panel, span, options);
    const { sd } = fitted.parameters().scaler;
    const [block] = await collect(fitted.jacobian(panel.inputs, span));
    let [squares, inside] = [0, 0];
    for (let asset = 0; asset < assets; asset++) {
      for (let row = 0; row < rows; row++) {
        const at = (asset * rows + row) * FACTORS;
        const off = block.values[at] - (betas[asset * 3] + (turbulent[row] ? FALL : 0)) * sd[0];
        squares += off * off;
        if (Math.abs(off) < 1.645 * Math.sqrt(block.variance[at])) inside++;
      }
    }
    return { rmse: Math.sqrt(squares), coverage: inside / (rows * assets), facts: fitted.diagnostics.facts };
  };
  const filter = await error(() => markovEstimator());
  const smoother = await error(() => markovEstimator({ reading: 'smoother' }));
  const fixed = await error(() => olsEstimator());
  expect(filter.facts.assets_with_regimes).toBe(assets);
  expect(filter.rmse).toBeLessThan(0.6 * fixed.rmse);
  expect(smoother.rmse).toBeLessThan(filter.rmse);
  expect([filter.facts.uses_future, smoother.facts.uses_future]).toEqual([0, 1]);
  expect(filter.facts.noise_ratio).toBeGreaterThan(1.2);
  // Nominal .90; a mixture of two points is far from normal, so the bound is wide.
  expect(filter.coverage).toBeGreaterThan(0.8);
});

it('an asset with too little history for regimes has least squares and says so', async () => {
  const { panel, rows, assets } = switchingWorld();
  const returns = panel.returns.map((value, at) => (at % assets === 0 && at >= 18 * assets ? Number.NaN : value));
  const make = markovEstimator({ regimes: 3, minObservations: 12 });
  const fitted = await make.fit({ ...panel, returns }, { start: 0, end: rows }, options);
  expect(fitted.diagnostics.status[0].status).toBe('regime_barely_seen');
  const [block] = await collect(fitted.jacobian(panel.inputs, { start: 300, end: 301 }));
  expect(Number.isFinite(block.values[0])).toBe(true);
});
