import { describe, expect, it } from 'vitest';
import { type CovarianceKind, olsRegression, type RegressionPanel } from '../src/linear.js';
import { bestSteps, famaMacBeth, grsTest, shrinkagePath } from '../src/shrinkagePath.js';
import { COEFFICIENT_TOLERANCE, ERROR_TOLERANCE, expectClose, flat, readGolden } from './golden.js';

const golden = readGolden('linear-static');
/** scikit-learn stops its coordinate descent at a duality gap of 1e-15; coefficients are off by about its root. */
const DESCENT_TOLERANCE = 1e-7;

function toPanel(source: { design: number[][]; returns: number[][] }): RegressionPanel {
  const { design, returns } = source;
  const [rows, columns, assets] = [design.length, design[0].length, returns[0].length];
  return { design: flat(design), returns: flat(returns), rows, columns, assets };
}

describe('covariances of static regressions', () => {
  const source = golden.covariances;
  const panel = toPanel(source);
  const clusters = Uint32Array.from(source.clusters as number[]);

  for (const covariance of ['hc0', 'hc1', 'hc2', 'hc3'] as CovarianceKind[]) {
    it(`${covariance} matches statsmodels`, async () => {
      const fit = await olsRegression(panel, { covariance });
      expectClose(fit.coefficients, source.coefficients, COEFFICIENT_TOLERANCE, panel.columns);
      expectClose(fit.covariance, source[covariance], ERROR_TOLERANCE, panel.columns ** 2);
    });
  }

  it('clustered covariance and its t test match statsmodels, with and without small-sample factor', async () => {
    const small = await olsRegression(panel, { covariance: 'clustered', clusters });
    expectClose(small.covariance, source.clustered, ERROR_TOLERANCE, panel.columns ** 2);
    expectClose(small.pValues, source.clusteredP, ERROR_TOLERANCE, panel.columns);
    const large = await olsRegression(panel, { covariance: 'clustered', clusters, smallSample: false });
    expectClose(large.covariance, source.clusteredLarge, ERROR_TOLERANCE, panel.columns ** 2);
    await expect(async () => olsRegression(panel, { covariance: 'clustered' })).rejects.toThrow('clusters');
  });

  it("HAC with Andrews' bandwidth matches its dense definition", async () => {
    const fit = await olsRegression(panel, { covariance: 'hac_andrews' });
    expectClose(fit.covariance, source.andrews, ERROR_TOLERANCE, panel.columns ** 2);
  });

  it('weighted least squares matches statsmodels; a row of weight 0 is a row left out', async () => {
    const weights = Float64Array.from(source.weights as number[]);
    const fit = await olsRegression(panel, { weights, covariance: 'hc1' });
    expectClose(fit.coefficients, source.weighted.coefficients, COEFFICIENT_TOLERANCE, panel.columns);
    expectClose(fit.covariance, source.weighted.hc1, ERROR_TOLERANCE, panel.columns ** 2);
    const without = weights.map((weight, row) => (row < 20 ? 0 : weight));
    const missing = panel.returns.map((value, at) => (at < 20 * panel.assets ? Number.NaN : value));
    const zero = await olsRegression(panel, { weights: without });
    const left = await olsRegression({ ...panel, returns: missing }, { weights });
    expect(zero.coefficients).toEqual(left.coefficients);
    expect(zero.observations).toEqual(left.observations);
    await expect(olsRegression(panel, { weights: weights.map((w) => -w) })).rejects.toThrow('weights');
  });
});

