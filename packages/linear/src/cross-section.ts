import { ArgumentError, type AssetRange, fitScaler, type Span } from '@macrograd/core';
import {
  type CrossSection,
  type RegressionPanel,
  type RegressionPath,
  type RollingRegressionOptions,
  rollingCrossSection,
  rollingRegression,
} from '@macrograd/kernel';
import { sharpened, validatedStrength } from './validated-strength.js';

/** How coefficients are shrunk by empirical Bayes. */
export interface ShrinkageOptions {
  /**
   * `cross_section`: coefficients are shrunk to their mean over assets, and the mean to zero, by as much as the data ask
   * for; `none` leaves them as they are.
   */
  readonly shrinkage?: 'cross_section' | 'none';
  /**
   * Factor on the precision of the prior that coefficients are shrunk to; default 1, what the data ask for. Above 1 they
   * are drawn together more strongly, below 1 less.
   */
  readonly strength?: number;
}

/** Shrinkage of moving regressions; `validated`: see {@link validatedStrength}. */
export interface MovingShrinkage {
  readonly shrinkage: 'cross_section' | 'none';
  readonly strength: number | 'validated';
}

/** A moving regression of the kernel, its options filled in. */
export interface MovingRegression {
  readonly crossSection: (panel: RegressionPanel) => Promise<CrossSection>;
  readonly path: (
    panel: RegressionPanel,
    range: { readonly rows: Span; readonly assets: AssetRange },
    prior: CrossSection | undefined,
    signal?: AbortSignal,
  ) => Promise<RegressionPath>;
}

/** Coefficients as of each row of a span of training rows. */
export interface MovingCoefficients {
  readonly path: (rows: Span, assets: AssetRange, signal?: AbortSignal) => Promise<RegressionPath>;
  /** What they were shrunk to, returns in units of their SD; absent where they were not. */
  readonly prior?: CrossSection;
  /** Factor on its precision. */
  readonly strength?: number;
  /** Where the strength was validated: sum of squared errors of the rows that it was chosen on, in units of the returns' SD. */
  readonly validationError?: number;
}

/** Refuses options that contradict each other. */
export function checkShrinkage(shrinks: boolean, strength: number, covariance: string | undefined): void {
  if (!(strength > 0 && Number.isFinite(strength))) {
    throw new ArgumentError(`strength is ${strength}`, "give a positive, finite factor, or `shrinkage: 'none'`");
  }
  if (covariance === 'hac' && shrinks) {
    throw new ArgumentError(
      'a shrunk estimate has the variance of its posterior',
      "give `shrinkage: 'none'` with `hac`",
    );
  }
}

/** Least squares over a window of rows; `signal` stops the estimate of the cross-section. */
export function slidingRegression(settings: RollingRegressionOptions, signal?: AbortSignal): MovingRegression {
  const run = (own?: AbortSignal) => (own ? { ...settings, signal: own } : settings);
  return {
    crossSection: (panel) => rollingCrossSection(panel, run(signal)),
    path: (panel, range, prior, own) => rollingRegression(panel, run(own), range, prior),
  };
}

/**
 * The regression as it is, or shrunk to the cross-section of its own estimates. Then returns enter in units of their own
 * training SD: a bond's and a stock's exposures are of one size, as one prior needs.
 */
export async function movingCoefficients(
  panel: RegressionPanel,
  regression: MovingRegression,
  { shrinkage, strength }: MovingShrinkage,
  signal?: AbortSignal,
): Promise<MovingCoefficients> {
  if (shrinkage === 'none') {
    return { path: (rows, assets, signal) => regression.path(panel, { rows, assets }, undefined, signal) };
  }
  const { sd } = fitScaler(panel.returns, panel.assets, { start: 0, end: panel.rows });
  const scaled = { ...panel, returns: panel.returns.map((value, at) => value / sd[at % panel.assets]) };
  const plain = await regression.crossSection(scaled);
  const validated = strength === 'validated' && (await validatedStrength(scaled, regression, plain, signal));
  const factor = validated ? validated.strength : Number(strength);
  const prior = sharpened(plain, factor);
  return {
    prior,
    strength: factor,
    ...(validated && { validationError: validated.error }),
    path: async (rows, assets, signal) =>
      rescaled(await regression.path(scaled, { rows, assets }, prior, signal), sd.subarray(assets.start, assets.end)),
  };
}

/**
 * Degrees of freedom of the last row's statistics, [asset][regressor]: a posterior is normal given its variances; the
 * plain estimate has a t with the noise variance's freedom.
 */
export function freedomOf(last: RegressionPath, width: number, prior: CrossSection | undefined): Float64Array {
  return last.coefficients.map((_, at) =>
    prior ? Number.POSITIVE_INFINITY : last.degreesOfFreedom[Math.floor(at / width)],
  );
}

/** SD of the mean coefficients around zero at the last row, as a fact of a fit. */
export function shrinkageFacts(prior: CrossSection | undefined): Record<string, number> {
  return prior && prior.gamma2.length > 0 ? { gamma: Math.sqrt(prior.gamma2[prior.gamma2.length - 1]) } : {};
}

/** Back from returns in units of their SD to decimals, in place. */
function rescaled(path: RegressionPath, sd: Float64Array): RegressionPath {
  const stride = sd.length === 0 ? 0 : path.coefficients.length / sd.length;
  for (let at = 0; at < path.coefficients.length; at++) {
    const scale = sd[Math.floor(at / stride)];
    path.coefficients[at] *= scale;
    path.variances[at] *= scale * scale;
  }
  return path;
}
