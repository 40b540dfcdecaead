import { type RunOptions, runNative } from './native.js';

/** How one member's heads walk: the mean over assets, and every asset's deviation from it. */
export interface MemberWalks {
  /** [feature][feature]: covariance of the mean head before the first row. */
  readonly commonStart: Float64Array;
  /** [factor]: variance of its step from one row to the next, standardised returns per factor SD. */
  readonly commonStep: Float64Array;
  /** [feature][feature]: covariance of an asset's deviation before the first row. */
  readonly ownStart: Float64Array;
  /** [factor]. */
  readonly ownStep: Float64Array;
  /** Variance of an asset's own residual, and of the one that all assets share. */
  readonly noiseVariance: number;
  readonly sharedVariance: number;
  /** [asset]: standardised return where the features are at their mean. */
  readonly levels: Float64Array;
  /** [asset]: share in the residual of all. */
  readonly shares: Float64Array;
}

/** Assets that share a covariance recursion: observed on the same rows, with noise of about the same size. */
export interface WalkGroups {
  /** [asset], -1 for none. */
  readonly assetGroup: Int32Array;
  /** [group][row], 1 where its assets are observed. */
  readonly observed: Uint8Array;
  /** [group], noise variance over the one that the prior expects. */
  readonly noiseRatio: Float64Array;
}

/** What {@link closedFormWalkExposures} reads; arrays are over all rows and assets of the fit unless said otherwise. */
export interface WalkReadout {
  /** One a member. */
  readonly walks: readonly MemberWalks[];
  /** Each [row][feature]. */
  readonly features: readonly Float64Array[];
  /** Each [wanted row][lag][target][feature], as `closedFormJacobian` gives them. */
  readonly sensitivities: readonly Float64Array[];
  readonly featureCount: number;
  readonly groups: WalkGroups;
  /** [row][asset], standardised, NaN = missing. */
  readonly returns: Float64Array;
  /** [asset], decimal. */
  readonly sd: Float64Array;
  /** Wanted rows and assets, half-open; at least one row. */
  readonly rows: { readonly start: number; readonly end: number };
  readonly assets: { readonly start: number; readonly end: number };
}

/**
 * Exposures [asset][row][lag][target] and their variance along the path of the heads: those of a row use returns up to
 * that row. Formulae: docs/derivations/kalman_heads.md.
 */
export function closedFormWalkExposures(
  readout: WalkReadout,
  options: RunOptions = {},
): Promise<{ values: Float64Array; variance: Float64Array }> {
  const { walks, features, sensitivities, featureCount, groups, returns, sd, rows, assets } = readout;
  const copies = (arrays: readonly Float64Array[]) => arrays.map((array) => array.slice());
  const own = {
    walks: walks.map((one) => ({
      ...one,
      commonStart: one.commonStart.slice(),
      commonStep: one.commonStep.slice(),
      ownStart: one.ownStart.slice(),
      ownStep: one.ownStep.slice(),
      levels: one.levels.slice(),
      shares: one.shares.slice(),
    })),
    features: copies(features),
    sensitivities: copies(sensitivities),
    featureCount,
    groups: {
      assetGroup: groups.assetGroup.slice(),
      observed: groups.observed.slice(),
      noiseRatio: groups.noiseRatio.slice(),
    },
    returns: returns.slice(),
    sd: sd.slice(),
    rowStart: rows.start,
    rowEnd: rows.end,
    assetStart: assets.start,
    assetEnd: assets.end,
  };
  return runNative((kernel, run) => kernel.closedFormWalkExposures(own, ...run), options);
}
