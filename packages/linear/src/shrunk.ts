import {
  ArgumentError,
  type Estimator,
  type FitOptions,
  type Fitted,
  indexesOfRole,
  type Panel,
  type Span,
} from '@macrograd/core';
import {
  olsRegression,
  type RegressionPanel,
  type ShrinkagePath,
  type ShrinkagePathOptions,
  shrinkagePath,
  twoSidedPValues,
} from '@macrograd/kernel';
import { type DesignRule, freeRegressors } from './design.js';
import { diagnose, statistics } from './diagnose.js';
import { LinearFitted } from './fitted.js';
import { staticSettings } from './ols.js';
import { withResidualChecks } from './residual-checks.js';
import { ridgePosterior } from './ridge-posterior.js';
import { errorsAroundLeastSquares, type ShrunkErrors } from './shrunk-errors.js';
import { defaultMinObservations, runOptions, training } from './training.js';

/** Penalties of ridge on columns of unit variance, for any size of returns: at 1 a lone coefficient is halved. */
const RIDGE_ALPHAS = Float64Array.from({ length: 61 }, (_, step) => 10 ** (2 - step / 10));

/** What the regressions of this file share. */
export interface ShrunkOptions {
  /** Blocks of neighbouring rows that cross-validation leaves out in turn; default 5. */
  readonly folds?: number;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/** Options of {@link ridgeEstimator}. */
export interface RidgeEstimatorOptions extends ShrunkOptions {
  /** Penalty; default: of least cross-validated error, one for all assets. */
  readonly alpha?: number;
}

/** Options of {@link elasticNetEstimator}. */
export interface ElasticNetEstimatorOptions extends ShrunkOptions {
  /** Share of the absolute penalty, in (0, 1]; default .5. */
  readonly l1Ratio?: number;
}

/** Options of {@link plsEstimator}. */
export interface PlsEstimatorOptions extends ShrunkOptions {
  /** Components; default: the number of least cross-validated error, one for all assets. */
  readonly components?: number;
}

type ShrunkMethod = 'ridge' | 'lasso' | 'elastic_net' | 'pls';

interface ShrunkSettings extends ShrunkOptions {
  readonly method: ShrunkMethod;
  readonly path: (shrunkColumns: number) => ShrinkagePathOptions['path'];
  /** Name of what cross-validation chose, among the facts. */
  readonly fact: string;
}

/**
 * Ridge regression (Hoerl and Kennard 1970): coefficients of factors drawn to zero, controls left free. Errors are those
 * of the normal posterior whose mean it is. Formulae and sources: docs/methods/static.md.
 *
 * @example
 * const fitted = await ridgeEstimator().fit(panel, { start: 0, end: 240 }, { seed: 1 });
 */
export function ridgeEstimator(options: RidgeEstimatorOptions = {}): Estimator {
  const { alpha } = options;
  if (alpha !== undefined && !(alpha >= 0 && Number.isFinite(alpha))) {
    throw new ArgumentError(`alpha is ${alpha}`, 'give a penalty of 0 or more');
  }
  const alphas = alpha === undefined ? RIDGE_ALPHAS : Float64Array.of(alpha);
  return estimator({ ...options, method: 'ridge', fact: 'alpha', path: () => elasticNetPath(0, alphas) });
}

/**
 * LASSO (Tibshirani 1996): coefficients of factors that do not earn their place become exactly zero. Errors are wide: they
 * allow for the selection by the distance from least squares.
 */
export function lassoEstimator(options: ShrunkOptions = {}): Estimator {
  return estimator({ ...options, method: 'lasso', fact: 'mean_alpha', path: () => elasticNetPath(1) });
}

/** Elastic net (Zou and Hastie 2005): between LASSO and ridge, factors that move together stay together. Errors as of LASSO. */
export function elasticNetEstimator(options: ElasticNetEstimatorOptions = {}): Estimator {
  const { l1Ratio = 0.5 } = options;
  if (!(l1Ratio > 0 && l1Ratio <= 1)) throw new ArgumentError(`l1Ratio is ${l1Ratio}`, 'give a share in (0, 1]');
  return estimator({ ...options, method: 'elastic_net', fact: 'mean_alpha', path: () => elasticNetPath(l1Ratio) });
}

/**
 * Partial least squares (Wold 1975): least squares on the few directions of the factors that vary most with the returns,
 * mapped back to the factors. Errors as of LASSO.
 */
export function plsEstimator(options: PlsEstimatorOptions = {}): Estimator {
  const { components } = options;
  if (components !== undefined && !(Number.isInteger(components) && components >= 1)) {
    throw new ArgumentError(`components is ${components}`, 'give an integer of at least 1');
  }
  const path = (shrunk: number) => ({ kind: 'partial_least_squares' as const, count: components ?? shrunk });
  // Fewer components need no comparison: the last step is the one that was asked for.
  return estimator({ ...options, ...(components ? { folds: 0 } : {}), method: 'pls', fact: 'components', path });
}

/** Step of least cross-validated error over that of the first step, mean over assets; the last one without folds. */
export function pooledStep(path: ShrinkagePath): number {
  if (path.errors.length === 0) return path.steps - 1;
  const sums = new Float64Array(path.steps);
  for (let at = 0; at < path.errors.length; at += path.steps) {
    const own = path.errors.subarray(at, at + path.steps);
    if (!own.every((error) => error > 0)) continue;
    own.forEach((error, step) => {
      sums[step] += error / own[0];
    });
  }
  return sums.reduce((best, sum, step) => (sum < sums[best] ? step : best), 0);
}

function elasticNetPath(l1Ratio: number, alphas?: Float64Array): ShrinkagePathOptions['path'] {
  return { kind: 'elastic_net', l1Ratio, ...(alphas ? { alphas } : {}) };
}

function estimator(settings: ShrunkSettings): Estimator {
  return withResidualChecks({
    method: settings.method,
    fit: (panel, span, fit) => fitShrunk(panel, span, fit, settings),
  });
}

async function fitShrunk(panel: Panel, span: Span, fit: FitOptions, settings: ShrunkSettings): Promise<Fitted> {
  const { method, folds = 5 } = settings;
  const data = training(panel, span, fit, method);
  const { rule, panel: rows } = data;
  const free = [...freeRegressors(rule), ...controlRegressors(rule, panel)].sort((a, b) => a - b);
  const minObservations = settings.minObservations ?? defaultMinObservations(rule);
  const shrunk = rule.width - free.length;
  if (shrunk === 0) throw new ArgumentError('no factor is observed in enough training rows', 'give a longer span');
  const path = await shrinkagePath(rows, {
    ...runOptions(fit),
    path: settings.path(shrunk),
    freeColumns: free,
    folds,
    minObservations,
  });
  const step = pooledStep(path);
  const coefficients = stepOf(path, step, rule.width);
  const parameter = meanParameter(path, step);
  const penalised = Array.from({ length: rule.width }, (_, j) => !free.includes(j));
  const errors =
    method === 'ridge'
      ? ridgeErrors(rows, coefficients, penalised, parameter)
      : errorsAroundLeastSquares(
          rows,
          coefficients,
          await olsRegression(rows, staticSettings(panel, data, fit, { minObservations })),
          penalised,
        );
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients,
    pValues: errors.pValues,
    observations: data.observations,
    minObservations,
    facts: { [settings.fact]: parameter, regressors: rule.width },
  });
  return new LinearFitted({
    method,
    rule,
    source: { last: { coefficients, variances: errors.variances } },
    assets: rows.assets,
    trainingDates: data.dates,
    diagnostics,
  });
}

