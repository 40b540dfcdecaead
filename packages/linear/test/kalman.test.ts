import { type Estimator, Random } from '@macrograd/core';
import { expect, it } from 'vitest';
import { kalmanEstimator, olsEstimator, rollingOlsEstimator } from '../src/index.js';
import { collect, linearWorld } from './world.js';

const FACTORS = 4;
const options = { seed: 1 };

/** The linear world with the first factor's exposure walking, half of each step common to all assets. */
function walkingWorld() {
  const world = linearWorld({ rows: 300, assets: 16, lateStart: 0, noise: 0.03 });
  const random = new Random(3);
  const { panel, rows, assets } = world;
  const returns = panel.returns.slice();
  const path = new Float64Array(rows * assets);
  const own = new Float64Array(assets);
  for (let row = 0; row < rows; row++) {
    const common = random.normal();
    for (let asset = 0; asset < assets; asset++) {
      own[asset] += 0.0005 * (common + random.normal());
      path[row * assets + asset] = world.betas[asset * 3] + own[asset];
      returns[row * assets + asset] += own[asset] * panel.inputs.values[row * 6];
    }
  }
  return { panel: { ...panel, returns }, rows, assets, path };
}

it('follows exposures that walk, with intervals that cover; the smoother comes closer and says that it uses the future', async () => {
  const { panel, rows, assets, path } = walkingWorld();
  const span = { start: 0, end: rows };
  const read = { start: 150, end: rows };
  const error = async (make: () => Estimator) => {
    const fitted = await make().fit(panel, span, options);
    const { sd } = fitted.parameters().scaler;
    const [block] = await collect(fitted.jacobian(panel.inputs, read));
    let [squares, inside, variances] = [0, 0, 0];
    for (let asset = 0; asset < assets; asset++) {
      for (let row = read.start; row < rows; row++) {
        const at = (asset * block.dates + row - read.start) * FACTORS;
        const off = block.values[at] - path[row * assets + asset] * sd[0];
        squares += off * off;
        variances += block.variance[at];
        if (Math.abs(off) < 1.645 * Math.sqrt(block.variance[at])) inside++;
      }
    }
    const count = assets * (rows - read.start);
    const expected = Math.sqrt(variances / count);
    return { rmse: Math.sqrt(squares / count), expected, coverage: inside / count, facts: fitted.diagnostics.facts };
  };
  const filter = await error(() => kalmanEstimator());
  const smoother = await error(() => kalmanEstimator({ reading: 'smoother' }));
  const single = await error(() => kalmanEstimator({ pooling: 'none' }));
  const fixed = await error(() => olsEstimator());
  // What walks is followed better than by one value for all dates and by a window: the two that it has to replace.
  expect(filter.rmse).toBeLessThan(fixed.rmse);
  expect(filter.rmse).toBeLessThan((await error(() => rollingOlsEstimator())).rmse);
  // The filter's own variance says how far off it is: at 16 assets and 150 correlated rows within a fifth.
  expect(filter.rmse / filter.expected).toBeGreaterThan(0.8);
  expect(filter.rmse / filter.expected).toBeLessThan(1.2);
  expect(filter.rmse).toBeLessThan(single.rmse);
  expect(smoother.rmse).toBeLessThan(filter.rmse);
  expect([filter.facts.uses_future, smoother.facts.uses_future]).toEqual([0, 1]);
  expect(filter.facts.converged).toBe(1);
  // Nominal .90; paths are strongly autocorrelated, so few of the 2,400 intervals are independent.
  expect(filter.coverage).toBeGreaterThan(0.8);
  expect(filter.coverage).toBeLessThan(0.98);
});

