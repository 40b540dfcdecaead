import {
  type FactorPanel,
  fitScaler,
  indexesOfRole,
  type Panel,
  type Scaler,
  type Span,
  standardise,
} from '@macrograd/core';

/** A series observed in fewer training rows than this is left out: its coefficient would rest on a handful of rows. */
export const MIN_SERIES_OBSERVATIONS = 24;

/** Why a series has no coefficient: observed too seldom, of one value, or given by the series before it. */
export type LeftOut = 'thin' | 'constant' | 'dependent';

/**
 * How rows of inputs become rows of a regression: constant, standardised factors and controls, then 0/1 columns that
 * mark rows where a series is missing (and enters as 0, its mean). A mark is made once for series that miss the same
 * training rows, and not at all where nothing is missing; complete rows therefore read constant + coefficients alone.
 */
export interface DesignRule {
  /** Over all series of the inputs, on training rows. */
  readonly scaler: Scaler;
  /** Series with role factor or control, in panel order. */
  readonly columns: readonly number[];
  /** Position among the regressors of each of `columns`; -1 where the series is left out. */
  readonly positions: readonly number[];
  /** Why each of `columns` is left out; undefined where it enters. */
  readonly leftOut: readonly (LeftOut | undefined)[];
  /** Series whose missing rows are marked. */
  readonly marks: readonly number[];
  /** Number of regressors, the constant included. */
  readonly width: number;
}

/** Learns the rule on the training rows. */
export function fitDesign(panel: Panel, span: Span): DesignRule {
  const { inputs } = panel;
  const scaler = fitScaler(inputs.values, inputs.factors.length, span);
  const columns = indexesOfRole(inputs, 'factor', 'control');
  const leftOut = columns.map((column): LeftOut | undefined => {
    if (scaler.count[column] < MIN_SERIES_OBSERVATIONS) return 'thin';
    return isConstant(inputs, span, column) ? 'constant' : undefined;
  });
  return numbered({ scaler, columns, leftOut }, inputs, span);
}

/** The same rule without series (positions in `columns`) that those before them give. */
export function withoutDependent(
  rule: DesignRule,
  dependent: ReadonlySet<number>,
  inputs: FactorPanel,
  span: Span,
): DesignRule {
  if (dependent.size === 0) return rule;
  const leftOut = rule.leftOut.map((why, at) => (dependent.has(at) ? 'dependent' : why));
  return numbered({ ...rule, leftOut }, inputs, span);
}

/** Numbers the regressors of the series that enter. */
function numbered(
  { scaler, columns, leftOut }: Pick<DesignRule, 'scaler' | 'columns' | 'leftOut'>,
  inputs: FactorPanel,
  span: Span,
): DesignRule {
  let next = 1;
  const positions = leftOut.map((why) => (why === undefined ? next++ : -1));
  const marks = distinctMarks(
    inputs,
    span,
    columns.filter((_, at) => leftOut[at] === undefined),
  );
  return { scaler, columns, positions, leftOut, marks, width: next + marks.length };
}

function isConstant({ values, factors }: FactorPanel, span: Span, column: number): boolean {
  let first = Number.NaN;
  for (let row = span.start; row < span.end; row++) {
    const value = values[row * factors.length + column];
    if (Number.isNaN(first)) first = value;
    else if (!Number.isNaN(value) && value !== first) return false;
  }
  return true;
}

/** Regressors of the given rows, [row][regressor]. */
export function designMatrix(rule: DesignRule, inputs: FactorPanel, span: Span): Float64Array {
  const series = inputs.factors.length;
  const rows = span.end - span.start;
  const values = standardise(inputs.values.subarray(span.start * series, span.end * series), rule.scaler);
  const out = new Float64Array(rows * rule.width);
  for (let row = 0; row < rows; row++) {
    const at = row * rule.width;
    out[at] = 1;
    rule.columns.forEach((column, j) => {
      const value = values[row * series + column];
      if (rule.positions[j] >= 0 && !Number.isNaN(value)) out[at + rule.positions[j]] = value;
    });
    rule.marks.forEach((column, m) => {
      const missing = Number.isNaN(values[row * series + column]);
      out[at + rule.width - rule.marks.length + m] = missing ? 1 : 0;
    });
  }
  return out;
}

/** Regressors that are not shrunk to zero: the constant and the marks, whose size says nothing about exposures. */
export function freeRegressors(rule: DesignRule): number[] {
  return [0, ...rule.marks.map((_, m) => rule.width - rule.marks.length + m)];
}

/** One series for each distinct pattern of missing training rows. */
function distinctMarks(inputs: FactorPanel, span: Span, columns: readonly number[]): number[] {
  const series = inputs.factors.length;
  const seen = new Set<string>();
  return columns.filter((column) => {
    const missing: number[] = [];
    for (let row = span.start; row < span.end; row++) {
      if (Number.isNaN(inputs.values[row * series + column])) missing.push(row);
    }
    const pattern = missing.join();
    if (missing.length === 0 || seen.has(pattern)) return false;
    seen.add(pattern);
    return true;
  });
}
