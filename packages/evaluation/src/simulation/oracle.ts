import { type Estimator, type Fitted, fitScaler, type Panel, type Span } from '@macrograd/core';
import { BURN_IN, FACTORS } from './macro_process.js';
import type { Loading } from './processes.js';
import { variance } from './simulated_panel.js';
import { expectedReturns, trueExposures, type World } from './world.js';

/** Prior variance of a coefficient in % squared: nothing is known. */
const DIFFUSE = 1e4;

/**
 * What could be known at best asset by asset: the true form of every effect, with the coefficients of each asset
 * estimated from its returns alone, on the rows that it is fitted on; where coefficients walk they are filtered with the true
 * variances. A factor that a state conditions has two coefficients, its own and that of the known product, as in a regression
 * with the product as a further column. It reports itself as `ols`.
 *
 * @returns undefined for a world whose effects are not listed (the market-like one)
 */
export function oracleEstimator(world: World): Estimator | undefined {
  const { loadings } = world;
  if (loadings === undefined) return undefined;
  return { method: 'ols', fit: async (panel, span) => oracleFit(world, loadings, panel, span) };
}

function oracleFit(world: World, loadings: readonly (readonly Loading[])[], panel: Panel, span: Span): Fitted {
  const months = panel.axis.dates.length;
  const assets = panel.assets.length;
  const scaler = fitScaler(panel.inputs.values, FACTORS, span);
  const paths = loadings.map((own, asset) => {
    const returns = Float64Array.from({ length: months }, (_, t) => panel.returns[t * assets + asset]);
    const estimated = estimatedLoadings(termsOf(own), returns, noiseVariance(own, world.r2, months), span.end);
    return trueExposures(estimated, months, world.truth.kind);
  });
  return {
    method: 'ols',
    predict: () => Promise.reject(new Error('the oracle knows exposures alone')),
    async *jacobian(_inputs, wanted) {
      const dates = wanted.end - wanted.start;
      const values = new Float64Array(assets * dates * FACTORS);
      paths.forEach((path, asset) => {
        const part = path.subarray(wanted.start * FACTORS, wanted.end * FACTORS);
        values.set(
          part.map((x, i) => (x / world.truth.factorSd[i % FACTORS]) * scaler.sd[i % FACTORS]),
          asset * dates * FACTORS,
        );
      });
      const variance = new Float64Array(values.length).fill(Number.NaN);
      yield { assets: { start: 0, end: assets }, span: wanted, dates, lags: 1, factors: FACTORS, values, variance };
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

function noiseVariance(loadings: readonly Loading[], r2: number, months: number): number {
  return variance(expectedReturns(loadings, months)) * ((1 - r2) / r2);
}

/** The loadings with filtered coefficients, one a month; from row `end` on they hold. */
function estimatedLoadings(own: readonly Loading[], returns: Float64Array, noise: number, end: number): Loading[] {
  const size = own.length + 1;
  const months = returns.length;
  // Percent: the unit of the coefficients. The last state is the level.
  const state = new Float64Array(size);
  const covariance = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? DIFFUSE : 0));
  const paths = own.map(() => new Float64Array(BURN_IN + months));
  for (let t = 0; t < months; t++) {
    if (t < end) {
      const x = [...own.map(({ effect }) => effect.value[BURN_IN + t]), 1];
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
      path[BURN_IN + t] = state[k];
    });
  }
  return own.map(({ effect }, k) => ({ effect, coefficient: paths[k] }));
}