it('the square-root form gives the same exposures and variances', async () => {
  // Two algorithms on well-conditioned regressors.
  const tolerance = 1e-9;
  const { panel, rows } = walkingWorld();
  const span = { start: 0, end: rows };
  const read = async (squareRoot: boolean, reading: 'filter' | 'smoother') => {
    const fitted = await kalmanEstimator({ squareRoot, reading }).fit(panel, span, options);
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: 50, end: rows }));
    return [...block.values, ...block.variance];
  };
  for (const reading of ['filter', 'smoother'] as const) {
    const [plain, factored] = [await read(false, reading), await read(true, reading)];
    expect(factored.map(Number.isNaN)).toEqual(plain.map(Number.isNaN));
    const known = plain.map((value, at) => [value, factored[at]]).filter(([value]) => !Number.isNaN(value));
    const largest = Math.max(...known.map(([value]) => Math.abs(value)));
    expect(known.length).toBeGreaterThan(0);
    expect(Math.max(...known.map(([value, other]) => Math.abs(value - other)))).toBeLessThan(tolerance * largest);
  }
});

it('the filter knows nothing of later rows once its variances come from earlier ones', async () => {
  const { panel, rows, assets } = walkingWorld();
  const returns = panel.returns.map((value, at) => (at >= 220 * assets ? value + 1 : value));
  const read = { start: 150, end: 200 };
  const fits = await Promise.all(
    [panel, { ...panel, returns }].map(async (own) => {
      const fitted = await kalmanEstimator({ varianceRows: 200 }).fit(own, { start: 0, end: rows }, options);
      return (await collect(fitted.jacobian(panel.inputs, read)))[0];
    }),
  );
  // Returns are scaled by their SD over all training rows, which only moves the weights between assets.
  for (let at = 0; at < fits[0].values.length; at++) {
    const [a, b] = [fits[0].values[at], fits[1].values[at]];
    if (Number.isFinite(a)) expect(Math.abs(a - b)).toBeLessThan(0.05 * Math.abs(a) + 0.002);
  }
});

it('with exposures that stand still the pooled filter ends near least squares', async () => {
  const { panel, rows } = linearWorld({ rows: 300, assets: 8, lateStart: 0 });
  const span = { start: 0, end: rows };
  const last = { start: rows - 1, end: rows };
  const read = async (make: typeof kalmanEstimator | typeof olsEstimator) =>
    (await collect((await make().fit(panel, span, options)).jacobian(panel.inputs, last)))[0];
  const [walking, fixed] = [await read(() => kalmanEstimator({ pooling: 'variances' })), await read(olsEstimator)];
  for (let at = 0; at < walking.values.length; at++) {
    if (Number.isNaN(fixed.values[at])) continue;
    expect(Math.abs(walking.values[at] - fixed.values[at])).toBeLessThan(0.004);
  }
});

/** Exposure paths of one world under several noises; returns RMSE over the second half. */
function movingWorld(path: (random: Random, rows: number) => number[], noise: (random: Random, row: number) => number) {
  const world = linearWorld({ rows: 300, assets: 8, lateStart: 0, noise: 0, holes: 0.02 });
  const random = new Random(17);
  const { panel, rows, assets } = world;
  const returns = panel.returns.slice();
  const truth = new Float64Array(rows * assets);
  for (let asset = 0; asset < assets; asset++) {
    const moves = path(random, rows);
    for (let row = 0; row < rows; row++) {
      truth[row * assets + asset] = world.betas[asset * 3] + moves[row];
      returns[row * assets + asset] += moves[row] * panel.inputs.values[row * 6] + noise(random, row);
    }
  }
  return { panel: { ...panel, returns }, rows, assets, truth };
}

