import { ArgumentError, CancelledError, type FitOptions, type Panel, type Span, slicePanel } from '@macrograd/core';
import { olsRegression, type RegressionPanel } from '@macrograd/kernel';
import { type DesignRule, designMatrix, fitDesign } from './design.js';

/** Training rows of a panel as a regression; later rows are cut off, so nothing can read them. */
export interface Training {
  readonly rule: DesignRule;
  readonly panel: RegressionPanel;
  readonly dates: Int32Array;
  /** [asset], returns observed. */
  readonly observations: Int32Array;
}

/** Cuts the training rows out of a panel and builds their design, by a rule learned on them (default: here). */
export function training(
  panel: Panel,
  span: Span,
  options: FitOptions,
  method: string,
  learned?: DesignRule,
): Training {
  if (options.signal?.aborted) throw new CancelledError(`fitting ${method}`);
  if (options.base && options.base.length > 0) {
    throw new ArgumentError(`${method} does not build on base estimators`, 'leave `base` out');
  }
  const own = slicePanel(panel, span);
  const rows = span.end - span.start;
  const rule = learned ?? fitDesign(own, { start: 0, end: rows });
  const design = designMatrix(rule, own.inputs, { start: 0, end: rows });
  const assets = own.assets.length;
  const observations = new Int32Array(assets);
  own.returns.forEach((value, at) => {
    if (!Number.isNaN(value)) observations[at % assets]++;
  });
  return {
    rule,
    observations,
    dates: own.axis.dates,
    panel: { design, returns: own.returns, rows, columns: rule.width, assets },
  };
}

/** Fewest observations of a regression by default: two for each regressor, and two years of months. */
export function defaultMinObservations(rule: DesignRule): number {
  return Math.max(24, 2 * rule.width);
}

/** Condition number of the complete rows of a design, columns scaled to unit length; Infinity where one depends on others. */
export async function conditionNumber(panel: Omit<RegressionPanel, 'returns' | 'assets'>): Promise<number> {
  const returns = new Float64Array(panel.rows);
  const { condition } = await olsRegression({ ...panel, returns, assets: 1 });
  return condition[0];
}

/** Native run options out of fit options. */
export function runOptions(options: FitOptions): { signal?: AbortSignal } {
  return options.signal ? { signal: options.signal } : {};
}
