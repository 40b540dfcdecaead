import { ArgumentError, type AssetRange, fitScaler, type Span } from '@macrograd/core';
import {
  type CrossSection,
  type RegressionPanel,
  type RegressionPath,
  type RollingRegressionOptions,
  rollingCrossSection,
  rollingRegression,
} from '@macrograd/kernel';
import { sharpened } from './validated-strength.js';

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

/** One whose strengths of shrinkage can be compared. */
export interface ComparedRegression extends MovingRegression {
  /** Squared errors of the rows after `rows`, by strength. */
  readonly strengthErrors: (panel: RegressionPanel, strengths: Float64Array, rows: Span) => Promise<Float64Array>;
}

/** Coefficients as of each row of a span of training rows. */
export interface MovingCoefficients {
  readonly path: (rows: Span, assets: AssetRange, signal?: AbortSignal) => Promise<RegressionPath>;
  /** What they were shrunk to, returns in units of their SD; absent where they were not. */
  readonly prior?: CrossSection;
  /** Factor on its precision. */
  readonly strength?: number;
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

/** Returns in units of their own training SD, [asset]: a bond's and a stock's exposures are then of one size, as one prior needs. */
export interface ScaledPanel {
  readonly panel: RegressionPanel;
  readonly sd: Float64Array;
}

/** Scales the returns of training rows. */
export function scaledReturns(panel: RegressionPanel): ScaledPanel {
  const { sd } = fitScaler(panel.returns, panel.assets, { start: 0, end: panel.rows });
  return { panel: { ...panel, returns: panel.returns.map((value, at) => value / sd[at % panel.assets]) }, sd };
}

/** The regression as it is, or shrunk to the cross-section of its own estimates. */
export function movingCoefficients(
  panel: RegressionPanel,
  regression: MovingRegression,
  { shrinkage, strength }: Required<ShrinkageOptions>,
): Promise<MovingCoefficients> {
  if (shrinkage === 'cross_section') return shrunkCoefficients(scaledReturns(panel), regression, strength);
  const path: MovingCoefficients['path'] = (rows, assets, signal) =>
    regression.path(panel, { rows, assets }, undefined, signal);
  return Promise.resolve({ path });
}

/** The regression shrunk to the cross-section of its own estimates. */
export async function shrunkCoefficients(
  { panel, sd }: ScaledPanel,
  regression: MovingRegression,
  strength: number,
): Promise<MovingCoefficients> {
  const prior = sharpened(await regression.crossSection(panel), strength);
  return {
    prior,
    strength,
    path: async (rows, assets, signal) =>
      rescaled(await regression.path(panel, { rows, assets }, prior, signal), sd.subarray(assets.start, assets.end)),
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
