import { CancelledError } from '@macrograd/core';
import type { CrossSection, RegressionPanel } from '@macrograd/kernel';
import type { MovingRegression } from './cross-section.js';

/** Strengths that are compared. */
const STRENGTHS: readonly number[] = [1, 2, 4, 8, 16];

/** Last share of the rows that compares them. */
const VALIDATION_SHARE = 0.25;

/** Assets whose coefficients are in memory at once. */
const ASSETS_PER_BLOCK = 256;

/**
 * The strength of shrinkage under which coefficients of the row before explain returns best: least squared error over the
 * last quarter of the rows, all assets together, in units of their SD; the weakest of equals. The prior itself is that of all
 * rows, so that only its strength is judged. `error`: the sum of squares under it.
 *
 * @param panel returns in units of their SD
 */
export async function validatedStrength(
  panel: RegressionPanel,
  regression: MovingRegression,
  prior: CrossSection,
  signal?: AbortSignal,
): Promise<{ readonly strength: number; readonly error: number }> {
  const rows = { start: Math.max(0, panel.rows - 1 - Math.round(VALIDATION_SHARE * panel.rows)), end: panel.rows - 1 };
  const errors = STRENGTHS.map(() => 0);
  for (let start = 0; start < panel.assets; start += ASSETS_PER_BLOCK) {
    const assets = { start, end: Math.min(panel.assets, start + ASSETS_PER_BLOCK) };
    for (const [at, strength] of STRENGTHS.entries()) {
      if (signal?.aborted) throw new CancelledError('comparing strengths of shrinkage');
      const { coefficients } = await regression.path(panel, { rows, assets }, sharpened(prior, strength), signal);
      errors[at] += squaredError(panel, coefficients, rows, assets);
    }
  }
  const error = Math.min(...errors);
  return { strength: STRENGTHS[errors.indexOf(error)], error };
}

/** Of the returns one row after each of `rows`, by `coefficients` [asset][row][column]. */
function squaredError(
  panel: RegressionPanel,
  coefficients: Float64Array,
  rows: { readonly start: number; readonly end: number },
  assets: { readonly start: number; readonly end: number },
): number {
  const { columns } = panel;
  const count = rows.end - rows.start;
  let sum = 0;
  for (let asset = assets.start; asset < assets.end; asset++) {
    for (let row = 0; row < count; row++) {
      const next = rows.start + row + 1;
      const from = ((asset - assets.start) * count + row) * columns;
      let error = panel.returns[next * panel.assets + asset];
      for (let j = 0; j < columns; j++) error -= coefficients[from + j] * panel.design[next * columns + j];
      if (Number.isFinite(error)) sum += error * error;
    }
  }
  return sum;
}

/** The cross-section's prior with its precision times `strength`. */
export function sharpened(prior: CrossSection, strength: number): CrossSection {
  if (strength === 1) return prior;
  const scaled = (variances: Float64Array) => variances.map((value) => value / strength);
  return {
    ...prior,
    tau2: scaled(prior.tau2),
    gamma2: scaled(prior.gamma2),
    tau2Error: scaled(prior.tau2Error),
    gamma2Error: scaled(prior.gamma2Error),
  };
}
