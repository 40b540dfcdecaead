import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { principalComponents } from '../src/principalComponents.js';
import {
  assetResponses,
  bestOrder,
  grangerTest,
  type Impulse,
  varianceDecomposition,
  varOrder,
  varResponses,
  vectorAutoregression,
} from '../src/vectorAutoregression.js';
import { COEFFICIENT_TOLERANCE, ERROR_TOLERANCE, expectClose, flat, readGolden } from './golden.js';

const golden = readGolden('linear-factors');
const horizon = golden.horizon as number;
/** statsmodels solves normal equations: what it loses, beyond our own rounding, on these designs. */
const REFERENCE_TOLERANCE = 1e-8;

/** [horizon][responding][shock] of the golden file -> [responding][horizon][shock]. */
function byResponding(nested: number[][][]): Float64Array {
  return flat(nested[0].map((_, responding) => nested.map((matrix) => matrix[responding])));
}

describe.each(['macrodata', 'luetkepohl', 'panel'])('vector autoregression: %s', (name) => {
  const source = golden[name];
  const series = { values: flat(source.values), rows: source.rows, series: source.series };
  const fit = vectorAutoregression(series, source.order);
  const k = source.series as number;

  it('coefficients, residual covariance, standard errors and largest root match statsmodels', () => {
    expectClose(fit.coefficients, source.coefficients, COEFFICIENT_TOLERANCE);
    expectClose(fit.intercept, source.intercept, COEFFICIENT_TOLERANCE);
    expectClose(fit.residualCovariance, source.residualCovariance, COEFFICIENT_TOLERANCE);
    const width = 1 + k * source.order;
    const errors = Array.from({ length: width }, (_, j) =>
      Array.from({ length: k }, (_, a) =>
        Math.sqrt(fit.residualCovariance[a * k + a] * fit.regressorInverse[j * width + j]),
      ),
    );
    expectClose(flat(errors), source.standardErrors, ERROR_TOLERANCE);
    expect(fit.roots[0]).toBeCloseTo(source.largestRoot, 8);
    expect(fit.condition / source.condition).toBeCloseTo(1, 6);
  });

  it('compares orders as statsmodels does', () => {
    const order = varOrder(series, source.maxOrder);
    for (const criterion of ['aic', 'bic', 'hq'] as const) {
      expectClose(order[criterion], source.criteria[criterion], COEFFICIENT_TOLERANCE);
      expect(bestOrder(order, criterion)).toBe(source.selected[criterion]);
    }
  });

  for (const impulse of ['unit', 'orthogonal', 'generalised'] as Impulse[]) {
    it(`${impulse} responses and their asymptotic errors match`, () => {
      const { values, variances } = varResponses(fit, { horizon, impulse });
      expectClose(values, [...byResponding(source[impulse])], REFERENCE_TOLERANCE);
      expectClose(variances.map(Math.sqrt), [...byResponding(source[`${impulse}Errors`])], REFERENCE_TOLERANCE);
    });
  }

  it('cumulative responses and their errors match statsmodels', () => {
    const { values, variances } = varResponses(fit, { horizon, impulse: 'orthogonal', cumulative: true });
    expectClose(values, [...byResponding(source.cumulative)], REFERENCE_TOLERANCE);
    expectClose(variances.map(Math.sqrt), [...byResponding(source.cumulativeErrors)], REFERENCE_TOLERANCE);
  });

  it('generalised and orthogonal responses to the first series are the same, with the same errors', () => {
    const [orthogonal, generalised] = (['orthogonal', 'generalised'] as const).map((impulse) =>
      varResponses(fit, { horizon, impulse }),
    );
    for (const part of ['values', 'variances'] as const) {
      const first = (values: Float64Array) => values.filter((_, at) => at % k === 0);
      expectClose(first(generalised[part]), [...first(orthogonal[part])], 1e-12);
    }
  });

  it('decomposes forecast error variances as statsmodels does; orthogonal shares sum to one', () => {
    const shares = varianceDecomposition(fit, horizon - 1);
    expectClose(shares, source.decomposition, REFERENCE_TOLERANCE);
    const generalised = varianceDecomposition(fit, horizon - 1, 'generalised');
    expect(generalised.some((value, at) => Math.abs(value - shares[at]) > 1e-3)).toBe(true);
  });

  it("Granger's test matches statsmodels", () => {
    for (const { causing, caused, f, pValue } of source.granger) {
      const test = grangerTest(fit, causing, caused);
      expect(test.f / f).toBeCloseTo(1, 8);
      expect(test.pValue).toBeCloseTo(pValue, 9);
    }
  });

  it('an asset that is one of the series responds as that series does', async () => {
    const request = { horizon, impulse: 'generalised' } as const;
    const own = varResponses(fit, request);
    // r = series 1 today: coefficients (0, 1, 0, ...) at lag 0, nothing at lag 1, known exactly.
    const lags = 2;
    const coefficients = new Float64Array(2 * lags * k);
    coefficients[1] = 1;
    coefficients.fill(Number.NaN, lags * k);
    const covariance = new Float64Array(2 * (lags * k) ** 2);
    const asset = await assetResponses(fit, { coefficients, covariance, assets: 2, lags }, request);
    const size = (horizon + 1) * k;
    for (const part of ['values', 'variances'] as const) {
      expectClose(asset[part].subarray(0, size), [...own[part].subarray(size, 2 * size)], 1e-12);
      expect(asset[part].subarray(size).every((value) => Number.isNaN(value))).toBe(true);
    }
  });
});

