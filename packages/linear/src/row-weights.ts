import { ArgumentError, calmWeightsSoFar, weightRows } from '@macrograd/core';
import { type OlsRegression, olsRegression, type RegressionPanel } from '@macrograd/kernel';

/** How much the rows of a regression count. */
export interface RowOptions {
  /**
   * `calm`: by one over the variance that residuals of the rows before lead to expect, all assets together (generalised least
   * squares of a noise whose size all assets share); default `equal`.
   */
  readonly rowWeights?: 'equal' | 'calm';
  /**
   * Residuals of least squares over all training rows, beyond so many of their SD, are drawn in to that many (Huber 1981); default
   * none.
   */
  readonly residualLimit?: number;
}

/** Refuses a limit that draws everything in. */
export function checkRows({ residualLimit }: RowOptions): void {
  if (residualLimit !== undefined && !(residualLimit > 0)) {
    throw new ArgumentError(
      `residualLimit is ${residualLimit}`,
      'give a positive number of SD, 3 say, or leave it out',
    );
  }
}

/**
 * Training rows as they enter the regressions: regressors and returns of a row times its weight, then returns with drawn-in
 * residuals. Coefficients keep their meaning and unit.
 */
export async function weightedRows(
  panel: RegressionPanel,
  { rowWeights = 'equal', residualLimit }: RowOptions,
  signal?: AbortSignal,
): Promise<RegressionPanel> {
  const run = signal ? { signal } : {};
  const weighted = rowWeights === 'calm' ? calmed(panel, await olsRegression(panel, run)) : panel;
  return residualLimit === undefined ? weighted : limited(weighted, await olsRegression(weighted, run), residualLimit);
}

/** Rows times one over the size of the residuals before them. */
function calmed(panel: RegressionPanel, { residuals }: OlsRegression): RegressionPanel {
  const { rows, assets } = panel;
  const scaled = new Float64Array(rows * assets);
  for (let asset = 0; asset < assets; asset++) {
    const own = residuals.subarray(asset * rows, (asset + 1) * rows);
    const size = rootMeanSquare(own);
    own.forEach((residual, row) => {
      scaled[row * assets + asset] = size > 0 ? residual / size : Number.NaN;
    });
  }
  const weights = calmWeightsSoFar(scaled, assets);
  return { ...panel, design: weightRows(panel.design, weights), returns: weightRows(panel.returns, weights) };
}

/** Returns whose residuals are at most `limit` SD; as they are where an asset has too few rows for a regression. */
function limited(panel: RegressionPanel, { residuals }: OlsRegression, limit: number): RegressionPanel {
  const { rows, assets } = panel;
  const returns = panel.returns.slice();
  for (let asset = 0; asset < assets; asset++) {
    const own = residuals.subarray(asset * rows, (asset + 1) * rows);
    const most = limit * rootMeanSquare(own);
    own.forEach((residual, row) => {
      if (Math.abs(residual) > most) returns[row * assets + asset] -= residual - Math.sign(residual) * most;
    });
  }
  return { ...panel, returns };
}

/** Of what is there; NaN of nothing. */
function rootMeanSquare(values: Float64Array): number {
  const seen = values.filter((value) => !Number.isNaN(value));
  return Math.sqrt(seen.reduce((sum, value) => sum + value * value, 0) / seen.length);
}
