import type { Estimator, FitOptions, Fitted, Panel, Span } from '@macrograd/core';
import { olsRegression } from '@macrograd/kernel';
import { diagnose, largestFinite } from './diagnose.js';
import { LinearFitted } from './fitted.js';
import { defaultMinObservations, runOptions, training } from './training.js';

/** Options of {@link olsEstimator}. */
export interface OlsEstimatorOptions {
  /** Default `hac` (Newey and West 1987). */
  readonly covariance?: 'hac' | 'homoscedastic';
  /** Lags of the HAC kernel; default floor(4 (n / 100)^(2/9)), and at least the panel's horizon - 1. */
  readonly lags?: number;
  /** n / (n - rank) on the HAC covariance; default true. */
  readonly smallSample?: boolean;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/**
 * Static least squares: one coefficient per factor for all dates, with HAC errors.
 *
 * @example
 * const fitted = await olsEstimator().fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * for await (const block of fitted.jacobian(panel.inputs, { start: 239, end: 240 })) console.log(block.values);
 */
export function olsEstimator(options: OlsEstimatorOptions = {}): Estimator {
  return { method: 'ols', fit: (panel, span, fit) => fitOls(panel, span, fit, options) };
}

async function fitOls(panel: Panel, span: Span, fit: FitOptions, options: OlsEstimatorOptions): Promise<Fitted> {
  const { rule, panel: rows, dates, observations } = training(panel, span, fit, 'ols');
  const minObservations = options.minObservations ?? defaultMinObservations(rule);
  const lags = options.lags ?? overlapLags(panel.horizon, rows.rows);
  const result = await olsRegression(rows, {
    ...runOptions(fit),
    covariance: options.covariance ?? 'hac',
    smallSample: options.smallSample ?? true,
    minObservations,
    ...(lags === undefined ? {} : { lags }),
  });
  const { coefficients } = result;
  const k = rule.width;
  const variances = coefficients.map((_, at) => {
    const [asset, j] = [Math.floor(at / k), at % k];
    return result.covariance[(asset * k + j) * k + j];
  });
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients,
    pValues: result.pValues,
    observations,
    minObservations,
    facts: { condition_number: largestFinite(result.condition), regressors: k },
  });
  const source = { last: { coefficients, variances } };
  return new LinearFitted({ method: 'ols', rule, source, assets: rows.assets, trainingDates: dates, diagnostics });
}

/** Returns over h periods overlap by h - 1: the kernel must reach that far; undefined = the automatic rule does. */
export function overlapLags(horizon: number, rows: number): number | undefined {
  const automatic = Math.floor(4 * (rows / 100) ** (2 / 9));
  return horizon - 1 > automatic ? horizon - 1 : undefined;
}
