import {
  ArgumentError,
  type AssetRange,
  type Estimator,
  type FitOptions,
  type Fitted,
  type Panel,
  type Span,
} from '@macrograd/core';
import { type RegressionPanel, type RegressionPath, twoSidedPValues } from '@macrograd/kernel';
import { maskThinSeries } from './coverage.js';
import {
  checkShrinkage,
  freedomOf,
  movingCoefficients,
  type ShrinkageOptions,
  shrinkageFacts,
  slidingRegression,
} from './cross-section.js';
import { freeRegressors } from './design.js';
import { diagnose, largestFinite, statistics } from './diagnose.js';
import { LinearFitted } from './fitted.js';
import { overlapLags } from './ols.js';
import { withResidualChecks } from './residual-checks.js';
import { training } from './training.js';

/** Options of {@link rollingOlsEstimator}. */
export interface RollingOlsEstimatorOptions extends ShrinkageOptions {
  /** Rows of a window; default 60. */
  readonly window?: number;
  /** Fewest returns in a window; default four fifths of it. */
  readonly minObservations?: number;
  /** Default `none`: what practitioners print. */
  readonly shrinkage?: 'cross_section' | 'none';
  /**
   * Of the estimate without shrinkage; default `homoscedastic`: on a window of a few years a HAC estimate is noisier than
   * what it corrects. `hac` (Newey and West 1987) for overlapping returns and for windows of many rows.
   */
  readonly covariance?: 'homoscedastic' | 'hac';
  /** Lags of the `hac` kernel; default floor(4 (n / 100)^(2/9)), and at least the panel's horizon - 1. */
  readonly lags?: number;
}

/**
 * Least squares over the last `window` rows: the exposure at a row uses that row and the ones before it. With shrinkage,
 * the empirical-Bayes posterior that `ewm_ols` has, of the window's rows. Formulae and sources: docs/methods/linear.md.
 *
 * @example
 * const fitted = await rollingOlsEstimator({ window: 60, shrinkage: 'cross_section' }).fit(panel, span, { seed: 1 });
 */
export function rollingOlsEstimator(options: RollingOlsEstimatorOptions = {}): Estimator {
  const window = options.window ?? 60;
  const { shrinkage = 'none', strength = 1 } = options;
  const minObservations = options.minObservations ?? Math.ceil(0.8 * window);
  if (minObservations > window) {
    throw new ArgumentError(`minObservations ${minObservations} exceeds the window of ${window} rows`);
  }
  checkShrinkage(shrinkage === 'cross_section', strength, options.covariance);
  return withResidualChecks({
    method: 'rolling_ols',
    fit: (panel, span, fit) =>
      fitRolling(panel, span, fit, { ...options, window, minObservations, shrinkage, strength }),
  });
}

type Settings = Required<Pick<RollingOlsEstimatorOptions, 'window' | 'minObservations' | 'shrinkage' | 'strength'>>;

async function fitRolling(
  panel: Panel,
  span: Span,
  fit: FitOptions,
  options: RollingOlsEstimatorOptions & Settings,
): Promise<Fitted> {
  const { rule, panel: rows, dates, observations } = training(panel, span, fit, 'rolling_ols');
  const mask = maskThinSeries(rule, panel.inputs, span, options.window);
  const lags = options.lags ?? overlapLags(panel.horizon, options.window);
  const settings = {
    window: options.window,
    minObservations: options.minObservations,
    freeColumns: freeRegressors(rule),
    covariance: options.covariance ?? 'homoscedastic',
    ...(lags === undefined ? {} : { lags }),
  };
  const moving = await movingCoefficients(rows, slidingRegression(settings, fit.signal), options);
  const path = async (wanted: Span, assets: AssetRange, signal?: AbortSignal): Promise<RegressionPath> =>
    mask(await moving.path(wanted, assets, signal), wanted);
  const lastRow = { start: Math.max(0, rows.rows - 1), end: rows.rows };
  const last = await path(lastRow, { start: 0, end: rows.assets }, fit.signal);
  const { coefficients, variances } = last;
  const degrees = freedomOf(last, rule.width, moving.prior);
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients,
    pValues: twoSidedPValues(statistics(coefficients, variances), degrees),
    observations,
    minObservations: options.minObservations,
    window: { rows: options.window, observations: returnsInLast(rows, options.window) },
    facts: {
      window: options.window,
      condition_number: largestFinite(last.condition),
      regressors: rule.width,
      ...shrinkageFacts(moving.prior),
    },
  });
  const source = { last, path };
  return new LinearFitted({
    method: 'rolling_ols',
    rule,
    source,
    assets: rows.assets,
    trainingDates: dates,
    diagnostics,
  });
}

/** [asset], returns observed in the last `window` rows. */
function returnsInLast({ returns, rows, assets }: RegressionPanel, window: number): Int32Array {
  const counts = new Int32Array(assets);
  for (let at = Math.max(0, rows - window) * assets; at < rows * assets; at++) {
    if (!Number.isNaN(returns[at])) counts[at % assets]++;
  }
  return counts;
}
