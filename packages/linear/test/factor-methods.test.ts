import { type Panel, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { dependentSeries } from '../src/dependent-series.js';
import { localProjections, olsEstimator, pcaEstimator, type VarFitted, varEstimator } from '../src/index.js';
import { collect, disturbed, linearWorld } from './world.js';

const options = { seed: 1 };
/** Two routes to the same least squares on a well-conditioned design. */
const SAME = 1e-9;

function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((worst, value, at) => {
    expect(Number.isNaN(value)).toBe(Number.isNaN(b[at]));
    return Number.isNaN(value) ? worst : Math.max(worst, Math.abs(value - b[at]));
  }, 0);
}

describe.each([
  ['pca', () => pcaEstimator()],
  ['var', () => varEstimator({ order: 2 })],
] as const)('%s', (method, make) => {
  it('changes no bit of anything when everything after the training span is disturbed', async () => {
    const { panel } = linearWorld({ assets: 6 });
    const span = { start: 10, end: 180 };
    const changed = disturbed(panel, span.end);
    const [before, after] = [await make().fit(panel, span, options), await make().fit(changed, span, options)];
    expect(after.method).toBe(method);
    expect(after.parameters()).toEqual(before.parameters());
    expect(after.diagnostics).toEqual(before.diagnostics);
    const earlier = { start: 0, end: span.end };
    expect(await after.predict(changed.inputs, earlier)).toEqual(await before.predict(panel.inputs, earlier));
    expect(await collect(after.jacobian(changed.inputs, earlier))).toEqual(
      await collect(before.jacobian(panel.inputs, earlier)),
    );
  });

  it('has predictions that its Jacobian explains, and errors that are positive', async () => {
    const { panel, assets } = linearWorld({ lateStart: 0 });
    const fitted = await make().fit(panel, { start: 0, end: 200 }, options);
    const { scaler } = fitted.parameters();
    const row = 210;
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: row, end: row + 1 }));
    const shocked = { ...panel.inputs, values: panel.inputs.values.slice() };
    const step = 0.5;
    shocked.values[row * panel.inputs.factors.length + 1] += step * scaler.sd[1];
    const at = { start: row, end: row + 1 };
    const [one, two] = [await fitted.predict(panel.inputs, at), await fitted.predict(shocked, at)];
    for (let asset = 0; asset < assets; asset++) {
      const place = asset * block.lags * block.factors + 1;
      expect((two.values[asset] - one.values[asset]) / step).toBeCloseTo(block.values[place], 10);
      expect(block.variance[place]).toBeGreaterThan(0);
    }
  });

  it('says why an asset has no exposures', async () => {
    const { panel } = linearWorld({ assets: 3 });
    const returns = panel.returns.map((value, at) => (at % 3 === 1 ? Number.NaN : value));
    const fitted = await make().fit({ ...panel, returns }, { start: 0, end: 200 }, options);
    expect(fitted.diagnostics.status.map(({ status }) => status)).toEqual(['ok', 'no_data', 'ok']);
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: 199, end: 200 }));
    const size = block.lags * block.factors;
    expect(block.values.subarray(size, 2 * size).every((value) => Number.isNaN(value))).toBe(true);
    expect(block.values[0]).not.toBeNaN();
  });
});

