import { ArgumentError, type FactorPanel, indexesOfRole, type Panel, type Span } from '@macrograd/core';

/** A series observed in a smaller share of the training rows is no candidate unless it is named. */
const LEAST_OBSERVED = 0.8;

/** Series that may cross a threshold. */
export interface Candidates {
  /** Columns of the inputs. */
  readonly columns: readonly number[];
  /** [variable][training row], in the series' own unit; NaN where missing. */
  readonly values: Float64Array;
}

/**
 * The named series; without names the states, or the factors where there is no state. Each is read `delay` rows before
 * the return.
 */
export function thresholdCandidates(
  panel: Panel,
  span: Span,
  names: readonly string[] | undefined,
  delay: number,
): Candidates {
  const columns = names ? named(panel.inputs, names) : observed(panel.inputs, span);
  const rows = span.end - span.start;
  const values = new Float64Array(columns.length * rows);
  columns.forEach((column, v) => {
    for (let row = 0; row < rows; row++)
      values[v * rows + row] = delayed(panel.inputs, span.start + row, column, delay);
  });
  return { columns, values };
}

/** A series some rows back; NaN before the first row. */
export function delayed(inputs: FactorPanel, row: number, column: number, delay: number): number {
  return row < delay ? Number.NaN : inputs.values[(row - delay) * inputs.factors.length + column];
}

function named(inputs: FactorPanel, names: readonly string[]): number[] {
  return names.map((name) => {
    const column = inputs.factors.findIndex((factor) => factor.name === name);
    if (column >= 0) return column;
    const known = inputs.factors.map((factor) => factor.name).join(', ');
    throw new ArgumentError(`there is no series "${name}" to set a threshold on`, `use some of ${known}`);
  });
}

function observed(inputs: FactorPanel, span: Span): number[] {
  const series = inputs.factors.length;
  const often = (column: number) => {
    let count = 0;
    for (let row = span.start; row < span.end; row++) {
      if (!Number.isNaN(inputs.values[row * series + column])) count++;
    }
    return count >= LEAST_OBSERVED * (span.end - span.start);
  };
  const states = indexesOfRole(inputs, 'state').filter(often);
  return states.length > 0 ? states : indexesOfRole(inputs, 'factor').filter(often);
}
