import { ArgumentError } from '@macrograd/core';
import type { RegressionPanel, RegressionRange } from './linear.js';
import { type RunOptions, runNative } from './native.js';

/** Variances of a regression whose coefficients follow random walks, in units of each asset's noise variance. */
export interface KalmanModel {
  /** [column]: variance of a coefficient's step from one row to the next; 0 = does not move. */
  readonly stepVariance: Float64Array;
  /** [column]: expected coefficient at the first row. */
  readonly initialMean: Float64Array;
  /** [column]: its variance there; Infinity = diffuse, nothing is known. */
  readonly initialVariance: Float64Array;
}

/** Options of {@link kalmanPath}. */
export interface KalmanPathOptions extends RunOptions {
  /** Default `filter`: data up to the row; `smoother` uses all data, so also the future. */
  readonly reading?: 'filter' | 'smoother';
  /** Whole covariance matrices in `variances`; default false. */
  readonly fullCovariance?: boolean;
  /** [asset]: noise variances; default each asset's maximum-likelihood one. */
  readonly noise?: Float64Array;
  /** Fewest returns for an estimate; default columns + 1. */
  readonly minObservations?: number;
}

/** States of assets over rows. */
export interface KalmanPath {
  /** [asset][row][column]; NaN where the data have not told yet. */
  readonly coefficients: Float64Array;
  /** [asset][row][column], or [asset][row][column][column]. */
  readonly variances: Float64Array;
  /** [asset], noise variance. */
  readonly noise: Float64Array;
  /** [asset], log-likelihood at that noise, exactly diffuse. */
  readonly logLikelihood: Float64Array;
  /** [asset], returns used. */
  readonly observations: Uint32Array;
}

/** Which variances {@link kalmanVariances} estimates; columns with the same number share one parameter. */
export interface KalmanSearch {
  /** Values of everything that is not estimated. */
  readonly model: KalmanModel;
  /** [column]: parameter that gives the step variance; -1 = as in `model`. */
  readonly stepParameter: readonly number[];
  /** [column]: parameter that gives the initial variance; -1 = as in `model`. */
  readonly initialParameter: readonly number[];
}

/** Variances at the maximum of the likelihood, pooled over assets. */
export interface KalmanVariances {
  readonly model: KalmanModel;
  /** Sum over assets. */
  readonly logLikelihood: number;
  /** [column]: derivatives of it; not positive for a variance estimated as 0. */
  readonly stepScore: Float64Array;
  /** [column]. */
  readonly initialScore: Float64Array;
  readonly evaluations: number;
  readonly converged: boolean;
}

/** A model of which nothing is known at the first row. */
export function diffuseModel(stepVariance: Float64Array): KalmanModel {
  return {
    stepVariance,
    initialMean: new Float64Array(stepVariance.length),
    initialVariance: new Float64Array(stepVariance.length).fill(Number.POSITIVE_INFINITY),
  };
}

/**
 * States of a random-walk regression by filter or smoother, with one model for all assets or one an asset; formulae in
 * docs/methods/kalman.md.
 *
 * @example
 * // A level that does not move: the filter is the running mean.
 * const panel = { design: Float64Array.of(1, 1, 1), returns: Float64Array.of(1, 3, 8), rows: 3, columns: 1, assets: 1 };
 * (await kalmanPath(panel, [diffuseModel(Float64Array.of(0))])).coefficients; // 1, 2, 4
 */
export function kalmanPath(
  panel: RegressionPanel,
  models: readonly KalmanModel[],
  options: KalmanPathOptions = {},
  range: RegressionRange = {},
): Promise<KalmanPath> {
  const rows = range.rows ?? { start: 0, end: panel.rows };
  const assets = range.assets ?? { start: 0, end: panel.assets };
  const minObservations = options.minObservations ?? panel.columns + 1;
  for (const [name, value] of Object.entries({ minObservations, ...ends('rows', rows), ...ends('assets', assets) })) {
    if (!Number.isInteger(value) || value < 0) throw new ArgumentError(`${name} is ${value}`, 'give a whole number');
  }
  const native = {
    smoothed: options.reading === 'smoother',
    fullCovariance: options.fullCovariance ?? false,
    minObservations,
    ...(options.noise && { noise: options.noise.slice() }),
  };
  const wanted = { rowStart: rows.start, rowEnd: rows.end, assetStart: assets.start, assetEnd: assets.end };
  const [copy, own] = [ownedPanel(panel), models.map(ownedModel)];
  return runNative((kernel, run) => kernel.linearKalmanPath(copy, own, native, wanted, ...run), options);
}

/**
 * Variances that maximise the likelihood of all assets together (one asset: its own), from several starts and with the
 * boundary at 0; formulae in docs/methods/kalman.md.
 */
export function kalmanVariances(
  panel: RegressionPanel,
  search: KalmanSearch,
  options: RunOptions = {},
): Promise<KalmanVariances> {
  const own = {
    model: ownedModel(search.model),
    stepParameter: [...search.stepParameter],
    initialParameter: [...search.initialParameter],
  };
  const copy = ownedPanel(panel);
  return runNative((kernel, run) => kernel.linearKalmanVariances(copy, own, ...run), options);
}

function ends(name: string, { start, end }: { readonly start: number; readonly end: number }) {
  return { [`${name}.start`]: start, [`${name}.end`]: end };
}

/** Typed arrays must not change while native threads read them, so the call owns copies. */
function ownedPanel(panel: RegressionPanel) {
  return { ...panel, design: panel.design.slice(), returns: panel.returns.slice() };
}

function ownedModel(model: KalmanModel): KalmanModel {
  return {
    stepVariance: model.stepVariance.slice(),
    initialMean: model.initialMean.slice(),
    initialVariance: model.initialVariance.slice(),
  };
}
