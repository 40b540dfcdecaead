import { callNative, type RunOptions, runNative } from './native.js';

/** Complete series, [row][series], oldest row first. */
export interface SeriesMatrix {
  readonly values: Float64Array;
  readonly rows: number;
  readonly series: number;
}

/** Information criteria of the orders from 0, compared on the rows after the longest. */
export interface VarOrder {
  readonly aic: Float64Array;
  readonly bic: Float64Array;
  readonly hq: Float64Array;
  readonly observations: number;
}

/** y_t = c + A_1 y_{t-1} + ... + A_p y_{t-p} + u_t. K series, n rows used. */
export interface VectorAutoregression {
  readonly series: number;
  readonly order: number;
  readonly observations: number;
  /** [equation]. */
  readonly intercept: Float64Array;
  /** [lag][equation][series], lag 1 first. */
  readonly coefficients: Float64Array;
  /** [series][series], divisor n - K p - 1. */
  readonly residualCovariance: Float64Array;
  /** [regressor][regressor], (Z'Z)^-1 of [1, lag 1, ..., lag p]. */
  readonly regressorInverse: Float64Array;
  /** [regressor][regressor], upper triangular F with F F' = `regressorInverse`. */
  readonly regressorFactor: Float64Array;
  /** [row][series]. */
  readonly residuals: Float64Array;
  /** Moduli of the companion matrix's eigenvalues, descending; the process is stable when all are below 1. */
  readonly roots: Float64Array;
  readonly condition: number;
}

/**
 * Kind of shock: `unit` of one innovation; `orthogonal`, one SD in the order of the series (Sims 1980); `generalised`,
 * one SD with the other innovations at their mean given it (Pesaran and Shin 1998), whatever the order.
 */
export type Impulse = 'unit' | 'orthogonal' | 'generalised';

/** What responses are asked for. */
export interface ResponseRequest {
  /** Last horizon, in rows after the shock. */
  readonly horizon: number;
  /** Default `generalised`. */
  readonly impulse?: Impulse;
  /** Sums over horizons; default false. */
  readonly cumulative?: boolean;
}

/** Responses with their asymptotic variances. */
export interface ImpulseResponses {
  /** [responding][horizon][shock]. */
  readonly values: Float64Array;
  readonly variances: Float64Array;
}

/** Regressions of assets on the current and lagged series of an autoregression. */
export interface AssetEquations {
  /** [asset][lag][series], lag 0 first; NaN: the asset has no response. */
  readonly coefficients: Float64Array;
  /** [asset][lag x series][lag x series]. */
  readonly covariance: Float64Array;
  readonly assets: number;
  /** The current row included. */
  readonly lags: number;
}

/** Wald test that lags of some series do not help to predict others. */
export interface GrangerTest {
  readonly f: number;
  readonly restrictions: number;
  readonly df: number;
  readonly pValue: number;
}

/** Compares orders 0 to `maxOrder` on one fixed sample. */
export function varOrder(series: SeriesMatrix, maxOrder: number): VarOrder {
  return callNative((kernel) => kernel.linearVarOrder(series, maxOrder));
}

/** Order of least value of a criterion. */
export function bestOrder(order: VarOrder, criterion: 'aic' | 'bic' | 'hq'): number {
  return order[criterion].reduce((best, value, p, all) => (value < all[best] ? p : best), 0);
}

/**
 * Least squares of a vector autoregression; formulae in docs/methods/var.md.
 *
 * @example
 * const order = bestOrder(varOrder(series, 12), 'aic');
 * const fit = vectorAutoregression(series, order);
 * const { values } = varResponses(fit, { horizon: 24 });
 */
export function vectorAutoregression(series: SeriesMatrix, order: number): VectorAutoregression {
  return callNative((kernel) => kernel.linearVar(series, order));
}

/** Responses of the series to each other's shocks, with asymptotic variances (Luetkepohl 1990). */
export function varResponses(fit: VectorAutoregression, request: ResponseRequest): ImpulseResponses {
  return callNative((kernel) => kernel.linearVarResponses(fit, nativeRequest(request)));
}

/** Responses of assets to shocks of the series: their dynamic exposures, at the cost of one autoregression. */
export function assetResponses(
  fit: VectorAutoregression,
  equations: AssetEquations,
  request: ResponseRequest,
  options: RunOptions = {},
): Promise<ImpulseResponses> {
  const { assets, lags } = equations;
  const own = {
    coefficients: equations.coefficients.slice(),
    covariance: equations.covariance.slice(),
    assets,
    lags,
  };
  const wanted = nativeRequest(request);
  return runNative((kernel, run) => kernel.linearAssetResponses(fit, own, wanted, ...run), options);
}

/**
 * Shares of each series' forecast error variance that each shock explains, [responding][horizon][shock]; horizon h is
 * the forecast h + 1 rows ahead. Orthogonal shares sum to 1, generalised ones do not.
 */
export function varianceDecomposition(
  fit: VectorAutoregression,
  horizon: number,
  impulse: 'orthogonal' | 'generalised' = 'orthogonal',
): Float64Array {
  return callNative((kernel) => kernel.linearVarianceShares(fit, { horizon, impulse, cumulative: false }));
}

/** Tests whether lags of the series `causing` help to predict the series `caused`. */
export function grangerTest(
  fit: VectorAutoregression,
  causing: readonly number[],
  caused: readonly number[],
): GrangerTest {
  return callNative((kernel) => kernel.linearGranger(fit, [...causing], [...caused]));
}

/** A request with its defaults filled in. */
export function nativeRequest(request: ResponseRequest) {
  const { horizon, impulse = 'generalised', cumulative = false } = request;
  return { horizon, impulse, cumulative };
}