async function errorOf(world: ReturnType<typeof movingWorld>, make: () => ReturnType<typeof kalmanEstimator>) {
  const { panel, rows, assets, truth } = world;
  const fitted = await make().fit(panel, { start: 0, end: rows }, options);
  const { sd } = fitted.parameters().scaler;
  const [block] = await collect(fitted.jacobian(panel.inputs, { start: 120, end: rows }));
  let [squares, inside] = [0, 0];
  for (let asset = 0; asset < assets; asset++) {
    for (let row = 120; row < rows; row++) {
      const at = (asset * block.dates + row - 120) * FACTORS;
      const off = block.values[at] - truth[row * assets + asset] * sd[0];
      squares += off * off;
      if (Math.abs(off) < 1.645 * Math.sqrt(block.variance[at])) inside++;
    }
  }
  const count = assets * (rows - 120);
  return { rmse: Math.sqrt(squares / count), coverage: inside / count, facts: fitted.diagnostics.facts };
}

/** A walk, and what reverts with persistence .8. */
const walk = (random: Random, rows: number) => {
  let level = 0;
  return Array.from({ length: rows }, () => (level += 0.0008 * random.normal()));
};
const revert = (random: Random, rows: number) => {
  let level = 0;
  return Array.from({ length: rows }, () => (level = 0.8 * level + 0.005 * random.normal()));
};
const normal = (random: Random) => 0.02 * random.normal();

it('exposures that revert are followed more closely by the mean-reverting form, which finds their persistence', async () => {
  const world = movingWorld(revert, normal);
  const reverting = await errorOf(world, () => kalmanEstimator({ form: 'mean_reverting', pooling: 'variances' }));
  const walking = await errorOf(world, () => kalmanEstimator({ pooling: 'variances' }));
  // The grid holds .7, .9, .97, .99; the truth is .8.
  expect([0.7, 0.9]).toContain(reverting.facts.persistence);
  expect(reverting.facts.log_likelihood).toBeGreaterThan(walking.facts.log_likelihood);
  expect(reverting.rmse).toBeLessThan(0.95 * walking.rmse);
  expect(reverting.coverage).toBeGreaterThan(0.82);
});

it('outliers move the Student-t filter less than the normal one', async () => {
  // Every twentieth return is ten times as noisy.
  const world = movingWorld(walk, (random) => (random.uniform() < 0.05 ? 10 : 1) * normal(random));
  const robust = await errorOf(world, () => kalmanEstimator({ noise: 'student_t' }));
  const plain = await errorOf(world, () => kalmanEstimator());
  expect(robust.facts.degrees_of_freedom).toBeLessThanOrEqual(6);
  expect(robust.rmse).toBeLessThan(0.9 * plain.rmse);
});

it('turbulent years weigh less with stochastic volatility', async () => {
  // Forty rows of calm, forty of three times the noise.
  const world = movingWorld(walk, (random, row) => (Math.floor(row / 40) % 2 ? 3 : 1) * normal(random));
  const moving = await errorOf(world, () => kalmanEstimator({ noise: 'stochastic_volatility' }));
  const plain = await errorOf(world, () => kalmanEstimator());
  expect(moving.facts.volatility_step).toBeGreaterThan(0);
  expect(moving.rmse).toBeLessThan(0.97 * plain.rmse);
});

it('normal noise is found to be normal, and costs little', async () => {
  const world = movingWorld(walk, normal);
  const plain = await errorOf(world, () => kalmanEstimator());
  const robust = await errorOf(world, () => kalmanEstimator({ noise: 'student_t' }));
  expect(robust.facts.degrees_of_freedom).toBeGreaterThanOrEqual(10);
  expect(robust.rmse).toBeLessThan(1.05 * plain.rmse);
});

it('the common form says how much of the movement all assets share', async () => {
  const { panel, rows } = walkingWorld();
  const fitted = await kalmanEstimator({ form: 'common' }).fit(panel, { start: 0, end: rows }, options);
  // Half of each step is common; a share of two variances, each known to a factor of about two.
  expect(fitted.diagnostics.facts.common_share).toBeGreaterThan(0.2);
  expect(fitted.diagnostics.facts.common_share).toBeLessThan(0.8);
  expect(() => kalmanEstimator({ form: 'common', pooling: 'none' })).toThrow('needs a cross-section');
});
