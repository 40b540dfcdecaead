import type { CrossSection, RegressionPanel } from '@macrograd/kernel';
import type { ComparedRegression } from './cross-section.js';

/** Last share of the rows that compares them. */
const VALIDATION_SHARE = 0.25;

/** A strength of shrinkage, and the sum of squared errors that it was chosen for. */
export interface ValidatedStrength {
  readonly strength: number;
  readonly error: number;
}

/**
 * The strength of shrinkage under which coefficients of the row before explain returns best: least squared error over the
 * last quarter of the rows, all assets together, in units of their SD; the weakest of equals. The prior itself is that of all
 * rows, so that only its strength is judged. `error`: the sum of squares under it.
 *
 * @param panel returns in units of their SD
 */
export async function validatedStrength(
  panel: RegressionPanel,
  regression: ComparedRegression,
  strengths: readonly number[],
): Promise<ValidatedStrength> {
  const rows = { start: Math.max(0, panel.rows - 1 - Math.round(VALIDATION_SHARE * panel.rows)), end: panel.rows - 1 };
  const errors = await regression.strengthErrors(panel, Float64Array.from(strengths), rows);
  const error = Math.min(...errors);
  return { strength: strengths[errors.indexOf(error)], error };
}

/**
 * The cross-section's prior with its precision times `strength`. Upper ends of its variances stay where the data put them: a strength
 * is chosen for what it predicts, and an interval still allows for betas as far apart as they may be.
 */
export function sharpened(prior: CrossSection, strength: number): CrossSection {
  if (strength === 1) return prior;
  const scaled = (variances: Float64Array) => variances.map((value) => value / strength);
  const errors = (variances: Float64Array, own: Float64Array) =>
    own.map((error, i) => variances[i] + error - variances[i] / strength);
  return {
    ...prior,
    tau2: scaled(prior.tau2),
    gamma2: scaled(prior.gamma2),
    tau2Error: errors(prior.tau2, prior.tau2Error),
    gamma2Error: errors(prior.gamma2, prior.gamma2Error),
  };
}
