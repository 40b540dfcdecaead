import { type Estimator, type LinearParameters, type Panel, Random } from '@macrograd/core';
import { famaMacBeth, grsTest } from '@macrograd/kernel';
import { describe, expect, it } from 'vitest';
import {
  elasticNetEstimator,
  famaMacBethEstimator,
  lassoEstimator,
  olsEstimator,
  plsEstimator,
  ridgeEstimator,
  splineEstimator,
  wlsEstimator,
} from '../src/index.js';
import { collect, linearWorld } from './world.js';

const options = { seed: 1 };
/** Two routes to the same least squares on a well-conditioned design. */
const SAME = 1e-9;
/** HAC errors of 240 rows are some percent too small (Newey and West 1994). */
const HAC_SHORTFALL = 0.02;
const span = { start: 0, end: 240 };

async function parametersOf(estimator: Estimator, panel: Panel): Promise<LinearParameters> {
  return (await estimator.fit(panel, span, options)).parameters() as LinearParameters;
}

/** The world's panel with its third and later factors taken out of the returns: exposures of 0. */
function sparseWorld(assets: number) {
  const world = linearWorld({ assets, lateStart: 0, holes: 0, noise: 0.02 });
  const { panel, betas, rows } = world;
  const returns = panel.returns.slice();
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < assets; i++) returns[row * assets + i] -= betas[i * 3 + 2] * panel.inputs.values[row * 6 + 2];
  }
  return { ...world, panel: { ...panel, returns } };
}

function expectSame(a: Float64Array, b: Float64Array) {
  expect(a.length).toBe(b.length);
  a.forEach((value, at) => {
    expect(Math.abs(value - b[at])).toBeLessThan(SAME);
  });
}

describe('ridge', () => {
  it('without a penalty is least squares, errors included', async () => {
    const { panel } = linearWorld({ lateStart: 100 });
    const [ridge, ols] = [ridgeEstimator({ alpha: 0 }), olsEstimator({ covariance: 'homoscedastic' })];
    const [a, b] = [await parametersOf(ridge, panel), await parametersOf(ols, panel)];
    expectSame(a.coefficients, b.coefficients);
    const entering = b.variances!.map((value) => (Number.isNaN(value) ? 0 : value));
    expectSame(
      a.variances!.map((value) => (Number.isNaN(value) ? 0 : value)),
      entering,
    );
  });

  it('covers exposures that its prior says: nominal 90 % intervals hold 90 % of 1,200 drawn ones', async () => {
    const [rows, assets, noise] = [240, 400, 0.02];
    const { panel } = linearWorld({ rows, assets: 1, lateStart: 0, holes: 0 });
    const random = new Random(5);
    const alpha = 0.05;
    const spread = noise / Math.sqrt(rows * alpha);
    const sd = (await parametersOf(olsEstimator(), panel)).scaler.sd;
    const betas = Float64Array.from({ length: assets * 3 }, () => spread * random.normal());
    const returns = Float64Array.from({ length: rows * assets }, (_, at) => {
      const [row, asset] = [Math.floor(at / assets), at % assets];
      let value = noise * random.normal();
      for (let j = 0; j < 3; j++) value += (betas[asset * 3 + j] * panel.inputs.values[row * 6 + j]) / sd[j];
      return value;
    });
    const names = Array.from({ length: assets }, (_, i) => ({ name: `A${i}`, source: 'simulated', labels: [] }));
    const { columns, coefficients, variances } = await parametersOf(ridgeEstimator({ alpha }), {
      ...panel,
      assets: names,
      returns,
    });
    let inside = 0;
    betas.forEach((beta, at) => {
      const place = Math.floor(at / 3) * columns.length + (at % 3);
      if (Math.abs(coefficients[place] - beta) < 1.645 * Math.sqrt(variances![place])) inside++;
    });
    // Binomial, 1,200 draws: the standard error is .87 %, three of them 2.6 %.
    expect(Math.abs(inside / betas.length - 0.9)).toBeLessThan(0.026);
  });

  it('chooses a penalty by left-out blocks that brings exposures of nothing nearer to 0 than least squares', async () => {
    const { panel } = linearWorld({ assets: 40, lateStart: 0, holes: 0 });
    const random = new Random(3);
    const quiet = { ...panel, returns: panel.returns.map(() => 0.02 * random.normal()) };
    // The first three columns are factors; the control is free.
    const size = ({ columns, coefficients }: LinearParameters) =>
      coefficients.reduce((sum, value, at) => sum + (at % columns.length < 3 ? value * value : 0), 0);
    const [ridge, ols] = [await parametersOf(ridgeEstimator(), quiet), await parametersOf(olsEstimator(), quiet)];
    // A penalty of 1 halves coefficients: pure noise asks for at least that.
    expect(size(ridge)).toBeLessThan(0.25 * size(ols));
  });
});

