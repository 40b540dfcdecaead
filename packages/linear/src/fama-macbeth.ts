import {
  cholesky,
  type Estimator,
  type FitOptions,
  type Fitted,
  forwardSolve,
  type Panel,
  type Span,
} from '@macrograd/core';
import { olsRegression, type RegressionPanel, twoSidedPValues } from '@macrograd/kernel';
import type { DesignRule } from './design.js';
import { type StaticOptions, staticFitted, staticSettings } from './ols.js';
import { grsFacts } from './pricing-facts.js';
import { withResidualChecks } from './residual-checks.js';
import { training } from './training.js';

/** Options of {@link famaMacBethEstimator}. */
export type FamaMacBethEstimatorOptions = StaticOptions;

/**
 * Fama and MacBeth's (1973) two passes: exposures by least squares over time, then for each date the returns of all
 * assets on their exposures; mean returns are what exposures earn, l_0 + B l, in place of intercepts of their own. The
 * facts hold the premia with Shanken's (1992) t statistics, and the test of Gibbons, Ross and Shanken. Formulae: docs/methods/static.md.
 *
 * @example
 * const fitted = await famaMacBethEstimator().fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * fitted.diagnostics.facts.premium_RATE; // decimal a period per SD of exposure
 */
export function famaMacBethEstimator(options: FamaMacBethEstimatorOptions = {}): Estimator {
  return withResidualChecks({
    method: 'fama_macbeth',
    fit: (panel, span, fit) => fitTwoPasses(panel, span, fit, options),
  });
}

async function fitTwoPasses(
  panel: Panel,
  span: Span,
  fit: FitOptions,
  options: FamaMacBethEstimatorOptions,
): Promise<Fitted> {
  const data = training(panel, span, fit, 'fama_macbeth');
  const settings = staticSettings(panel, data, fit, options);
  const first = await olsRegression(data.panel, settings);
  const names = data.rule.columns
    .filter((_, j) => data.rule.positions[j] >= 0)
    .map((column) => panel.inputs.factors[column].name);
  const prices = await secondPass(data.rule, data.panel, first.coefficients, fit);
  const grs = grsFacts(data.rule, data.panel);
  if (!prices) {
    const facts = { priced: 0, ...grs };
    return staticFitted('fama_macbeth', panel, data, first, settings.minObservations, facts);
  }
  const coefficients = withPricedMeans(data.rule, data.panel, first.coefficients, prices.premia);
  const t = prices.premia.map((premium, j) => premium / Math.sqrt(prices.variances[j]));
  const p = twoSidedPValues(t, new Float64Array(t.length).fill(prices.dates - 1));
  const facts: Record<string, number> = { priced: prices.assets, zero_beta: prices.premia[0], ...grs };
  names.forEach((name, j) => {
    facts[`premium_${name}`] = prices.premia[1 + j];
    facts[`premium_t_${name}`] = t[1 + j];
    facts[`premium_p_${name}`] = p[1 + j];
  });
  return staticFitted('fama_macbeth', panel, data, { ...first, coefficients }, settings.minObservations, facts);
}

/** Prices of risk of [constant, series]. */
interface Prices {
  /** Decimal a period per unit of exposure. */
  readonly premia: Float64Array;
  /** With Shanken's correction. */
  readonly variances: Float64Array;
  readonly dates: number;
  readonly assets: number;
}

/** Means over dates of the cross-sectional regressions; undefined where there are too few assets or dates for one. */
async function secondPass(
  rule: DesignRule,
  panel: RegressionPanel,
  coefficients: Float64Array,
  fit: FitOptions,
): Promise<Prices | undefined> {
  const k = rule.width - 1 - rule.marks.length;
  const priced = Array.from({ length: panel.assets }, (_, asset) => asset).filter((asset) =>
    coefficients.subarray(asset * rule.width, asset * rule.width + 1 + k).every((value) => !Number.isNaN(value)),
  );
  if (priced.length < k + 2) return undefined;
  // Assets are the rows of these regressions and dates their responses.
  const design = Float64Array.from({ length: priced.length * (1 + k) }, (_, at) => {
    const j = at % (1 + k);
    return j === 0 ? 1 : coefficients[priced[Math.floor(at / (1 + k))] * rule.width + j];
  });
  const returns = Float64Array.from(
    { length: priced.length * panel.rows },
    (_, at) => panel.returns[(at % panel.rows) * panel.assets + priced[Math.floor(at / panel.rows)]],
  );
  const sections = await olsRegression(
    { design, returns, rows: priced.length, columns: 1 + k, assets: panel.rows },
    { ...(fit.signal ? { signal: fit.signal } : {}), minObservations: k + 2 },
  );
  const dates = Array.from({ length: panel.rows }, (_, row) => row).filter((row) => sections.rank[row] === 1 + k);
  if (dates.length < 2) return undefined;
  const of = (row: number, j: number) => sections.coefficients[row * (1 + k) + j];
  const premia = Float64Array.from(
    { length: 1 + k },
    (_, j) => dates.reduce((sum, row) => sum + of(row, j), 0) / dates.length,
  );
  const factors = covariance(dates, k, (row, j) => panel.design[row * rule.width + 1 + j]);
  const correction = 1 + squaredLength(premia.subarray(1), factors);
  const spread = covariance(dates, 1 + k, of);
  const variances = premia.map((_, j) => {
    // Cov(f) belongs to the premia themselves, what is above it comes from the residuals, which estimated betas enlarge.
    const own = j === 0 ? 0 : factors[(j - 1) * k + j - 1];
    return (correction * (spread[j * (1 + k) + j] - own) + own) / dates.length;
  });
  return { premia, variances, dates: dates.length, assets: priced.length };
}

/** Covariance of `size` series over dates, divisor n. */
function covariance(dates: readonly number[], size: number, value: (row: number, j: number) => number): Float64Array {
  const mean = Array.from(
    { length: size },
    (_, j) => dates.reduce((sum, row) => sum + value(row, j), 0) / dates.length,
  );
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    return dates.reduce((sum, row) => sum + (value(row, i) - mean[i]) * (value(row, j) - mean[j]), 0) / dates.length;
  });
}

/** x' S^-1 x; 0 where S is singular, so that no correction is made. */
function squaredLength(x: Float64Array, matrix: Float64Array): number {
  const factor = cholesky(matrix, x.length);
  return factor ? forwardSolve(factor, x).reduce((sum, value) => sum + value * value, 0) : 0;
}

/** Coefficients whose constant makes the mean prediction over the training rows what the exposures earn. */
function withPricedMeans(
  rule: DesignRule,
  { design, rows, assets }: RegressionPanel,
  coefficients: Float64Array,
  premia: Float64Array,
): Float64Array {
  const means = Float64Array.from({ length: rule.width }, (_, j) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += design[row * rule.width + j];
    return sum / rows;
  });
  const out = coefficients.slice();
  for (let asset = 0; asset < assets; asset++) {
    const own = coefficients.subarray(asset * rule.width, (asset + 1) * rule.width);
    if (Number.isNaN(own[0])) continue;
    let constant = premia[0];
    for (let j = 1; j < rule.width; j++) {
      const value = Number.isNaN(own[j]) ? 0 : own[j];
      constant += value * ((j < premia.length ? premia[j] : 0) - means[j]);
    }
    out[asset * rule.width] = constant;
  }
  return out;
}