describe('paths of shrunk regressions', () => {
  const source = golden.paths;
  const panel = toPanel(source);
  const shared = { freeColumns: [0], folds: source.folds as number };
  const alphas = Float64Array.from(source.alphas as number[]);

  it('ridge matches scikit-learn', async () => {
    const path = await shrinkagePath(panel, { ...shared, path: { kind: 'elastic_net', l1Ratio: 0, alphas } });
    expectClose(path.coefficients, source.ridge, COEFFICIENT_TOLERANCE, panel.columns);
  });

  for (const [name, l1Ratio] of [
    ['lasso', 1],
    ['elasticNet', 0.4],
  ] as const) {
    it(`${name} matches scikit-learn and has the same zeros`, async () => {
      const path = await shrinkagePath(panel, { ...shared, path: { kind: 'elastic_net', l1Ratio, alphas } });
      expectClose(path.coefficients, source[name], DESCENT_TOLERANCE, panel.columns);
      const zeros = (values: Float64Array) => [...values].map((value) => value === 0);
      expect(zeros(path.coefficients)).toEqual(zeros(flat(source[name])));
      expect(zeros(path.coefficients)).toContain(true);
    });
  }

  it('satisfies the optimality conditions of the LASSO to rounding', async () => {
    const alpha = alphas[2];
    const path = await shrinkagePath(panel, {
      freeColumns: [0],
      path: { kind: 'elastic_net', alphas: alphas.subarray(2, 3) },
    });
    const { rows, columns, assets } = panel;
    let active = 0;
    for (let asset = 0; asset < assets; asset++) {
      const b = path.coefficients.subarray(asset * columns, (asset + 1) * columns);
      const slopes = new Float64Array(columns);
      for (let row = 0; row < rows; row++) {
        const x = panel.design.subarray(row * columns, (row + 1) * columns);
        const residual = panel.returns[row * assets + asset] - x.reduce((sum, value, j) => sum + value * b[j], 0);
        x.forEach((value, j) => {
          slopes[j] += (value * residual) / rows;
        });
      }
      expect(Math.abs(slopes[0])).toBeLessThan(1e-15);
      for (let j = 1; j < columns; j++) {
        if (b[j] === 0) expect(Math.abs(slopes[j])).toBeLessThanOrEqual(alpha * (1 + 1e-9));
        else expect(slopes[j] / (alpha * Math.sign(b[j]))).toBeCloseTo(1, 9);
        active += b[j] === 0 ? 0 : 1;
      }
    }
    expect(active).toBeGreaterThan(3);
  });

  it('automatic penalties, cross-validated errors and the choice match scikit-learn', async () => {
    const path = await shrinkagePath(panel, { ...shared, path: { kind: 'elastic_net', l1Ratio: 0.7, count: 20 } });
    const expected = source.automatic as { alphas: number[]; errors: number[]; alpha: number }[];
    expectClose(
      path.parameters,
      expected.map(({ alphas }) => alphas),
      COEFFICIENT_TOLERANCE,
    );
    expectClose(
      path.errors,
      expected.map(({ errors }) => errors),
      DESCENT_TOLERANCE,
    );
    bestSteps(path).forEach((step, asset) => {
      expect(path.parameters[asset * path.steps + step]).toBeCloseTo(expected[asset].alpha, 12);
    });
  });

  it('partial least squares matches scikit-learn for every number of components', async () => {
    const count = panel.columns - 1;
    const path = await shrinkagePath(panel, { ...shared, path: { kind: 'partial_least_squares', count } });
    expectClose(path.coefficients, source.leastSquares, COEFFICIENT_TOLERANCE, panel.columns);
  });

  it('principal-component regression and its cross-validation match scikit-learn', async () => {
    const directions = flat(source.directions);
    const path = await shrinkagePath(panel, { ...shared, path: { kind: 'directions', directions } });
    expectClose(path.coefficients, source.principal, COEFFICIENT_TOLERANCE, panel.columns);
    expectClose(path.errors, source.principalErrors, COEFFICIENT_TOLERANCE);
  });

  it('ends at ordinary least squares, with near-collinear factors too', async () => {
    const near = golden.nearCollinear;
    const world = toPanel(near);
    const count = world.columns - 1;
    const identity = Float64Array.from({ length: count * count }, (_, at) => (at % (count + 1) === 0 ? 1 : 0));
    const tolerance = COEFFICIENT_TOLERANCE * Math.max(1, near.condition / 1e6);
    const path = await shrinkagePath(world, { freeColumns: [0], path: { kind: 'directions', directions: identity } });
    const last = near.ordinary.map((_: number[], asset: number) => {
      const at = (asset * path.steps + path.steps - 1) * world.columns;
      return [...path.coefficients.subarray(at, at + world.columns)];
    });
    expectClose(flat(last), near.ordinary, tolerance, world.columns);
  });
});

describe('asset pricing', () => {
  const source = golden.pricing;
  const { rows, assets, factorCount } = source;
  const panel = { rows, assets, factorCount, returns: flat(source.returns), factors: flat(source.factors) };

  it("Fama-MacBeth matches linearmodels, Shanken's correction its definition", () => {
    const fit = famaMacBeth(panel);
    expectClose(fit.betas, source.betas, COEFFICIENT_TOLERANCE);
    expectClose(fit.premia, source.premia, COEFFICIENT_TOLERANCE);
    expectClose(fit.covariance, source.covariance, ERROR_TOLERANCE);
    expectClose(fit.shanken, source.shanken, ERROR_TOLERANCE);
    expectClose(fit.pricingErrors, source.pricingErrors, ERROR_TOLERANCE);
    expect(fit.shanken[0]).toBeGreaterThan(fit.covariance[0] * 0.5);
  });

  it('the test of Gibbons, Ross and Shanken matches its definition and refuses too few rows', () => {
    const test = grsTest(panel);
    expect(test.f / source.grs.f).toBeCloseTo(1, 9);
    expect(test.pValue / source.grs.pValue).toBeCloseTo(1, 8);
    const short = {
      ...panel,
      rows: 14,
      returns: panel.returns.slice(0, 14 * assets),
      factors: panel.factors.slice(0, 42),
    };
    expect(() => grsTest(short)).toThrow('more rows');
  });

  it("the test is statsmodels' Hotelling-Lawley F of all constants; premia are linearmodels', Shanken's errors near its moments'", () => {
    const { f, pValue, premia, errors } = source.package;
    const test = grsTest(panel);
    expect(Math.abs(test.f / f - 1)).toBeLessThan(COEFFICIENT_TOLERANCE);
    expect(Math.abs(test.pValue / pValue - 1)).toBeLessThan(ERROR_TOLERANCE);
    const fit = famaMacBeth(panel);
    expectClose(fit.premia, premia, COEFFICIENT_TOLERANCE);
    const width = factorCount + 1;
    (errors as number[]).forEach((error, j) => {
      const own = Math.sqrt(fit.shanken[j * width + j]);
      // Both estimate one number from the same rows; the moments' has fourth powers in it: 3 sqrt(2 / T) / 2.
      expect(Math.abs(own / error - 1)).toBeLessThan((3 * Math.sqrt(2 / rows)) / 2);
    });
  });
});
