import type { FactorPanel, Span } from '@macrograd/core';
import type { CoefficientBlock } from './coefficients.js';
import { type DesignRule, MIN_SERIES_OBSERVATIONS } from './design.js';

/**
 * Makes a function that sets the coefficients of a series to NaN, in place, at training rows where it has been observed too seldom: a series that has
 * just started has a coefficient that rests on a handful of rows. `window` rows count back from each row; Infinity
 * counts from the first.
 */
export function maskThinSeries(rule: DesignRule, inputs: FactorPanel, span: Span, window: number) {
  const counts = rule.columns.map((column) => observedCounts(inputs, span, column, window));
  const needed = Math.min(MIN_SERIES_OBSERVATIONS, window / 2);
  return <Block extends CoefficientBlock>(block: Block, rows: Span): Block => {
    const { coefficients, variances } = block;
    const count = rows.end - rows.start;
    const assets = count === 0 ? 0 : coefficients.length / (count * rule.width);
    rule.positions.forEach((position, j) => {
      if (position < 0) return;
      for (let row = 0; row < count; row++) {
        if (counts[j][rows.start + row] >= needed) continue;
        for (let asset = 0; asset < assets; asset++) {
          const at = (asset * count + row) * rule.width + position;
          coefficients[at] = Number.NaN;
          variances[at] = Number.NaN;
        }
      }
    });
    return block;
  };
}

/** Observed rows of a series among the last `window` training rows, at every training row. */
function observedCounts(inputs: FactorPanel, span: Span, column: number, window: number): Int32Array {
  const series = inputs.factors.length;
  const observed = (row: number) => (Number.isNaN(inputs.values[(span.start + row) * series + column]) ? 0 : 1);
  const counts = new Int32Array(span.end - span.start);
  let count = 0;
  for (let row = 0; row < counts.length; row++) {
    count += observed(row);
    if (row >= window) count -= observed(row - window);
    counts[row] = count;
  }
  return counts;
}