describe('pca', () => {
  it('with all components is ordinary least squares, missing rows and late starters included', async () => {
    for (const lateStart of [0, 100]) {
      const { panel } = linearWorld({ lateStart });
      const span = { start: 0, end: 220 };
      const all = await pcaEstimator({ components: 50 }).fit(panel, span, options);
      const plain = await olsEstimator().fit(panel, span, options);
      const at = { start: 150, end: 152 };
      const [[a], [b]] = [
        await collect(all.jacobian(panel.inputs, at)),
        await collect(plain.jacobian(panel.inputs, at)),
      ];
      expect(largestDifference(a.values, b.values)).toBeLessThan(SAME);
      expect(largestDifference(a.variance, b.variance)).toBeLessThan(SAME);
      expect(largestDifference(all.diagnostics.pValues, plain.diagnostics.pValues)).toBeLessThan(SAME);
    }
  });

  it('shares an exposure between two factors that are nearly one, where least squares sets them against each other', async () => {
    const world = linearWorld({ lateStart: 0, noise: 0.05 });
    const random = new Random(4);
    const series = world.panel.inputs.factors.length;
    const values = world.panel.inputs.values.slice();
    for (let at = 1; at < values.length; at += series) values[at] = values[at - 1] + 0.02 * random.normal();
    const panel: Panel = { ...world.panel, inputs: { ...world.panel.inputs, values } };
    const span = { start: 0, end: 240 };
    const error = async (estimator: typeof pcaEstimator | typeof olsEstimator) => {
      const [block] = await collect(
        (await estimator().fit(panel, span, options)).jacobian(panel.inputs, { start: 239, end: 240 }),
      );
      return block.variance[0];
    };
    expect(await error(pcaEstimator)).toBeLessThan(0.1 * (await error(olsEstimator)));
  });
});

/** Two persistent factors, assets that react to the first now and, some of them, a month later. */
function laggedWorld(rows: number, assets: number) {
  const base = linearWorld({ rows, assets, lateStart: 0, holes: 0 });
  const random = new Random(21);
  const factors = base.panel.inputs.factors.slice(0, 2);
  const values = new Float64Array(rows * 2);
  const returns = new Float64Array(rows * assets);
  for (let t = 1; t < rows; t++) {
    const u = random.normal();
    values[t * 2] = 0.5 * values[t * 2 - 2] + u;
    values[t * 2 + 1] = 0.3 * values[t * 2 - 2] + 0.2 * values[t * 2 - 1] + 0.6 * u + random.normal();
    for (let i = 0; i < assets; i++) {
      returns[t * assets + i] = 0.01 * values[t * 2] - 0.02 * (i % 2) * values[t * 2 - 2] + 0.01 * random.normal();
    }
  }
  return { ...base.panel, inputs: { ...base.panel.inputs, factors, values }, returns };
}

describe('var', () => {
  it('finds the order, the lag profile and the dynamic exposure of assets that react late', async () => {
    const [rows, assets] = [1500, 4];
    const panel = laggedWorld(rows, assets);
    const fitted = (await varEstimator().fit(panel, { start: 0, end: rows }, options)) as VarFitted;
    expect(fitted.system.order).toBe(1);
    const { sd } = fitted.parameters().scaler;
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: 900, end: 901 }));
    expect([block.lags, block.factors]).toEqual([2, 2]);
    const [cumulative] = await collect(fitted.jacobian(panel.inputs, { start: 900, end: 901 }, { form: 'cumulative' }));
    const horizon = 3;
    const { values, variances } = await fitted.responses({ horizon });
    for (let i = 0; i < assets; i++) {
      const late = -0.02 * (i % 2);
      const error = (at: number) => 4 * Math.sqrt(block.variance[i * 4 + at]);
      expect(Math.abs(block.values[i * 4] - 0.01 * sd[0])).toBeLessThan(error(0));
      expect(Math.abs(block.values[i * 4 + 2] - late * sd[0])).toBeLessThan(error(2));
      expect(cumulative.values[i * 2]).toBeCloseTo(block.values[i * 4] + block.values[i * 4 + 2], 12);
      // One SD of the surprise of factor 0 is 1; factor 0 then is .5^h, and assets react to it now and a month later.
      for (let h = 0; h <= horizon; h++) {
        const truth = 0.01 * 0.5 ** h + (h > 0 ? late * 0.5 ** (h - 1) : 0);
        const at = (i * (horizon + 1) + h) * 2;
        expect(Math.abs(values[at] - truth)).toBeLessThan(4 * Math.sqrt(variances[at]));
        expect(Math.sqrt(variances[at])).toBeLessThan(0.002);
      }
    }
    const bands = await fitted.responseBands({ horizon, draws: 99 });
    // One least squares and another.
    values.forEach((value, at) => {
      expect(Math.abs(bands.values[at] - value)).toBeLessThan(1e-9);
    });
    const inside = values.filter((value, at) => bands.lo[at] < value && value < bands.hi[at]).length;
    expect(inside).toBeGreaterThan(0.9 * values.length);
    const states = await fitted.stateResponses({ variable: 0, threshold: 0, horizon: 0, draws: 20 });
    // Both regimes are the one that there is: at once, a surprise of factor 0 moves assets by .01 in both.
    for (let at = 0; at < assets * 2; at++) expect(Math.abs(states.values[at * 2] - 0.01)).toBeLessThan(0.002);
    const { pValues, facts } = fitted.diagnostics;
    const [first, second] = panel.inputs.factors.map(({ name }) => name);
    // Factor 0 moves factor 1 a month later, never the other way round; its own shock is all of its variance but for noise.
    expect(facts[`granger_p_${first}_${second}`]).toBeLessThan(1e-6);
    expect(facts[`granger_p_${second}_${first}`]).toBeGreaterThan(0.01);
    expect(facts[`variance_share_${first}_${first}`]).toBeGreaterThan(0.99);
    expect(facts[`variance_share_${first}_${second}`] + facts[`variance_share_${second}_${second}`]).toBeCloseTo(1, 12);
    expect(pValues[0]).toBeLessThan(1e-6);
    expect(pValues.filter((_, at) => at % 2 === 1).some((p) => p > 0.05)).toBe(true);
  });
});

