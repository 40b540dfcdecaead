import { type Diagnostics, type FactorPanel, indexesOfRole, type StatusNote } from '@macrograd/core';
import { type DesignRule, type LeftOut, MIN_SERIES_OBSERVATIONS } from './design.js';

/** What a linear fit reports about itself. */
export interface Findings {
  readonly inputs: FactorPanel;
  readonly rule: DesignRule;
  /** Last coefficients, [asset][regressor]. */
  readonly coefficients: Float64Array;
  /** [asset][regressor]. */
  readonly pValues: Float64Array;
  /** [asset], training returns. */
  readonly observations: Int32Array;
  readonly minObservations: number;
  /** Of a moving window: the rows of the last one, and the returns of each asset in it. */
  readonly window?: { readonly rows: number; readonly observations: Int32Array };
  readonly facts: Readonly<Record<string, number>>;
}

/** Status with remedy for every asset, p-values of the factors, and facts. */
export function diagnose(findings: Findings): Diagnostics {
  const { inputs, rule, observations } = findings;
  const assets = observations.length;
  const factors = indexesOfRole(inputs, 'factor');
  const pValues = new Float64Array(assets * factors.length).fill(Number.NaN);
  factors.forEach((factor, f) => {
    const position = rule.positions[rule.columns.indexOf(factor)];
    if (position < 0) return;
    for (let asset = 0; asset < assets; asset++) {
      pValues[asset * factors.length + f] = findings.pValues[asset * rule.width + position];
    }
  });
  const leftOut = rule.columns.filter((_, j) => rule.positions[j] < 0);
  return {
    status: Array.from({ length: assets }, (_, asset) => statusOf(findings, asset)),
    observations,
    pValues,
    facts: { ...findings.facts, series_left_out: leftOut.length },
  };
}

function statusOf(findings: Findings, asset: number): StatusNote {
  const { rule, inputs, minObservations } = findings;
  const count = findings.observations[asset];
  const own = findings.coefficients.subarray(asset * rule.width, (asset + 1) * rule.width);
  if (count === 0) return { status: 'no_data', remedy: 'give returns inside the training span' };
  if (Number.isNaN(own[0])) {
    const needed = Math.max(minObservations, rule.width + 1);
    return { status: 'too_few_observations', remedy: tooFew(findings, asset, needed) };
  }
  const names = (columns: readonly number[]) => columns.map((column) => inputs.factors[column].name).join(', ');
  const without = (...reasons: readonly LeftOut[]) =>
    rule.columns.filter((_, j) => reasons.some((reason) => reason === rule.leftOut[j]));
  const excluded = without('constant', 'dependent');
  const unsolved = rule.columns.filter((_, j) => rule.positions[j] >= 0 && Number.isNaN(own[rule.positions[j]]));
  const dependent = [...excluded, ...unsolved];
  if (dependent.length > 0) {
    const remedy = `${names(dependent)}: constant, or a combination of the factors before it; drop one of them`;
    return { status: 'rank_deficient', remedy };
  }
  const thin = without('thin');
  if (thin.length === 0) return { status: 'ok', remedy: '' };
  const remedy = `no exposure to ${names(thin)}: observed in fewer than ${MIN_SERIES_OBSERVATIONS} training rows`;
  return { status: 'ok', remedy };
}

/** What there is, what is needed, and what helps. */
function tooFew({ window, observations, rule }: Findings, asset: number, needed: number): string {
  const want = `at least ${needed} needed for ${rule.width} regressors`;
  if (!window) return `${observations[asset]} training returns, ${want}; use fewer factors`;
  const { rows } = window;
  const have = `${window.observations[asset]} returns in the last window of ${rows} rows`;
  const help =
    needed > rows
      ? `give a window of ${needed} rows or more, use fewer factors, or ewm_ols`
      : 'the asset may have ended before the training span does: give it more returns, or use ewm_ols';
  return `${have}, ${want}; ${help}`;
}

/** Largest finite value, or NaN: the condition number worth printing. */
export function largestFinite(values: Float64Array): number {
  let largest = Number.NaN;
  for (const value of values) {
    if (Number.isFinite(value) && !(value <= largest)) largest = value;
  }
  return largest;
}

/** p-values of estimates against zero. */
export function statistics(coefficients: Float64Array, variances: Float64Array): Float64Array {
  return coefficients.map((value, at) => value / Math.sqrt(variances[at]));
}
