import {
  ArgumentError,
  type AssetRange,
  type Estimator,
  type FitOptions,
  type Fitted,
  type Panel,
  type Span,
} from '@macrograd/core';
import {
  ewmCrossSection,
  ewmRegression,
  ewmStrengthErrors,
  type RegressionPanel,
  type RegressionPath,
  twoSidedPValues,
} from '@macrograd/kernel';
import { maskThinSeries } from './coverage.js';
import {
  type ComparedRegression,
  checkShrinkage,
  freedomOf,
  type MovingCoefficients,
  movingCoefficients,
  scaledReturns,
  shrinkageFacts,
  shrunkCoefficients,
} from './cross-section.js';
import { freeRegressors } from './design.js';
import { diagnose, largestFinite, statistics } from './diagnose.js';
import { LinearFitted } from './fitted.js';
import { overlapLags } from './ols.js';
import { withResidualChecks } from './residual-checks.js';
import { checkRows, type RowOptions, weightedRows } from './row-weights.js';
import { defaultMinObservations, runOptions, training } from './training.js';
import { validatedStrength } from './validated-strength.js';

/** Options of {@link ewmOlsEstimator}. */
export interface EwmOlsEstimatorOptions extends RowOptions {
  /**
   * Rows after which a weight has halved. `validated`, the default with shrinkage: of 26, 52, 104 and 208 the one that explains
   * the last quarter of the training rows best; without shrinkage 60.
   */
  readonly halfLife?: number | 'validated';
  /** Default `cross_section`. */
  readonly shrinkage?: 'cross_section' | 'none';
  /**
   * Factor on the precision of the prior; 1 is what the data ask for. `validated`, the default: of 1, 2, 4, 8, 16 the one under
   * which coefficients of the row before explain the last quarter of the training rows best.
   */
  readonly strength?: number | 'validated';
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
  const { shrinkage = 'cross_section', covariance, strength = 'validated' } = options;
  const { halfLife = shrinkage === 'none' ? PLAIN_HALF_LIFE : 'validated' } = options;
  if (halfLife === 'validated') {
    if (shrinkage === 'none') {
      throw new ArgumentError('halfLife is validated and shrinkage is none', 'give a number of rows, or shrink');
    }
  } else if (!(halfLife > 0 && Number.isFinite(halfLife))) {
    throw new ArgumentError(`halfLife is ${halfLife}`, 'give a positive, finite number of rows');
  }
  checkShrinkage(shrinkage === 'cross_section', strength === 'validated' ? 1 : strength, covariance);
  checkRows(options);
  return withResidualChecks({
    method: 'ewm_ols',
    fit: (panel, span, fit) => fitEwm(panel, span, fit, { ...options, halfLife, shrinkage, strength }),
  });
}

/** Half-lives that validation compares, the first of equals wins: four years to a quarter of weeks, seventeen to two of months. */
const HALF_LIVES: readonly number[] = [208, 104, 52, 26];
/** Strengths that it compares. */
const STRENGTHS: readonly number[] = [1, 2, 4, 8, 16];
/** Half-life of the estimate without shrinkage. */
const PLAIN_HALF_LIFE = 60;

/** Coefficients of the half-life and strength that were given, or that explain the last quarter of the rows best. */
async function chosenCoefficients(
  rows: RegressionPanel,
  weighted: (halfLife: number) => ComparedRegression,
  { halfLife, shrinkage, strength }: Settings,
): Promise<{ readonly halfLife: number; readonly moving: MovingCoefficients }> {
  if (halfLife !== 'validated' && (shrinkage === 'none' || strength !== 'validated')) {
    const own = { shrinkage, strength: strength === 'validated' ? 1 : strength };
    return { halfLife, moving: await movingCoefficients(rows, weighted(halfLife), own) };
  }
  const scaled = scaledReturns(rows);
  const strengths = strength === 'validated' ? STRENGTHS : [strength];
  const halfLives = halfLife === 'validated' ? HALF_LIVES : [halfLife];
  let best = { halfLife: halfLives[0], strength: strengths[0], error: Number.POSITIVE_INFINITY };
  for (const candidate of halfLives) {
    const found = await validatedStrength(scaled.panel, weighted(candidate), strengths);
    if (found.error < best.error) best = { halfLife: candidate, ...found };
  }
  return {
    halfLife: best.halfLife,
    moving: await shrunkCoefficients(scaled, weighted(best.halfLife), best.strength),
  };
}

type Settings = EwmOlsEstimatorOptions & Required<Pick<EwmOlsEstimatorOptions, 'halfLife' | 'shrinkage' | 'strength'>>;

async function fitEwm(panel: Panel, span: Span, fit: FitOptions, options: Settings): Promise<Fitted> {
  const { rule, panel: all, dates, observations } = training(panel, span, fit, 'ewm_ols');
  const rows = await weightedRows(all, options, fit.signal);
  const minObservations = options.minObservations ?? defaultMinObservations(rule);
  const lags = options.lags ?? overlapLags(panel.horizon, rows.rows);
  const settings = {
    minObservations,
    freeColumns: freeRegressors(rule),
    covariance: options.covariance ?? 'homoscedastic',
    ...(lags === undefined ? {} : { lags }),
  };
  const weighted = (halfLife: number): ComparedRegression => ({
    crossSection: (scaled) => ewmCrossSection(scaled, { halfLife, ...settings, ...runOptions(fit) }),
    path: (own, range, prior, signal) =>
      ewmRegression(own, { halfLife, ...settings, ...(signal && { signal }) }, range, prior),
    strengthErrors: (scaled, strengths, span) =>
      ewmStrengthErrors(scaled, { halfLife, ...settings, ...runOptions(fit) }, strengths, span),
  });
  const { halfLife, moving } = await chosenCoefficients(rows, weighted, options);
  const mask = maskThinSeries(rule, panel.inputs, span, Number.POSITIVE_INFINITY);
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
    minObservations,
    facts: {
      half_life: halfLife,
      condition_number: largestFinite(last.condition),
      regressors: rule.width,
      degrees_of_freedom: largestFinite(last.degreesOfFreedom),
      ...shrinkageFacts(moving.prior),
      ...(moving.strength !== undefined && { shrinkage_strength: moving.strength }),
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
