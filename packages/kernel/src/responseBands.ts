import { ArgumentError } from '@macrograd/core';
import { type RunOptions, runNative } from './native.js';
import { nativeRequest, type ResponseRequest, type SeriesMatrix } from './vectorAutoregression.js';

/**
 * How residuals are drawn anew: `residual`, rows with replacement; `wild`, every row in its place with a random sign,
 * for noise whose size comes and goes; `block`, blocks of neighbouring rows, for that and for bands of orthogonal and
 * generalised shocks that know how much the covariance varies.
 */
export type Resampling = 'residual' | 'wild' | 'block';

/** Options of {@link bootstrapResponses}. */
export interface BootstrapRequest extends ResponseRequest, RunOptions {
  /** Default `residual`. */
  readonly resampling?: Resampling;
  /** Rows of a block; default 5.03 n^(1/4) rounded (Brueggemann, Jentsch and Trenkler 2016). */
  readonly blockLength?: number;
  /** Default `responses`; `variance_shares` are those of {@link varianceDecomposition}. */
  readonly statistic?: 'responses' | 'variance_shares';
  /** Simulated samples; default 999. */
  readonly draws?: number;
  readonly seed?: number;
  /** Coverage of the bands; default .9. */
  readonly level?: number;
}

/** Estimates with pointwise bands, all [responding][horizon][shock]. */
export interface ResponseBands {
  readonly values: Float64Array;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}

/**
 * Responses or variance shares of a vector autoregression with percentile bands by resampling; formulae in
 * docs/methods/var.md. The same seed gives the same bits for any number of threads.
 *
 * @example
 * const { values, lo, hi } = await bootstrapResponses(series, 2, { horizon: 24, resampling: 'block', draws: 999 });
 */
export function bootstrapResponses(
  series: SeriesMatrix,
  order: number,
  request: BootstrapRequest,
): Promise<ResponseBands> {
  const bootstrap = nativeBootstrap(series, order, request);
  const copy = { ...series, values: series.values.slice() };
  return runNative(
    (kernel, run) => kernel.linearBootstrapBands(copy, order, nativeRequest(request), bootstrap, ...run),
    request,
  );
}

/** Returns on the rows of a series, and how far back the assets' equations reach. */
export interface AssetSample {
  /** [row][asset], NaN = missing. */
  readonly returns: Float64Array;
  readonly assets: number;
  /** Rows of factors in an equation: the return's own and the ones before it. */
  readonly lags: number;
}

/** Estimates with pointwise bands, all [asset][horizon][shock]; NaN for an asset with too few returns. */
export type AssetResponseBands = ResponseBands;

/**
 * Responses of assets to shocks of the factors, with percentile bands: the autoregression and every asset's equation
 * (constant, current and lagged factors, least squares) are simulated and estimated again, thousands of assets on the same
 * draws. A residual that is missing leaves its row out. Formulae in docs/methods/var.md.
 *
 * @example
 * const sample = { returns, assets: 500, lags: 3 };
 * const { values, lo, hi } = await bootstrapAssetResponses(series, 2, sample, { horizon: 12, draws: 499 });
 */
export function bootstrapAssetResponses(
  series: SeriesMatrix,
  order: number,
  sample: AssetSample,
  request: Omit<BootstrapRequest, 'statistic'>,
): Promise<AssetResponseBands> {
  const bootstrap = nativeBootstrap(series, order, request);
  const copy = { ...series, values: series.values.slice() };
  const assets = { ...sample, returns: sample.returns.slice() };
  return runNative(
    (kernel, run) => kernel.linearAssetBootstrapBands(copy, order, assets, nativeRequest(request), bootstrap, ...run),
    request,
  );
}

function nativeBootstrap(series: SeriesMatrix, order: number, request: BootstrapRequest) {
  const { resampling = 'residual', statistic = 'responses', draws = 999, seed = 1, level = 0.9 } = request;
  return {
    resampling,
    blockLength: request.blockLength ?? Math.round(5.03 * (series.rows - order) ** 0.25),
    varianceShares: statistic === 'variance_shares',
    draws,
    seed,
    level,
  };
}

