import { type Estimator, type Fitted, fitScaler, indexesOfRole, type Panel, type Span } from '@macrograd/core';
import { expectedReturns, type Loading, trueExposures } from './loadings.js';
import { variance } from './simulated_panel.js';
import type { World } from './world.js';

/** Prior variance of a coefficient in % squared: nothing is known. */
const DIFFUSE = 1e4;

/**
 * What could be known at best asset by asset: the true form of every effect, with the coefficients of each asset
 * estimated from its returns alone, on the rows that it is fitted on; where coefficients walk they are filtered with the true
 * variances. A factor that a state conditions has two coefficients, its own and that of the known product, as in a regression
 * with the product as a further column. Its noise has the same variance on every row. It reports itself as `ols`.
 */
export function oracleEstimator(world: World): Estimator {
  return { method: 'ols', fit: async (panel, span) => oracleFit(world, panel, span) };
}

function oracleFit(world: World, panel: Panel, span: Span): Fitted {
  const { burnIn, truth } = world;
  const months = panel.axis.dates.length;
  const assets = panel.assets.length;
  const factors = indexesOfRole(panel.inputs, 'factor');
  const scaler = fitScaler(panel.inputs.values, panel.inputs.factors.length, span);
  const sample = { start: burnIn, end: burnIn + months };
  const paths = world.loadings.map((own, asset) => {
    const returns = Float64Array.from({ length: months }, (_, t) => panel.returns[t * assets + asset]);
    const noise = variance(expectedReturns(own, sample)) * ((1 - world.r2) / world.r2);
    const estimated = estimatedLoadings(termsOf(own), returns, noise, { start: burnIn, end: burnIn + span.end });
    return trueExposures(estimated, sample, factors.length, truth.kind);
  });
  return {
    method: 'ols',
    predict: () => Promise.reject(new Error('the oracle knows exposures alone')),
    async *jacobian(_inputs, wanted) {
      const dates = wanted.end - wanted.start;
      const values = new Float64Array(assets * dates * factors.length);
      const perSd = factors.map((column) => scaler.sd[column] / truth.factorSd[column]);
      paths.forEach((path, asset) => {
        const part = path.subarray(wanted.start * factors.length, wanted.end * factors.length);
        values.set(
          part.map((x, i) => x * perSd[i % factors.length]),
          asset * dates * factors.length,
        );
      });
      const variance = new Float64Array(values.length).fill(Number.NaN);
      yield {
        assets: { start: 0, end: assets },
        span: wanted,
        dates,
        lags: 1,
        factors: factors.length,
        values,
        variance,
      };
    },
    parameters: () => ({
      method: 'ols',
      scaler,
      columns: [],
      intercept: new Float64Array(0),
      coefficients: new Float64Array(0),
      missingColumns: [],
      missingCoefficients: new Float64Array(0),
    }),
    diagnostics: { status: [], observations: new Int32Array(assets), pValues: new Float64Array(0), facts: {} },
  };
}

function termsOf(loadings: readonly Loading[]): Loading[] {
  return loadings.flatMap((loading) =>
    (loading.effect.terms ?? [loading.effect]).map((effect) => ({ ...loading, effect })),
  );
}

/** The loadings with filtered coefficients, one a row; from row `rows.end` on they hold, before `rows.start` they are 0. */
function estimatedLoadings(own: readonly Loading[], returns: Float64Array, noise: number, rows: Span): Loading[] {
  const size = own.length + 1;
  // Percent: the unit of the coefficients. The last state is the level.
  const state = new Float64Array(size);
  const covariance = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? DIFFUSE : 0));
  const paths = own.map(() => new Float64Array(rows.start + returns.length));
  for (let t = 0; t < returns.length; t++) {
    if (rows.start + t < rows.end) {
      const x = [...own.map(({ effect }) => effect.value[rows.start + t]), 1];
      own.forEach(({ stepVariance = 0 }, k) => {
        if (t > 0) covariance[k * (size + 1)] += stepVariance;
      });
      const reach = x.map((_, i) => x.reduce((sum, value, j) => sum + covariance[i * size + j] * value, 0));
      const total = x.reduce((sum, value, i) => sum + value * reach[i], 1e4 * noise);
      const error = 100 * returns[t] - x.reduce((sum, value, i) => sum + value * state[i], 0);
      for (let i = 0; i < size; i++) {
        state[i] += (reach[i] * error) / total;
        for (let j = 0; j < size; j++) covariance[i * size + j] -= (reach[i] * reach[j]) / total;
      }
    }
    paths.forEach((path, k) => {
      path[rows.start + t] = state[k];
    });
  }
  return own.map(({ effect }, k) => ({ effect, coefficient: paths[k] }));
}