describe('vector autoregression', () => {
  it('refuses missing values, too few rows and dependent series, saying what to do', () => {
    const random = new Random(3);
    const values = Float64Array.from({ length: 120 }, () => random.normal());
    const sum = values.map((value, at) => (at % 3 === 2 ? values[at - 1] + values[at - 2] : value));
    expect(() => vectorAutoregression({ values: sum, rows: 40, series: 3 }, 1)).toThrow('sums of others');
    expect(() => vectorAutoregression({ values, rows: 40, series: 3 }, 12)).toThrow('more rows');
    values[7] = Number.NaN;
    expect(() => varOrder({ values, rows: 40, series: 3 }, 2)).toThrow('series[7]');
  });

  it('the variance of an asset response holds against simulated estimates', async () => {
    // x is a first-order autoregression of two series, r = x_0 + .5 x_1(t-1) + e; response at horizon 2 to shock 0.
    const request = { horizon: 3, impulse: 'generalised' } as const;
    const random = new Random(11);
    const [worlds, rows, k, lags] = [300, 200, 2, 2];
    const found: number[] = [];
    let claimed = 0;
    for (let world = 0; world < worlds; world++) {
      const values = new Float64Array(rows * k);
      for (let t = 1; t < rows; t++) {
        const u = random.normal();
        values[t * k] = 0.6 * values[t * k - 2] + 0.1 * values[t * k - 1] + u;
        values[t * k + 1] = 0.2 * values[t * k - 2] + 0.4 * values[t * k - 1] + 0.5 * u + random.normal();
      }
      const fit = vectorAutoregression({ values, rows, series: k }, 1);
      const { coefficients, covariance } = await regressOnLags(values, rows, k, random);
      const out = await assetResponses(fit, { coefficients, covariance, assets: 1, lags }, request);
      found.push(out.values[2 * k]);
      claimed += out.variances[2 * k] / worlds;
    }
    const mean = found.reduce((sum, value) => sum + value, 0) / worlds;
    const spread = found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (worlds - 1);
    // The variance of a variance over 300 worlds has a relative error of sqrt(2 / 300) = 8 %.
    expect(claimed / spread).toBeGreaterThan(0.75);
    expect(claimed / spread).toBeLessThan(1.3);
  });
});

async function regressOnLags(values: Float64Array, rows: number, k: number, random: Random) {
  const { olsRegression } = await import('../src/linear.js');
  const columns = 1 + 2 * k;
  const design = new Float64Array((rows - 1) * columns);
  const returns = new Float64Array(rows - 1);
  for (let t = 1; t < rows; t++) {
    design.set([1, values[t * k], values[t * k + 1], values[t * k - 2], values[t * k - 1]], (t - 1) * columns);
    returns[t - 1] = values[t * k] + 0.5 * values[t * k - 1] + random.normal();
  }
  const fit = await olsRegression({ design, returns, rows: rows - 1, columns, assets: 1 });
  const covariance = new Float64Array((2 * k) ** 2);
  for (let i = 0; i < 2 * k; i++) {
    for (let j = 0; j < 2 * k; j++) covariance[i * 2 * k + j] = fit.covariance[(i + 1) * columns + j + 1];
  }
  return { coefficients: fit.coefficients.slice(1), covariance };
}

describe('principal components', () => {
  for (const name of ['tall', 'wide']) {
    const source = golden[name];
    const matrix = { values: flat(source.values), rows: source.rows, series: source.series };

    it(`${name} panel: eigenvalues, common component and criteria match a singular value decomposition`, async () => {
      const found = await principalComponents(matrix, {
        components: source.components,
        maxComponents: source.maxComponents,
      });
      const eigenvalues = flat(source.eigenvalues).subarray(0, found.eigenvalues.length);
      expectClose(found.eigenvalues, [...eigenvalues], 1e-12);
      const k = found.components;
      const common = Float64Array.from({ length: source.rows * source.series }, (_, at) => {
        const [row, j] = [Math.floor(at / source.series), at % source.series];
        let sum = 0;
        for (let c = 0; c < k; c++) sum += found.factors[row * k + c] * found.loadings[j * k + c];
        return sum;
      });
      expectClose(common, source.common, 1e-12);
      expectClose(found.criteria, source.criteria, 1e-10);
      expect(found.iterations).toBe(0);
    });

    it(`${name} panel: keeps as many components as each criterion of Bai and Ng asks for`, async () => {
      for (const criterion of [1, 2, 3] as const) {
        const found = await principalComponents(matrix, { maxComponents: source.maxComponents, criterion });
        const values = source.criteria[criterion - 1] as number[];
        expect(found.components).toBe(values.indexOf(Math.min(...values)));
      }
    });
  }

  it('fills missing values so that factors hardly change', async () => {
    const { values, rows, series, components } = golden.tall;
    const full = await principalComponents({ values: flat(values), rows, series }, { components });
    const random = new Random(5);
    const holes = flat(values).map((value) => (random.uniform() < 0.1 ? Number.NaN : value));
    const filled = await principalComponents({ values: holes, rows, series }, { components, maxIterations: 500 });
    expect(filled.converged).toBe(true);
    for (let c = 0; c < components; c++) {
      const column = (factors: Float64Array) => factors.filter((_, at) => at % components === c);
      const [a, b] = [column(full.factors), column(filled.factors)];
      const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, at) => sum + value * y[at], 0);
      expect(Math.abs(dot(a, b)) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.97);
    }
  });

  it('refuses a series without values and more components than rows', async () => {
    const values = Float64Array.of(1, Number.NaN, 2, Number.NaN, 4, Number.NaN);
    await expect(principalComponents({ values, rows: 3, series: 2 }, { components: 1 })).rejects.toThrow(
      'leave it out',
    );
    const complete = Float64Array.of(1, 2, 3, 4);
    await expect(principalComponents({ values: complete, rows: 2, series: 2 }, { components: 3 })).rejects.toThrow(
      'at most',
    );
  });
});
