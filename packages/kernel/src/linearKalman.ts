import { ArgumentError } from '@macrograd/core';
import type { RegressionPanel, RegressionRange } from './linear.js';
import { type RunOptions, runNative } from './native.js';

/** Variances of a regression whose coefficients walk or revert, in units of each asset's noise variance. */
export interface KalmanModel {
  /** [column]: variance of a coefficient's step from one row to the next; 0 = does not move. */
  readonly stepVariance: Float64Array;
  /** [column]: expected coefficient at the first row. */
  readonly initialMean: Float64Array;
  /** [column]: its variance there; Infinity = diffuse, nothing is known. */
  readonly initialVariance: Float64Array;
  /** [column]: share of the coefficient left in the next row; default 1, a random walk, as a diffuse one must be. */
  readonly transition?: Float64Array;
}

/**
 * What the noise is like: normal of one variance; Student's t, so that outliers count little; or normal with a variance
 * whose logarithm follows an autoregression.
 */
export type KalmanNoise = 'gaussian' | 'student_t' | 'stochastic_volatility';

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
  /** Default `gaussian`. */
  readonly disturbance?: KalmanNoise;
  /**
   * Blocks of columns whose states add up to one coefficient, as mean and deviation; default 1. Results then have
   * columns / parts columns.
   */
  readonly parts?: number;
  /**
   * Default `covariance`; `square_root` carries factors of the covariances: twice the digits where regressors are nearly
   * collinear, at several times the cost of a pattern of missing rows.
   */
  readonly form?: 'covariance' | 'square_root';
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
  /** [asset]: degrees of freedom (Infinity = normal), or step variance of log volatility; NaN for Gaussian noise. */
  readonly shape: Float64Array;
}

/** Which variances {@link kalmanVariances} estimates; columns with the same number share one parameter. */
export interface KalmanSearch {
  /** Values of everything that is not estimated. */
  readonly model: KalmanModel;
  /** [column]: parameter that gives the step variance; -1 = as in `model`. */
  readonly stepParameter: readonly number[];
  /** [column]: parameter that gives the initial variance; -1 = as in `model`. */
  readonly initialParameter: readonly number[];
  /** [column]: starts from the variance that a reverting coefficient settles at; default none does. */
  readonly stationary?: readonly boolean[];
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
    disturbance: options.disturbance ?? 'gaussian',
    parts: options.parts ?? 1,
    squareRoot: options.form === 'square_root',
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
  const [copy, own] = [ownedPanel(panel), ownedSearch(search)];
  return runNative((kernel, run) => kernel.linearKalmanVariances(copy, own, ...run), options);
}

/**
 * As {@link kalmanVariances} for every asset alone; the variances common to some assets are one of the starts.
 * undefined for an asset with fewer returns than diffuse coefficients.
 */
export async function kalmanVariancesEach(
  panel: RegressionPanel,
  search: KalmanSearch,
  options: RunOptions = {},
): Promise<(KalmanVariances | undefined)[]> {
  const [copy, own] = [ownedPanel(panel), ownedSearch(search)];
  const { assets } = await runNative((kernel, run) => kernel.linearKalmanVariancesEach(copy, own, ...run), options);
  return assets.map((found) => found ?? undefined);
}

function ownedSearch(search: KalmanSearch) {
  return {
    model: ownedModel(search.model),
    stepParameter: [...search.stepParameter],
    initialParameter: [...search.initialParameter],
    stationary: search.stationary ? [...search.stationary] : search.stepParameter.map(() => false),
  };
}

function ends(name: string, { start, end }: { readonly start: number; readonly end: number }) {
  return { [`${name}.start`]: start, [`${name}.end`]: end };
}

/** Typed arrays must not change while native threads read them, so the call owns copies. */
function ownedPanel(panel: RegressionPanel) {
  return { ...panel, design: panel.design.slice(), returns: panel.returns.slice() };
}

function ownedModel(model: KalmanModel): Required<KalmanModel> {
  return {
    stepVariance: model.stepVariance.slice(),
    initialMean: model.initialMean.slice(),
    initialVariance: model.initialVariance.slice(),
    transition: model.transition?.slice() ?? new Float64Array(model.stepVariance.length).fill(1),
  };
}
