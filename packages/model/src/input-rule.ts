import { type FactorPanel, fitScaler, indexesOfRole, type LstmParameters, type Span } from '@macrograd/core';
import type { ClosedFormInputs } from '@macrograd/kernel';

/** A series observed in fewer training rows than this is left out: what it does would rest on a handful of rows. */
export const MIN_SERIES_OBSERVATIONS = 24;

/** How rows of macro series become inputs of the encoder; the part of {@link LstmParameters} that says so. */
export type InputRule = Pick<LstmParameters, 'scaler' | 'columns' | 'windowColumns' | 'flagged' | 'inputLimit'>;

/** Learns scaling, series and flags on the training rows; an infinite `limit` is none. */
export function fitInputRule(inputs: FactorPanel, span: Span, limit: number): InputRule {
  const series = inputs.factors.length;
  const scaler = fitScaler(inputs.values, series, span);
  const seen = (column: number) => scaler.count[column] >= MIN_SERIES_OBSERVATIONS;
  const columns = indexesOfRole(inputs, 'factor', 'control').filter(seen);
  const windowColumns = [...columns, ...indexesOfRole(inputs, 'state').filter(seen)];
  const rows = span.end - span.start;
  const flagged = windowColumns.filter((column) => scaler.count[column] < rows);
  return { scaler, columns, windowColumns, flagged, ...(Number.isFinite(limit) && { inputLimit: limit }) };
}

/** Standardised inputs of a range of rows, within the limit; a missing value is 0, the training mean. */
export function encoderInputs(rule: InputRule, inputs: FactorPanel, rows: Span): ClosedFormInputs {
  const { scaler, columns, windowColumns, flagged, inputLimit = Number.POSITIVE_INFINITY } = rule;
  const series = inputs.factors.length;
  const count = rows.end - rows.start;
  const windowSize = windowColumns.length + flagged.length;
  const window = new Float64Array(count * windowSize);
  const factors = new Float64Array(count * columns.length);
  for (let row = 0; row < count; row++) {
    const from = (rows.start + row) * series;
    windowColumns.forEach((column, place) => {
      const value = inputs.values[from + column];
      if (Number.isNaN(value)) return;
      const standardised = (value - scaler.mean[column]) / scaler.sd[column];
      window[row * windowSize + place] = Math.max(-inputLimit, Math.min(inputLimit, standardised));
    });
    flagged.forEach((column, place) => {
      const observed = !Number.isNaN(inputs.values[from + column]);
      window[row * windowSize + windowColumns.length + place] = observed ? 1 : 0;
    });
    // Factors and controls come first in the window.
    const start = row * windowSize;
    factors.set(window.subarray(start, start + columns.length), row * columns.length);
  }
  return { window, factors, rows: count, windowSize, factorCount: columns.length };
}

/**
 * Writes the windows that end at the given rows of the inputs into `out`, [row of `ends`][step][input], and returns it. It
 * must hold zeros: what a window has before the first row, the training mean.
 */
export function gatherWindows<A extends Float32Array | Float64Array>(
  { window, windowSize }: Pick<ClosedFormInputs, 'window' | 'windowSize'>,
  ends: readonly number[],
  lookback: number,
  out: A,
): A {
  ends.forEach((row, i) => {
    const first = Math.max(0, row + 1 - lookback);
    const rows = window.subarray(first * windowSize, (row + 1) * windowSize);
    out.set(rows, (i + 1) * lookback * windowSize - rows.length);
  });
  return out;
}
