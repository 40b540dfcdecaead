import type { Estimator, FitOptions, Fitted, LinearParameters, Panel, Span } from '@macrograd/core';
import { type OlsRegression, type OlsRegressionOptions, olsRegression, twoSidedPValues } from '@macrograd/kernel';
import { type CoefficientBlock, diagonals } from './coefficients.js';
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
import { withResidualChecks } from './residual-checks.js';
import { defaultMinObservations, runOptions, type Training, training } from './training.js';

/** Options of static least squares. */
export interface StaticOptions {
  /** Default `hac` (Newey and West 1987). */
  readonly covariance?: 'hac' | 'homoscedastic';
  /** Lags of the HAC kernel; default floor(4 (n / 100)^(2/9)), and at least the panel's horizon - 1. */
  readonly lags?: number;
  /** n / (n - rank) on the HAC covariance; default true. */
  readonly smallSample?: boolean;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/** Options of {@link olsEstimator}. `covariance` is that of the estimate without shrinkage. */
export interface OlsEstimatorOptions extends StaticOptions, ShrinkageOptions {
  /** Default `none`. */
  readonly shrinkage?: 'cross_section' | 'none';
}

/**
 * Static least squares: one coefficient per factor for all dates, with HAC errors; with shrinkage, the empirical-Bayes
 * posterior that `ewm_ols` has, of all rows alike. Formulae and sources: docs/methods/linear.md.
 *
 * @example
 * const fitted = await olsEstimator().fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * for await (const block of fitted.jacobian(panel.inputs, { start: 239, end: 240 })) console.log(block.values);
 */
export function olsEstimator(options: OlsEstimatorOptions = {}): Estimator {
  const { shrinkage = 'none', strength = 1 } = options;
  checkShrinkage(shrinkage === 'cross_section', strength, options.covariance);
  const fitOne = shrinkage === 'none' ? fitOls : fitShrunk;
  return withResidualChecks({
    method: 'ols',
    fit: (panel, span, fit) => fitOne(panel, span, fit, { ...options, shrinkage, strength }),
  });
}

type Settings = OlsEstimatorOptions & Required<ShrinkageOptions>;

async function fitOls(panel: Panel, span: Span, fit: FitOptions, options: Settings): Promise<Fitted> {
  const data = training(panel, span, fit, 'ols');
  const settings = staticSettings(panel, data, fit, options);
  return staticFitted('ols', panel, data, await olsRegression(data.panel, settings), settings.minObservations);
}

/** The last row of a window that holds every row. */
async function fitShrunk(panel: Panel, span: Span, fit: FitOptions, options: Settings): Promise<Fitted> {
  const data = training(panel, span, fit, 'ols');
  const { rule, panel: rows } = data;
  const { minObservations } = staticSettings(panel, data, fit, options);
  const settings = { window: Math.max(2, rows.rows), minObservations, freeColumns: freeRegressors(rule) };
  const moving = await movingCoefficients(rows, slidingRegression(settings, fit.signal), options);
  const lastRow = { start: Math.max(0, rows.rows - 1), end: rows.rows };
  const last = await moving.path(lastRow, { start: 0, end: rows.assets }, fit.signal);
  const degrees = freedomOf(last, rule.width, moving.prior);
  const pValues = twoSidedPValues(statistics(last.coefficients, last.variances), degrees);
  const facts = shrinkageFacts(moving.prior);
  return fittedOf('ols', panel, data, { ...last, pValues }, minObservations, facts);
}

/** What the regression is asked for, out of the options of a static method. */
export function staticSettings(
  panel: Panel,
  { rule, panel: rows }: Training,
  fit: FitOptions,
  options: StaticOptions,
): OlsRegressionOptions & { readonly minObservations: number } {
  const lags = options.lags ?? overlapLags(panel.horizon, rows.rows);
  return {
    ...runOptions(fit),
    covariance: options.covariance ?? 'hac',
    smallSample: options.smallSample ?? true,
    minObservations: options.minObservations ?? defaultMinObservations(rule),
    ...(lags === undefined ? {} : { lags }),
  };
}

/** A static regression as a fitted method. */
export function staticFitted(
  method: LinearParameters['method'],
  panel: Panel,
  data: Training,
  result: OlsRegression,
  minObservations: number,
  facts: Readonly<Record<string, number>> = {},
): Fitted {
  const variances = diagonals(result.covariance, data.rule.width);
  return fittedOf(method, panel, data, { ...result, variances }, minObservations, facts);
}

interface StaticResult extends CoefficientBlock {
  /** [asset][regressor]. */
  readonly pValues: Float64Array;
  /** [asset]. */
  readonly condition: Float64Array;
}

function fittedOf(
  method: LinearParameters['method'],
  panel: Panel,
  { rule, panel: rows, dates, observations }: Training,
  { coefficients, variances, pValues, condition }: StaticResult,
  minObservations: number,
  facts: Readonly<Record<string, number>>,
): Fitted {
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients,
    pValues,
    observations,
    minObservations,
    facts: { condition_number: largestFinite(condition), regressors: rule.width, ...facts },
  });
  const source = { last: { coefficients, variances } };
  return new LinearFitted({ method, rule, source, assets: rows.assets, trainingDates: dates, diagnostics });
}

/** Returns over h periods overlap by h - 1: the kernel must reach that far; undefined = the automatic rule does. */
export function overlapLags(horizon: number, rows: number): number | undefined {
  const automatic = Math.floor(4 * (rows / 100) ** (2 / 9));
  return horizon - 1 > automatic ? horizon - 1 : undefined;
}
