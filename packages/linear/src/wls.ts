import {
  ArgumentError,
  type Estimator,
  type FitOptions,
  type Fitted,
  fitScaler,
  type Panel,
  type Span,
} from '@macrograd/core';
import { olsRegression, type RegressionPanel } from '@macrograd/kernel';
import { type StaticOptions, staticFitted, staticSettings } from './ols.js';
import { withResidualChecks } from './residual-checks.js';
import { training } from './training.js';

/** Noise variances below and above this many times their median count as that: no month decides alone. */
const MOST_FROM_MEDIAN = 4;

/** Options of {@link wlsEstimator}. */
export interface WlsEstimatorOptions extends StaticOptions {
  /** Rows after which a neighbour's squared residual counts half in a row's noise variance; default 12. */
  readonly halfLife?: number;
}

/**
 * Static weighted least squares: rows weigh by the inverse of the noise variance of the mean asset around them, so that
 * turbulent months say less; HAC errors, which hold whatever the weights. Formulae: docs/methods/static.md.
 *
 * @example
 * const fitted = await wlsEstimator({ halfLife: 6 }).fit(panel, { start: 0, end: 240 }, { seed: 1 });
 */
export function wlsEstimator(options: WlsEstimatorOptions = {}): Estimator {
  const { halfLife = 12 } = options;
  if (!(halfLife > 0 && Number.isFinite(halfLife))) {
    throw new ArgumentError(`halfLife is ${halfLife}`, 'give a positive, finite number of rows');
  }
  return withResidualChecks({
    method: 'wls',
    fit: (panel, span, fit) => fitWls(panel, span, fit, { ...options, halfLife }),
  });
}

async function fitWls(
  panel: Panel,
  span: Span,
  fit: FitOptions,
  options: WlsEstimatorOptions & { readonly halfLife: number },
): Promise<Fitted> {
  const data = training(panel, span, fit, 'wls');
  const settings = staticSettings(panel, data, fit, options);
  const weights = await inverseVariances(data.panel, options.halfLife, fit);
  const result = await olsRegression(data.panel, { ...settings, weights });
  const facts = {
    half_life: options.halfLife,
    least_weight: Math.min(...weights),
    largest_weight: Math.max(...weights),
  };
  return staticFitted('wls', panel, data, result, settings.minObservations, facts);
}

/** [row], mean 1: inverse of the noise variance that the residuals of the mean asset show around the row. */
async function inverseVariances(panel: RegressionPanel, halfLife: number, fit: FitOptions): Promise<Float64Array> {
  const market = meanAsset(panel);
  const { residuals, rank } = await olsRegression(
    { ...panel, returns: market, assets: 1 },
    fit.signal ? { signal: fit.signal } : {},
  );
  if (rank[0] === 0) return new Float64Array(panel.rows).fill(1);
  const variances = neighbouringSquares(residuals, halfLife);
  const sorted = variances.slice().sort();
  const median = sorted[sorted.length >> 1];
  const weights = variances.map(
    (value) => median / Math.min(Math.max(value, median / MOST_FROM_MEDIAN), median * MOST_FROM_MEDIAN),
  );
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  return weights.map((weight) => weight / mean);
}

/** Mean over the assets observed of returns in units of their SD, [row]. */
function meanAsset({ returns, rows, assets }: RegressionPanel): Float64Array {
  const { sd } = fitScaler(returns, assets, { start: 0, end: rows });
  return Float64Array.from({ length: rows }, (_, row) => {
    let [sum, count] = [0, 0];
    for (let asset = 0; asset < assets; asset++) {
      const value = returns[row * assets + asset] / sd[asset];
      if (!Number.isFinite(value)) continue;
      sum += value;
      count++;
    }
    return sum / count;
  });
}

/** Weighted mean of the squares before and after each row; its own is left out, which would weigh down what is large. */
function neighbouringSquares(residuals: Float64Array, halfLife: number): Float64Array {
  const kept = 2 ** (-1 / halfLife);
  const rows = residuals.length;
  const sums = new Float64Array(rows);
  const weights = new Float64Array(rows);
  const sweep = (order: (step: number) => number) => {
    let [sum, weight] = [0, 0];
    for (let step = 0; step < rows; step++) {
      const row = order(step);
      sums[row] += sum;
      weights[row] += weight;
      const seen = !Number.isNaN(residuals[row]);
      sum = kept * (sum + (seen ? residuals[row] ** 2 : 0));
      weight = kept * (weight + (seen ? 1 : 0));
    }
  };
  sweep((step) => step);
  sweep((step) => rows - 1 - step);
  return sums.map((sum, row) => sum / weights[row]);
}