/** Options of {@link stateResponses}. */
export interface StateResponseRequest extends RunOptions {
  /** Order of both regimes' autoregressions. */
  readonly order: number;
  /** Series whose level tells the regimes apart. */
  readonly variable: number;
  /** Rows that it takes; default 1. */
  readonly delay?: number;
  /** Default: searched for, each regime keeping at least 15 % of the rows. */
  readonly threshold?: number;
  /** Last horizon, in rows after the shock. */
  readonly horizon: number;
  /** Sums over horizons; default false. */
  readonly cumulative?: boolean;
  /** Shock in SDs of the regime's own noise; default 1. Large or negative ones need not answer in proportion. */
  readonly size?: number;
  /** Starting rows of a regime, drawn with replacement; default 100. */
  readonly histories?: number;
  /** Futures of each; default 20. */
  readonly futures?: number;
  /** Simulated samples for the bands; default 199, 0 = none. */
  readonly draws?: number;
  readonly seed?: number;
  /** Coverage of the bands; default .9. */
  readonly level?: number;
}

/** Responses by regime at the time of the shock: at and below the threshold, above it. */
export interface StateResponses {
  readonly threshold: number;
  /** Rows of each regime. */
  readonly observations: readonly number[];
  /** [regime][responding][horizon][shock]. */
  readonly values: Float64Array;
  /** Empty without draws, as `hi`. */
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  /** Samples on which both regimes could be estimated. */
  readonly drawsUsed: number;
}

/**
 * Generalised responses that depend on the state (Koop, Pesaran and Potter 1996) of a two-regime threshold
 * autoregression (Tsay 1998), with bands; formulae in docs/methods/var.md.
 *
 * @example
 * const { values, lo, hi, threshold } = await stateResponses(series, { order: 2, variable: 0, horizon: 12 });
 */
export function stateResponses(series: SeriesMatrix, request: StateResponseRequest): Promise<StateResponses> {
  const options = nativeStateOptions(request);
  const copy = { ...series, values: series.values.slice() };
  return runNative((kernel, run) => kernel.linearStateResponses(copy, options, ...run), request);
}

/**
 * The same of assets whose constant and coefficients change with the regime of the return's own row: `values`, `lo` and `hi`
 * are [asset][regime][horizon][shock], NaN for an asset with too few returns. Thousands of assets share the paths.
 *
 * @example
 * const sample = { returns, assets: 500, lags: 1 };
 * const { values } = await stateAssetResponses(series, sample, { order: 2, variable: 0, horizon: 12 });
 */
export function stateAssetResponses(
  series: SeriesMatrix,
  sample: AssetSample,
  request: StateResponseRequest,
): Promise<StateResponses> {
  const options = nativeStateOptions(request);
  const copy = { ...series, values: series.values.slice() };
  const assets = { ...sample, returns: sample.returns.slice() };
  return runNative((kernel, run) => kernel.linearStateAssetResponses(copy, assets, options, ...run), request);
}

function nativeStateOptions(request: StateResponseRequest) {
  const { size = 1, level = 0.9 } = request;
  if (!Number.isFinite(size) || size === 0) throw new ArgumentError(`size is ${size}`, 'give a number of SDs, not 0');
  if (!(level > 0 && level < 1)) throw new ArgumentError(`level is ${level}`, 'give a share between 0 and 1');
  return {
    order: request.order,
    variable: request.variable,
    delay: request.delay ?? 1,
    threshold: request.threshold ?? Number.NaN,
    horizon: request.horizon,
    cumulative: request.cumulative ?? false,
    size,
    histories: request.histories ?? 100,
    futures: request.futures ?? 20,
    draws: request.draws ?? 199,
    seed: request.seed ?? 1,
    level,
  };
}