function ridgeErrors(
  rows: RegressionPanel,
  coefficients: Float64Array,
  penalised: readonly boolean[],
  alpha: number,
): ShrunkErrors {
  const { variances, degrees } = ridgePosterior(rows, coefficients, penalised, alpha);
  return { variances, pValues: twoSidedPValues(statistics(coefficients, variances), degrees) };
}

/** Regressors that controls are: in every regression, so never shrunk away. */
function controlRegressors(rule: DesignRule, panel: Panel): number[] {
  const controls = indexesOfRole(panel.inputs, 'control');
  return controls.map((column) => rule.positions[rule.columns.indexOf(column)]).filter((position) => position >= 0);
}

/** [asset][column] of one step. */
function stepOf(path: ShrinkagePath, step: number, columns: number): Float64Array {
  const assets = path.observations.length;
  const out = new Float64Array(assets * columns);
  for (let asset = 0; asset < assets; asset++) {
    const at = (asset * path.steps + step) * columns;
    out.set(path.coefficients.subarray(at, at + columns), asset * columns);
  }
  return out;
}

function meanParameter(path: ShrinkagePath, step: number): number {
  const own = path.parameters.filter((value, at) => at % path.steps === step && !Number.isNaN(value));
  return own.reduce((sum, value) => sum + value, 0) / own.length;
}