describe('lasso and elastic net', () => {
  it('set exposures of nothing to exactly 0, keep planted ones, and never shrink a control away', async () => {
    const { panel, betas, assets } = sparseWorld(30);
    for (const make of [lassoEstimator, elasticNetEstimator]) {
      const { columns, coefficients, variances } = await parametersOf(make(), panel);
      const K = columns.length;
      let [zeros, lost, planted, kept] = [0, 0, 0, 0];
      for (let asset = 0; asset < assets; asset++) {
        if (coefficients[asset * K + 2] === 0) zeros++;
        if (coefficients[asset * K] === 0) lost++;
        // Two standard errors of a coefficient on a column of SD 2: 2 * .02 / sqrt(240) / 2.
        if (Math.abs(betas[asset * 3]) > 0.0013) planted++;
        if (Math.abs(betas[asset * 3]) > 0.0013 && coefficients[asset * K] !== 0) kept++;
        expect(coefficients[asset * K + 3]).not.toBe(0);
        // The last factor is never observed.
        expect(variances![asset * K + 4]).toBeNaN();
      }
      expect(zeros).toBeGreaterThan(lost);
      expect(kept).toBeGreaterThan(0.9 * planted);
    }
  });

  it.each([
    ['lasso', () => lassoEstimator()],
    ['elastic_net', () => elasticNetEstimator()],
    ['pls', () => plsEstimator({ components: 1 })],
  ] as const)(
    '%s has intervals that cover at least as often as they say, whatever was selected, and p-values no smaller than those of least squares',
    async (_, make) => {
      const { panel, betas, assets } = sparseWorld(400);
      const fit = await make().fit(panel, span, options);
      const { columns, coefficients, variances, scaler } = fit.parameters() as LinearParameters;
      const inside = [0, 0, 0];
      betas.forEach((drawn, at) => {
        const [asset, j] = [Math.floor(at / 3), at % 3];
        const beta = j === 2 ? 0 : drawn;
        const place = asset * columns.length + j;
        if (Math.abs(coefficients[place] - beta * scaler.sd[j]) < 1.645 * Math.sqrt(variances![place])) inside[j]++;
      });
      // Nominal .90 less three binomial standard errors of 400 draws (4.5 %) and what HAC errors of 240 rows are short of.
      for (const count of inside) expect(count / assets).toBeGreaterThan(0.9 - 0.045 - HAC_SHORTFALL);
      const plain = await olsEstimator().fit(panel, span, options);
      fit.diagnostics.pValues.forEach((p, at) => {
        if (!Number.isNaN(p)) expect(p).toBeGreaterThanOrEqual(plain.diagnostics.pValues[at]);
      });
    },
  );
});

describe('pls', () => {
  it('with all components, mapped back to the factors, is least squares with its errors; with one it is not', async () => {
    const { panel } = linearWorld({ lateStart: 0 });
    const plain = await parametersOf(olsEstimator(), panel);
    // Three factors are observed; the control is free.
    const all = await parametersOf(plsEstimator({ components: 3 }), panel);
    expectSame(all.coefficients, plain.coefficients);
    expectSame(observedOnly(all.variances!), observedOnly(plain.variances!));
    const one = await parametersOf(plsEstimator({ components: 1 }), panel);
    expect(Math.abs(one.coefficients[0] - plain.coefficients[0])).toBeGreaterThan(1e-4);
  });
});

/** Without the series that is never observed, whose variance is unknown. */
function observedOnly(values: Float64Array): Float64Array {
  return values.filter((value) => !Number.isNaN(value));
}

