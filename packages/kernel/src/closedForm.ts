import type { MemberWalks, WalkGroups } from './closedFormWalks.js';
import { type RunOptions, runNative } from './native.js';

/** Standardised inputs of consecutive dates; missing values are 0. The arrays are copied before work starts. */
export interface ClosedFormInputs {
  /** [row][input]: the factors first, then states, then 0/1 flags "observed". */
  readonly window: Float64Array;
  /** [row][factor]: what enters linearly and through lag filters. */
  readonly factors: Float64Array;
  readonly rows: number;
  readonly windowSize: number;
  readonly factorCount: number;
}

/** Settings of {@link closedFormFit}. */
export interface ClosedFormOptions extends RunOptions {
  /** Units of the encoder; default 8. */
  readonly hiddenSize?: number;
  /** Window lengths to try; the one with the smallest validation error is kept. Default [1, 36]. */
  readonly lookbacks?: readonly number[];
  /** Members of the ensemble; default 5. Lookbacks and cells are compared by the first three. */
  readonly members?: number;
  /** `mixed`: every third unit linear. Default: the better of the two at lookback 1, `lstm` beyond. */
  readonly cell?: 'lstm' | 'mixed';
  /** Training steps at lookback 1; default 900. */
  readonly steps?: number;
  /** Training steps at longer lookbacks; default 600. */
  readonly longSteps?: number;
  /** Leading columns of the window that get input noise in training; default all. Leave flags out. */
  readonly noisyColumns?: number;
  /** Most patterns of missing returns; more are merged, at the price of some observations. Default 8. */
  readonly maxPatterns?: number;
  /** Leading rows that encoder and prior are learned from; default all. With `walk`, heads go on through the rest. */
  readonly trainRows?: number;
  /** Heads that walk on the factors, filtered row by row; default false. */
  readonly walk?: boolean;
  /**
   * Features [z_t | z_tf h_t-1,k], products of the factors with the state of the row before, in place of [z | h | l];
   * default false. Coefficients on the factors then move with the state (docs/derivations/conditional_beta.md).
   */
  readonly conditional?: boolean;
  /** What the SDs of the heads' prior start from, as a share of the usual; small where little is to be expected. Default 1. */
  readonly startScale?: number;
  /**
   * [row]: what returns and features are multiplied by in likelihood and heads, up to a common factor: one over the SD of the
   * row's residuals. Default: all alike. Refused with `walk`.
   */
  readonly rowRoots?: Float64Array;
  /** Integer of at least 0. */
  readonly seed: number;
}

/** One member's map from inputs to features, [z | h | l] or {@link ClosedFormOptions.conditional}, less their training mean. */
export interface FeatureMap {
  /** Window length L. */
  readonly lookback: number;
  readonly hiddenSize: number;
  /** [4H][F], gates i, f, g, o. */
  readonly weightIh: Float32Array;
  /** [4H][H]. */
  readonly weightHh: Float32Array;
  /** [4H]. */
  readonly bias: Float32Array;
  /** [lag][factor][filter]. */
  readonly lagFilters: Float64Array;
  readonly lagCount: number;
  readonly filterCount: number;
  /** Whether features are products of the factors with the state of the row before; absent = no. */
  readonly conditional?: boolean;
  /** [feature]. */
  readonly featureMean: Float64Array;
}

/** Posterior of the heads of one member. */
export interface HeadPosterior {
  /** [asset][feature], posterior means on standardised returns; NaN for an asset without returns. */
  readonly heads: Float64Array;
  /** [group][feature][feature], C: posterior covariance of the mean head of a group. */
  readonly headCovariance: Float64Array;
  /** [group][direction][feature], u: directions in which the heads of a group deviate from their mean. */
  readonly headBasis: Float64Array;
  /** [asset][1 + direction], v: the head of an asset has the covariance `v_0 C + sum over p of v_p u_p u_p'`. */
  readonly headVariances: Float64Array;
}

/** One fitted member. */
export interface ClosedFormMember extends HeadPosterior {
  readonly map: FeatureMap;
  /** Mean squared error of standardised returns on the rows that this member left out. */
  readonly validationError: number;
  readonly steps: number;
  /** How its heads walk, where they do; `heads` are then those after the last row. */
  readonly walks?: MemberWalks;
  /** Where heads walk: the ones that stand still, on the training rows. */
  readonly standing?: HeadPosterior;
}

/** A fitted ensemble. */
export interface ClosedFormFit {
  /** Window length that was kept. */
  readonly lookback: number;
  /** Whether every third unit is linear. */
  readonly mixed: boolean;
  readonly members: readonly ClosedFormMember[];
  /** [asset], standardised return where the features are at their mean. */
  readonly offsets: Float64Array;
  /** [asset], group in `headCovariance`; -1 without returns. */
  readonly assetGroup: Int32Array;
  /** Validation error of each lookback that was tried, mean over the members that were compared. */
  readonly validationErrors: readonly number[];
  /** Returns left out because patterns of missing returns were merged. */
  readonly droppedObservations: number;
  /** Where heads walk. */
  readonly walkGroups?: WalkGroups;
  /** [asset], group of the heads that stand still, where heads walk. */
  readonly standingGroup?: Int32Array;
}

/** Rows of the inputs, half-open. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Which derivatives {@link closedFormJacobian} computes. */
export interface FeatureJacobianRequest {
  readonly rows: RowRange;
  readonly form: 'lags' | 'contemporaneous' | 'cumulative';
  /** Factors to differentiate by, as columns of `factors`. */
  readonly targets: readonly number[];
  /** [row][target], 1 where observed. Where given, the mean over such rows is computed instead of one row a date. */
  readonly averageOver?: Uint8Array;
}

