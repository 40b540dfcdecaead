import {
  ArgumentError,
  type AssetRange,
  type Estimator,
  type FitOptions,
  type Fitted,
  fitScaler,
  type Panel,
  type Span,
} from '@macrograd/core';
import { type KalmanNoise, twoSidedPValues } from '@macrograd/kernel';
import { maskThinSeries } from './coverage.js';
import { freeRegressors } from './design.js';
import { diagnose, statistics } from './diagnose.js';
import { LinearFitted } from './fitted.js';
import type { KalmanForm } from './kalman-forms.js';
import { estimateWalks } from './kalman-walks.js';
import { withResidualChecks } from './residual-checks.js';
import { conditionNumber, defaultMinObservations, training } from './training.js';

/** Options of {@link kalmanEstimator}. */
export interface KalmanEstimatorOptions {
  /**
   * Default `cross_section`: the mean over assets and the deviations from it are filtered apart, each with variances of
   * its own, and deviations start from a common prior; `variances`: one set of variances for all assets, nothing known
   * at the start; `none`: variances asset by asset.
   */
  readonly pooling?: 'cross_section' | 'variances' | 'none';
  /**
   * Default `random_walk`; `mean_reverting`: around a mean, with a persistence by likelihood; `common`: random walks of
   * which the part that all assets share has variances by factor (with `pooling: 'cross_section'`).
   */
  readonly form?: KalmanForm;
  /** Default `gaussian`; `student_t` and `stochastic_volatility` leave less to outliers and to turbulent rows. */
  readonly noise?: KalmanNoise;
  /** Default `filter`: data up to the row; `smoother`: all training data, so that the path uses the future. */
  readonly reading?: 'filter' | 'smoother';
  /** Leading training rows that the variances are estimated from; default all. */
  readonly varianceRows?: number;
  /** Factors in place of covariances: more digits where regressors are nearly collinear; slower. Default false. */
  readonly squareRoot?: boolean;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/**
 * Coefficients that follow random walks or revert, by Kalman filter; variances by maximum likelihood, pooled over assets.
 * After the training span the last state holds. Formulae and sources: docs/methods/kalman.md.
 *
 * @example
 * const fitted = await kalmanEstimator().fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * fitted.diagnostics.facts.moving; // how many of the factors' exposures move
 */
export function kalmanEstimator(options: KalmanEstimatorOptions = {}): Estimator {
  const { varianceRows } = options;
  if (varianceRows !== undefined && !(Number.isInteger(varianceRows) && varianceRows > 0)) {
    throw new ArgumentError(`varianceRows is ${varianceRows}`, 'give a whole number of rows, 1 or more');
  }
  if (options.form === 'common' && (options.pooling ?? 'cross_section') !== 'cross_section') {
    throw new ArgumentError('form "common" needs a cross-section', 'leave `pooling` out');
  }
  return withResidualChecks({ method: 'kalman', fit: (panel, span, fit) => fitKalman(panel, span, fit, options) });
}

async function fitKalman(panel: Panel, span: Span, fit: FitOptions, options: KalmanEstimatorOptions): Promise<Fitted> {
  const { rule, panel: rows, dates, observations } = training(panel, span, fit, 'kalman');
  const minObservations = options.minObservations ?? defaultMinObservations(rule);
  // Returns in units of their own SD: a bond's and a stock's states then walk in steps of one size.
  const { sd } = fitScaler(rows.returns, rows.assets, { start: 0, end: rows.rows });
  const scaled = { ...rows, returns: rows.returns.map((value, at) => value / sd[at % rows.assets]) };
  const walks = await estimateWalks(scaled, freeRegressors(rule), {
    pooling: options.pooling ?? 'cross_section',
    form: options.form ?? 'random_walk',
    noise: options.noise ?? 'gaussian',
    reading: options.reading ?? 'filter',
    covarianceForm: options.squareRoot ? 'square_root' : 'covariance',
    varianceRows: Math.min(options.varianceRows ?? rows.rows, rows.rows),
    minObservations,
    ...(fit.signal ? { signal: fit.signal } : {}),
  });
  const mask = maskThinSeries(rule, panel.inputs, span, Number.POSITIVE_INFINITY);
  const path = async (wanted: Span, assets: AssetRange, signal?: AbortSignal) => {
    const block = mask(await walks.path(wanted, assets, signal), wanted);
    const stride = (wanted.end - wanted.start) * rule.width;
    for (let at = 0; at < block.coefficients.length; at++) {
      const scale = sd[assets.start + Math.floor(at / stride)];
      block.coefficients[at] *= scale;
      block.variances[at] *= scale * scale;
    }
    return block;
  };
  const last = await path(
    { start: Math.max(0, rows.rows - 1), end: rows.rows },
    { start: 0, end: rows.assets },
    fit.signal,
  );
  const { coefficients, variances } = last;
  const normal = new Float64Array(coefficients.length).fill(Number.POSITIVE_INFINITY);
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients,
    pValues: twoSidedPValues(statistics(coefficients, variances), normal),
    observations,
    minObservations,
    facts: {
      ...walks.facts,
      condition_number: await conditionNumber(rows),
      regressors: rule.width,
      uses_future: options.reading === 'smoother' ? 1 : 0,
    },
  });
  const source = { last, path };
  return new LinearFitted({ method: 'kalman', rule, source, assets: rows.assets, trainingDates: dates, diagnostics });
}