describe('local projections', () => {
  it('agree with the dynamic exposures of a correctly specified autoregression, with larger errors far out', async () => {
    const [rows, assets, horizon] = [1500, 4, 5];
    const panel = laggedWorld(rows, assets);
    const series = { values: panel.inputs.values, rows, series: 2 };
    // One unit of factor 0 that moves factor 1 by .6, as its surprises do.
    const impulse = Float64Array.of(1, 0.6);
    const { values, variances } = await localProjections(series, panel.returns, assets, { horizon, lags: 1, impulse });
    for (let i = 0; i < assets; i++) {
      for (let h = 0; h <= horizon; h++) {
        const truth = 0.01 * 0.5 ** h + (h > 0 ? -0.02 * (i % 2) * 0.5 ** (h - 1) : 0);
        expect(Math.abs(values[i * (horizon + 1) + h] - truth)).toBeLessThan(
          4 * Math.sqrt(variances[i * (horizon + 1) + h]),
        );
      }
      expect(variances[i * (horizon + 1) + horizon]).toBeGreaterThan(variances[i * (horizon + 1)]);
    }
    await expect(localProjections(series, panel.returns, 3, { horizon, lags: 1 })).rejects.toThrow('returns for');
  });
});

describe('series that others give', () => {
  const random = new Random(31);
  const a = Array.from({ length: 60 }, () => random.normal());
  const b = Array.from({ length: 60 }, () => random.normal());
  const matrix = (...columns: readonly (readonly number[])[]) =>
    Float64Array.from(a.flatMap((_, row) => columns.map((column) => column[row])));
  const change = a.map((x, t) => (t === 0 ? 0 : x - a[t - 1]));

  it.each([
    ['independent ones', [a, b], 3, []],
    ['a multiple', [a, b, a.map((x) => 2 * x - 1)], 1, [2]],
    ['a sum', [a, b, a.map((x, t) => x + b[t])], 1, [2]],
    ['a level and its change, where a lag is among the regressors', [b, a, change], 1, [2]],
    ['the same without lags', [b, a, change], 0, []],
    ['another by its own lag', [a, a.map((_, t) => a[Math.max(0, t - 1)]), b], 1, [1]],
  ])('%s', (_, columns, order, wanted) => {
    expect(dependentSeries(matrix(...columns), columns.length, order)).toEqual(wanted);
  });
});