/** Features or their derivatives with the heads of a block of assets; one entry a member. */
export interface ClosedFormReadout {
  /** Each [row][feature]; lent, not copied: they must not change before the call has ended. */
  readonly features: readonly Float64Array[];
  /** Each [asset][feature]. */
  readonly heads: readonly Float64Array[];
  /** Each [group][feature][feature], as `headCovariance`; empty where no variance is wanted, and so the next two. */
  readonly covariances: readonly Float64Array[];
  /** Each [group][direction][feature], as `headBasis`; empty where the group's covariance is all. */
  readonly bases: readonly Float64Array[];
  /** Each [asset][1 + direction], as `headVariances`. */
  readonly variances: readonly Float64Array[];
  readonly featureCount: number;
  /** [asset], decimal, added to predictions. */
  readonly mean: Float64Array;
  /** [asset], decimal, multiplies everything. */
  readonly sd: Float64Array;
  /** [asset]. */
  readonly group: Int32Array;
}

/**
 * Trains an ensemble of LSTM encoders on the marginal likelihood of all returns and returns their heads in closed form.
 * `returns` is [row][asset], standardised, NaN = missing. Formulae: docs/derivations/closed_form_heads.md.
 *
 * @example
 * const fit = await closedFormFit({ window, factors: window, rows, windowSize: 6, factorCount: 6 }, returns, 200, { seed: 1 });
 * fit.members[0].heads; // [200][6 + 8 + 3]
 */
export function closedFormFit(
  inputs: ClosedFormInputs,
  returns: Float64Array,
  assets: number,
  options: ClosedFormOptions,
): Promise<ClosedFormFit> {
  const native = {
    hiddenSize: options.hiddenSize ?? 8,
    lookbacks: [...(options.lookbacks ?? [1, 36])],
    members: options.members ?? 5,
    ...(options.cell && { cell: options.cell }),
    steps: options.steps ?? 900,
    longSteps: options.longSteps ?? 600,
    noisyColumns: options.noisyColumns ?? inputs.windowSize,
    maxPatterns: options.maxPatterns ?? 8,
    ...(options.trainRows !== undefined && { trainRows: options.trainRows }),
    walk: options.walk ?? false,
    conditional: options.conditional ?? false,
    startScale: options.startScale ?? 1,
    ...(options.rowRoots && { rowRoots: options.rowRoots.slice() }),
    seed: options.seed,
  };
  const [copy, copiedReturns] = [owned(inputs), returns.slice()];
  return runNative((kernel, run) => kernel.closedFormFit(copy, copiedReturns, assets, native, ...run), options);
}

/** Centred features of a range of rows, [row][feature]; dates before row 0 count as 0 (the mean). */
export function closedFormFeatures(
  inputs: ClosedFormInputs,
  map: FeatureMap,
  rows: RowRange,
  options: RunOptions = {},
): Promise<Float64Array> {
  const copy = owned(inputs);
  return runNative((kernel, run) => kernel.closedFormFeatures(copy, map, rows.start, rows.end, ...run), options);
}

/** Derivatives of the features by the factors, [row][lag][target][feature]; one row when averaged, NaN if nothing is. */
export function closedFormJacobian(
  inputs: ClosedFormInputs,
  map: FeatureMap,
  request: FeatureJacobianRequest,
  options: RunOptions = {},
): Promise<Float64Array> {
  const copy = owned(inputs);
  const wanted = {
    rowStart: request.rows.start,
    rowEnd: request.rows.end,
    form: request.form,
    targets: [...request.targets],
    ...(request.averageOver && { averageOver: request.averageOver.slice() }),
  };
  return runNative((kernel, run) => kernel.closedFormJacobian(copy, map, wanted, ...run), options);
}

/** Predicted returns averaged over members, [row][asset], decimal. */
export function closedFormPredictions(readout: ClosedFormReadout, options: RunOptions = {}): Promise<Float64Array> {
  const copy = ownedReadout(readout);
  return runNative((kernel, run) => kernel.closedFormPredictions(copy, ...run), options);
}

/**
 * Exposures averaged over members, [asset][row], decimal, and their variance: mean over members of the heads' posterior
 * variance plus 3.2 times the sample variance of the members' values.
 */
export function closedFormExposures(
  readout: ClosedFormReadout,
  options: RunOptions = {},
): Promise<{ values: Float64Array; variance: Float64Array }> {
  const copy = ownedReadout(readout);
  return runNative((kernel, run) => kernel.closedFormExposures(copy, ...run), options);
}

/** Typed arrays must not change while native threads read them, so the call owns copies. */
function owned(inputs: ClosedFormInputs) {
  return { ...inputs, window: inputs.window.slice(), factors: inputs.factors.slice() };
}

function ownedReadout(readout: ClosedFormReadout) {
  const copies = (arrays: readonly Float64Array[]) => arrays.map((array) => array.slice());
  return {
    ...readout,
    // The largest by far, and the same for every block of assets.
    features: [...readout.features],
    heads: copies(readout.heads),
    covariances: copies(readout.covariances),
    bases: copies(readout.bases),
    variances: copies(readout.variances),
    mean: readout.mean.slice(),
    sd: readout.sd.slice(),
    group: readout.group.slice(),
  };
}
