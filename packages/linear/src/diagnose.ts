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
  readonly facts: Readonly<Record<string, number>>;
  /** What to know about every fit of the method, where nothing is wrong with it. */
  readonly note?: string;
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
    const remedy = `${count} training returns, at least ${needed} needed (in the window, if there is one); use fewer factors`;
    return { status: 'too_few_observations', remedy };
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
  const notes = findings.note ? [findings.note] : [];
  const thin = without('thin');
  if (thin.length > 0) {
    notes.push(`no exposure to ${names(thin)}: observed in fewer than ${MIN_SERIES_OBSERVATIONS} training rows`);
  }
  return { status: 'ok', remedy: notes.join('; ') };
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