describe('fama_macbeth', () => {
  it("has the premia of the two passes with Shanken's t on complete rows, and mean returns that they price", async () => {
    const { panel, rows, assets } = linearWorld({ assets: 12, lateStart: 0, holes: 0 });
    const fit = await famaMacBethEstimator().fit(panel, span, options);
    const { columns, scaler, coefficients } = fit.parameters() as LinearParameters;
    const used = columns.filter((column) => scaler.count[column] > 0);
    const factors = Float64Array.from({ length: rows * used.length }, (_, at) => {
      const column = used[at % used.length];
      return (panel.inputs.values[Math.floor(at / used.length) * 6 + column] - scaler.mean[column]) / scaler.sd[column];
    });
    const outside = famaMacBeth({ returns: panel.returns, factors, rows, assets, factorCount: used.length });
    const { facts } = fit.diagnostics;
    expect(facts.priced).toBe(assets);
    const raw = factors.map((z, at) => scaler.mean[used[at % used.length]] + scaler.sd[used[at % used.length]] * z);
    const grs = grsTest({ returns: panel.returns, factors: raw, rows, assets, factorCount: used.length });
    expect(Math.abs(facts.grs_f / grs.f - 1)).toBeLessThan(SAME);
    expect(Math.abs(facts.grs_p - grs.pValue)).toBeLessThan(SAME);
    expect(facts.grs_assets).toBe(assets);
    used.forEach((column, j) => {
      const { name } = panel.inputs.factors[column];
      const width = used.length + 1;
      const t = outside.premia[1 + j] / Math.sqrt(outside.shanken[(1 + j) * width + 1 + j]);
      expect(Math.abs(facts[`premium_${name}`] - outside.premia[1 + j])).toBeLessThan(SAME);
      expect(Math.abs(facts[`premium_t_${name}`] - t)).toBeLessThan(SAME * Math.abs(t) + SAME);
    });
    const { values } = await fit.predict(panel.inputs, span);
    for (let asset = 0; asset < assets; asset++) {
      let mean = 0;
      for (let row = 0; row < rows; row++) mean += values[row * assets + asset] / rows;
      let priced = outside.premia[0];
      const own = coefficients.subarray(asset * columns.length, (asset + 1) * columns.length);
      used.forEach((column, j) => {
        priced += own[columns.indexOf(column)] * outside.premia[1 + j];
      });
      expect(Math.abs(mean - priced)).toBeLessThan(SAME);
    }
  });

  it('is least squares where there are fewer assets than prices to find, and says so', async () => {
    const { panel } = linearWorld({ assets: 3, lateStart: 0 });
    const [two, one] = [famaMacBethEstimator(), olsEstimator()];
    expect((await two.fit(panel, span, options)).diagnostics.facts.priced).toBe(0);
    const [a, b] = [await parametersOf(two, panel), await parametersOf(one, panel)];
    expect(a.intercept).toEqual(b.intercept);
    expect(a.coefficients).toEqual(b.coefficients);
  });
});

describe('wls', () => {
  it('errs less than least squares where noise comes in spells, and is least squares where it does not', async () => {
    const { panel, rows, assets, betas } = linearWorld({ assets: 40, lateStart: 0, holes: 0, noise: 0, common: 0 });
    const random = new Random(9);
    const withNoise = (sd: (row: number) => number) => {
      const returns = panel.returns.slice();
      for (let row = 0; row < rows; row++) {
        const shared = sd(row) * random.normal();
        for (let i = 0; i < assets; i++) returns[row * assets + i] += shared + sd(row) * random.normal();
      }
      return { ...panel, returns };
    };
    const error = async (estimator: Estimator, world: Panel) => {
      const { coefficients, columns, scaler } = await parametersOf(estimator, world);
      let sum = 0;
      for (let i = 0; i < assets; i++) {
        for (let j = 0; j < 3; j++)
          sum += (coefficients[i * columns.length + j] / scaler.sd[j] - betas[i * 3 + j]) ** 2;
      }
      return Math.sqrt(sum);
    };
    const spells = withNoise((row) => (Math.floor(row / 30) % 2 === 0 ? 0.005 : 0.03));
    expect(await error(wlsEstimator(), spells)).toBeLessThan(0.75 * (await error(olsEstimator(), spells)));
    const even = withNoise(() => 0.02);
    // Weights of some 35 neighbours' squares have an SD of about a quarter: an efficiency of 1 / (1 + .25^2).
    expect(await error(wlsEstimator(), even)).toBeLessThan(1.2 * (await error(olsEstimator(), even)));
  });
});

describe('spline', () => {
  it('holds its inputs at the ends of the training range: nothing more is predicted beyond, exposures stay', async () => {
    const { panel, assets } = linearWorld({ lateStart: 0 });
    const fitted = await splineEstimator({ lags: 3 }).fit(panel, { start: 0, end: 200 }, options);
    const at = { start: 210, end: 211 };
    const largest = Math.max(...panel.inputs.values.filter((_, i) => i % 6 === 1 && i < 200 * 6));
    const moved = (to: number) => {
      const values = panel.inputs.values.slice();
      values[210 * 6 + 1] = to;
      return { ...panel.inputs, values };
    };
    const read = async (to: number) => {
      const [block] = await collect(fitted.jacobian(moved(to), at, { form: 'contemporaneous' }));
      return { returns: (await fitted.predict(moved(to), at)).values, exposures: block.values };
    };
    const [edge, beyond, inside] = [await read(largest), await read(largest + 40), await read(largest - 1)];
    expect(beyond).toEqual(edge);
    for (let i = 0; i < assets; i++) expect(inside.returns[i]).not.toBe(edge.returns[i]);
    expect(edge.exposures.every((value) => Number.isNaN(value) || value !== 0)).toBe(true);
  });
});
