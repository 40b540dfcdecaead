import type { Estimator, FitOptions, Fitted, LinearParameters, Panel, Span } from '@macrograd/core';
import { type OlsRegression, type OlsRegressionOptions, olsRegression } from '@macrograd/kernel';
import { diagonals } from './coefficients.js';
import { diagnose, largestFinite } from './diagnose.js';
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

/** Options of {@link olsEstimator}. */
export type OlsEstimatorOptions = StaticOptions;

/**
 * Static least squares: one coefficient per factor for all dates, with HAC errors.
 *
 * @example
 * const fitted = await olsEstimator().fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * for await (const block of fitted.jacobian(panel.inputs, { start: 239, end: 240 })) console.log(block.values);
 */
export function olsEstimator(options: OlsEstimatorOptions = {}): Estimator {
  return withResidualChecks({ method: 'ols', fit: (panel, span, fit) => fitOls(panel, span, fit, options) });
}

async function fitOls(panel: Panel, span: Span, fit: FitOptions, options: OlsEstimatorOptions): Promise<Fitted> {
  const data = training(panel, span, fit, 'ols');
  const settings = staticSettings(panel, data, fit, options);
  return staticFitted('ols', panel, data, await olsRegression(data.panel, settings), settings.minObservations);
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
  { rule, panel: rows, dates, observations }: Training,
  result: OlsRegression,
  minObservations: number,
  facts: Readonly<Record<string, number>> = {},
): Fitted {
  const { coefficients, pValues } = result;
  const k = rule.width;
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients,
    pValues,
    observations,
    minObservations,
    facts: { condition_number: largestFinite(result.condition), regressors: k, ...facts },
  });
  const source = { last: { coefficients, variances: diagonals(result.covariance, k) } };
  return new LinearFitted({ method, rule, source, assets: rows.assets, trainingDates: dates, diagnostics });
}

/** Returns over h periods overlap by h - 1: the kernel must reach that far; undefined = the automatic rule does. */
export function overlapLags(horizon: number, rows: number): number | undefined {
  const automatic = Math.floor(4 * (rows / 100) ** (2 / 9));
  return horizon - 1 > automatic ? horizon - 1 : undefined;
}
