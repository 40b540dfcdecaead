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
import {
  type EwmCrossSection,
  ewmCrossSection,
  ewmRegression,
  type RegressionPath,
  twoSidedPValues,
} from '@macrograd/kernel';
import { maskThinSeries } from './coverage.js';
import { freeRegressors } from './design.js';
import { diagnose, largestFinite, statistics } from './diagnose.js';
import { LinearFitted } from './fitted.js';
import { overlapLags } from './ols.js';
import { withResidualChecks } from './residual-checks.js';
import { defaultMinObservations, runOptions, training } from './training.js';

/** Options of {@link ewmOlsEstimator}. */
export interface EwmOlsEstimatorOptions {
  /** Rows after which a weight has halved; default 60. */
  readonly halfLife?: number;
  /**
   * Default `cross_section`: coefficients are shrunk to their mean over assets, and the mean to zero, by as much as the
   * data ask for; `none` leaves them as they are.
   */
  readonly shrinkage?: 'cross_section' | 'none';
  /**
   * Factor on the precision of the prior that coefficients are shrunk to; default 1, what the data ask for. Above 1 they
   * are drawn together more strongly, below 1 less.
   */
  readonly strength?: number;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
  /** Of the estimate without shrinkage; default `homoscedastic`, `hac` is Newey and West (1987). */
  readonly covariance?: 'homoscedastic' | 'hac';
  /** Lags of the `hac` kernel; default floor(4 (n / 100)^(2/9)) of the returns so far, and at least the horizon - 1. */
  readonly lags?: number;
}

/**
 * Exponentially weighted least squares, shrunk to the cross-section of assets by empirical Bayes; the exposure at a row
 * uses that row and the ones before it. Formulae and sources: docs/methods/linear.md.
 */
export function ewmOlsEstimator(options: EwmOlsEstimatorOptions = {}): Estimator {
  const { halfLife = 60, shrinkage, covariance, strength = 1 } = options;
  if (!(halfLife > 0 && Number.isFinite(halfLife))) {
    throw new ArgumentError(`halfLife is ${halfLife}`, 'give a positive, finite number of rows');
  }
  if (!(strength > 0 && Number.isFinite(strength))) {
    throw new ArgumentError(`strength is ${strength}`, "give a positive, finite factor, or `shrinkage: 'none'`");
  }
  if (covariance === 'hac' && shrinkage !== 'none') {
    throw new ArgumentError(
      'a shrunk estimate has the variance of its posterior',
      "give `shrinkage: 'none'` with `hac`",
    );
  }
  return withResidualChecks({
    method: 'ewm_ols',
    fit: (panel, span, fit) => fitEwm(panel, span, fit, { ...options, halfLife }),
  });
}

async function fitEwm(
  panel: Panel,
  span: Span,
  fit: FitOptions,
  options: EwmOlsEstimatorOptions & { halfLife: number },
): Promise<Fitted> {
  const { rule, panel: rows, dates, observations } = training(panel, span, fit, 'ewm_ols');
  const minObservations = options.minObservations ?? defaultMinObservations(rule);
  const lags = options.lags ?? overlapLags(panel.horizon, rows.rows);
  const settings = {
    halfLife: options.halfLife,
    minObservations,
    freeColumns: freeRegressors(rule),
    covariance: options.covariance ?? 'homoscedastic',
    ...(lags === undefined ? {} : { lags }),
  };
  const shrink = (options.shrinkage ?? 'cross_section') === 'cross_section';
  // Returns in units of their own SD: a bond's and a stock's exposures then are of one size, as one prior needs.
  const { sd } = fitScaler(rows.returns, rows.assets, { start: 0, end: rows.rows });
  const scaled = { ...rows, returns: rows.returns.map((value, at) => value / sd[at % rows.assets]) };
  const estimated = shrink ? await ewmCrossSection(scaled, { ...settings, ...runOptions(fit) }) : undefined;
  const prior = estimated && sharpened(estimated, options.strength ?? 1);
  const mask = maskThinSeries(rule, panel.inputs, span, Number.POSITIVE_INFINITY);
  const path = async (wanted: Span, assets: AssetRange, signal?: AbortSignal): Promise<RegressionPath> => {
    const run = signal ? { ...settings, signal } : settings;
    const block = await ewmRegression(scaled, run, { rows: wanted, assets }, prior);
    return rescaled(mask(block, wanted), sd.subarray(assets.start, assets.end));
  };
  const lastRow = { start: Math.max(0, rows.rows - 1), end: rows.rows };
  const last = await path(lastRow, { start: 0, end: rows.assets }, fit.signal);
  const { coefficients, variances } = last;
  // A posterior is normal given its variances; the plain estimate has a t with the noise variance's freedom.
  const degrees = coefficients.map((_, at) =>
    shrink ? Number.POSITIVE_INFINITY : last.degreesOfFreedom[Math.floor(at / rule.width)],
  );
  const gamma = prior && rows.rows > 0 ? { gamma: Math.sqrt(prior.gamma2[rows.rows - 1]) } : {};
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients,
    pValues: twoSidedPValues(statistics(coefficients, variances), degrees),
    observations,
    minObservations,
    facts: {
      half_life: options.halfLife,
      condition_number: largestFinite(last.condition),
      regressors: rule.width,
      degrees_of_freedom: largestFinite(last.degreesOfFreedom),
      ...gamma,
    },
  });
  return new LinearFitted({
    method: 'ewm_ols',
    rule,
    source: { last, path },
    assets: rows.assets,
    trainingDates: dates,
    diagnostics,
  });
}

/** The cross-section's prior with its precision times `strength`. */
function sharpened(prior: EwmCrossSection, strength: number): EwmCrossSection {
  if (strength === 1) return prior;
  const scaled = (variances: Float64Array) => variances.map((value) => value / strength);
  return {
    ...prior,
    tau2: scaled(prior.tau2),
    gamma2: scaled(prior.gamma2),
    tau2Error: scaled(prior.tau2Error),
    gamma2Error: scaled(prior.gamma2Error),
  };
}

/** Back from returns in units of their SD to decimals, in place. */
function rescaled(path: RegressionPath, sd: Float64Array): RegressionPath {
  const stride = sd.length === 0 ? 0 : path.coefficients.length / sd.length;
  for (let at = 0; at < path.coefficients.length; at++) {
    const scale = sd[Math.floor(at / stride)];
    path.coefficients[at] *= scale;
    path.variances[at] *= scale * scale;
  }
  return path;
}
