import type { FactorPanel, FitOptions } from '@macrograd/core';
import { principalComponents, type SeriesMatrix } from '@macrograd/kernel';
import type { DesignRule } from './design.js';
import { runOptions } from './training.js';

/** Rounds in which missing values are filled; each brings them nearer, and they hardly move after a few. */
const FILLING_ROUNDS = 100;

/**
 * The series that enter a design, in their own units, [row][series]; missing values are what the principal components
 * of all of them say (Stock and Watson 2002).
 */
export async function filledSeries(rule: DesignRule, inputs: FactorPanel, fit: FitOptions): Promise<SeriesMatrix> {
  const columns = rule.columns.filter((_, j) => rule.positions[j] >= 0);
  const [rows, series, all] = [inputs.axis.dates.length, columns.length, inputs.factors.length];
  const values = Float64Array.from(
    { length: rows * series },
    (_, at) => inputs.values[Math.floor(at / series) * all + columns[at % series]],
  );
  const matrix = { values, rows, series };
  if (!values.some((value) => Number.isNaN(value))) return matrix;
  const settings = { ...runOptions(fit), maxIterations: FILLING_ROUNDS };
  const { factors, loadings, components, mean, sd } = await principalComponents(matrix, settings);
  values.forEach((value, at) => {
    if (!Number.isNaN(value)) return;
    const [row, j] = [Math.floor(at / series), at % series];
    let common = 0;
    for (let c = 0; c < components; c++) common += factors[row * components + c] * loadings[j * components + c];
    values[at] = mean[j] + sd[j] * common;
  });
  return matrix;
}
