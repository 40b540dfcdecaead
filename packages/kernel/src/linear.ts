import { ArgumentError } from '@macrograd/core';
import { callNative, type RunOptions, runNative } from './native.js';

/** One design and the returns of many assets; NaN = missing, in both. The arrays are copied before work starts. */
export interface RegressionPanel {
  /** [row][column], oldest row first; a constant is a column like any other. A row with NaN is used by no asset. */
  readonly design: Float64Array;
  /** [row][asset]. */
  readonly returns: Float64Array;
  readonly rows: number;
  readonly columns: number;
  readonly assets: number;
}

/** Half-open ranges of a moving regression; default is everything. */
export interface RegressionRange {
  readonly rows?: { readonly start: number; readonly end: number };
  readonly assets?: { readonly start: number; readonly end: number };
}

/**
 * Covariance of static coefficients: `homoscedastic` s^2 (X'X)^-1; `hc0` to `hc3` White (1980), MacKinnon and White
 * (1985); `hac` Newey and West (1987), Bartlett kernel; `hac_andrews` with the bandwidth of Andrews (1991);
 * `clustered` Liang and Zeger (1986).
 */
export type CovarianceKind = 'homoscedastic' | 'hc0' | 'hc1' | 'hc2' | 'hc3' | 'hac' | 'hac_andrews' | 'clustered';

/** Options of {@link olsRegression}. */
export interface OlsRegressionOptions extends RunOptions {
  /** Default `homoscedastic`. */
  readonly covariance?: CovarianceKind;
  /** Lags of the `hac` kernel; default floor(4 (n / 100)^(2/9)) of each asset's n observations. */
  readonly lags?: number;
  /** Small-sample factor of the HAC and clustered covariances; default true. */
  readonly smallSample?: boolean;
  /** [row], label of the row's cluster, as the date of a stacked panel; needed by `clustered`. */
  readonly clusters?: Uint32Array;
  /** [row], weighted least squares; rows with weight 0 are not used. Default: all 1. */
  readonly weights?: Float64Array;
  /** Distribution of the p-values; default `t` with n - rank (clustered: clusters - 1) degrees of freedom. */
  readonly reference?: 't' | 'normal';
  /** Fewest observations for an estimate; default and least: rank + 1. */
  readonly minObservations?: number;
}

/**
 * Static regression of every asset. A column that depends on columns before it has NaN, and `rank` is below the number
 * of columns; `rank` 0 and NaN everywhere mean too few observations.
 */
export interface OlsRegression {
  /** [asset][column]. */
  readonly coefficients: Float64Array;
  /** [asset][column][column]. */
  readonly covariance: Float64Array;
  /** [asset][column], two-sided. */
  readonly pValues: Float64Array;
  /** [asset][row], NaN where the row was not used. */
  readonly residuals: Float64Array;
  /** [asset], residual sum of squares / (n - rank). */
  readonly residualVariance: Float64Array;
  /** [asset], rows used. */
  readonly observations: Uint32Array;
  /** [asset], independent columns; 0 = not estimated. */
  readonly rank: Uint32Array;
  /** [asset], condition number of the scaled design; Infinity when a column was dropped. */
  readonly condition: Float64Array;
}

/** Coefficients of assets over rows, in the order of the range asked for. */
export interface RegressionPath {
  /** [asset][row][column]; NaN with too few observations and for columns that depend on columns before them. */
  readonly coefficients: Float64Array;
  /** Variances of `coefficients`, same shape; empty when not asked for. */
  readonly variances: Float64Array;
  /** [asset] at the last row, as all that follows: observations in use. */
  readonly observations: Uint32Array;
  /** Independent columns; 0 = not estimated. */
  readonly rank: Uint32Array;
  /** Condition number of the scaled design; NaN = not estimated. */
  readonly condition: Float64Array;
  /** Degrees of freedom of the noise variance; NaN = not estimated. */
  readonly degreesOfFreedom: Float64Array;
}

/** How variances of moving regressions are estimated. */
export interface MovingErrorOptions {
  /** Default `homoscedastic`; `hac`: Newey and West (1987) over the rows in use, as for {@link olsRegression}. */
  readonly covariance?: 'homoscedastic' | 'hac';
  /** Lags of the `hac` kernel; default floor(4 (n / 100)^(2/9)) of the observations in use. */
  readonly lags?: number;
}

/** Options of {@link rollingRegression} and {@link rollingCrossSection}. */
export interface RollingRegressionOptions extends RunOptions, MovingErrorOptions {
  /** Rows of a window, missing ones included; the row of the estimate is its last. */
  readonly window: number;
  /** Fewest observations for an estimate; default `window`. */
  readonly minObservations?: number;
  /** Default true. */
  readonly variances?: boolean;
  /**
   * Arrays to write to and return, made if absent (`variances` empty where they are not wanted); used again from call to call they save the first touch of fresh memory,
   * which takes longer than the regressions. Not to be touched until the promise settles.
   */
  readonly out?: Pick<RegressionPath, 'coefficients' | 'variances'>;
  /** Columns that are not shrunk to zero (the constant); default none. */
  readonly freeColumns?: readonly number[];
}

/** Options of {@link ewmRegression} and {@link ewmCrossSection}. */
export interface EwmRegressionOptions extends RunOptions, MovingErrorOptions {
  /** Rows after which a weight has halved; missing rows age too. */
  readonly halfLife: number;
  /** Fewest observations for an estimate; default columns + 1. */
  readonly minObservations?: number;
  /** Default true. */
  readonly variances?: boolean;
  /** Columns that are not shrunk to zero (the constant); default none. */
  readonly freeColumns?: readonly number[];
}

/**
 * What the cross-section says at every row, from data up to that row: beta_i ~ N(m, diag tau2), m ~ N(0, gamma2).
 * Made by {@link ewmCrossSection} or {@link rollingCrossSection}, used by {@link ewmRegression} or
 * {@link rollingRegression} on the same panel with the same options.
 */
export interface CrossSection {
  /** [row], mean return over the observed assets. */
  readonly market: Float64Array;
  /** [row][column]. */
  readonly tau2: Float64Array;
  /** [row]. */
  readonly gamma2: Float64Array;
  /** Standard errors of `tau2` and `gamma2`: variances are read one above the estimates. */
  readonly tau2Error: Float64Array;
  readonly gamma2Error: Float64Array;
  /** [row], assets with an estimate; below 4 coefficients are shrunk to zero alone. */
  readonly assets: Uint32Array;
}

/**
 * Least squares of every asset on the shared design, by column-scaled QR; formulae in docs/methods/linear.md.
 *
 * @example
 * const design = Float64Array.of(1, 0, 1, 1, 1, 2, 1, 4); // constant, x
 * const returns = Float64Array.of(1, 3, 5, 9);
 * const fit = await olsRegression({ design, returns, rows: 4, columns: 2, assets: 1 });
 * fit.coefficients; // 1, 2
 */
export function olsRegression(panel: RegressionPanel, options: OlsRegressionOptions = {}): Promise<OlsRegression> {
  const { lags, covariance = 'homoscedastic', clusters } = options;
  if (lags !== undefined) checkCount('lags', lags, 0);
  if (covariance === 'clustered' && !clusters) {
    throw new ArgumentError('a clustered covariance without `clusters`', 'give a cluster label for every row');
  }
  const native = {
    covariance,
    lags: lags ?? -1,
    clusters: clusters?.slice() ?? new Uint32Array(0),
    weights: options.weights?.slice() ?? new Float64Array(0),
    smallSample: options.smallSample ?? true,
    normal: options.reference === 'normal',
    minObservations: checkCount('minObservations', options.minObservations ?? 2, 1),
  };
  const copy = owned(panel);
  return runNative((kernel, run) => kernel.linearOls(copy, native, ...run), options);
}

/**
 * Least squares over the last `window` rows, at every row of the range, with homoscedastic or HAC variances; with a
 * cross-section the empirical-Bayes posterior mean and variance, which `covariance` does not touch.
 *
 * @throws {MacrogradError} `shape_mismatch` where `out` does not have the sizes of the results.
 */
export function rollingRegression(
  panel: RegressionPanel,
  options: RollingRegressionOptions,
  range: RegressionRange = {},
  prior?: CrossSection,
): Promise<RegressionPath> {
  const native = rollingOptions(panel, options);
  const wanted = nativeRange(panel, range);
  const copy = owned(panel);
  const { out } = options;
  if (out && prior) throw new ArgumentError('a shrunk path is not written to `out`', 'leave `out` out');
  if (prior) {
    return runNative((kernel, run) => kernel.linearRollingPosterior(copy, native, prior, wanted, ...run), options);
  }
  if (!out) return runNative((kernel, run) => kernel.linearRollingOls(copy, native, wanted, ...run), options);
  const { coefficients, variances } = out;
  const last = runNative(
    (kernel, run) => kernel.linearRollingOlsInto(copy, native, wanted, coefficients, variances, ...run),
    options,
  );
  return last.then((facts) => ({ coefficients, variances, ...facts }));
}

/** Estimates the cross-section of rolling regressions from all assets, at every row. */
export function rollingCrossSection(panel: RegressionPanel, options: RollingRegressionOptions): Promise<CrossSection> {
  const native = rollingOptions(panel, options);
  const copy = owned(panel);
  return runNative((kernel, run) => kernel.linearRollingPrior(copy, native, ...run), options);
}

/** Estimates the cross-section of exponentially weighted regressions from all assets, at every row. */
export function ewmCrossSection(panel: RegressionPanel, options: EwmRegressionOptions): Promise<CrossSection> {
  const native = ewmOptions(panel, options);
  const copy = owned(panel);
  return runNative((kernel, run) => kernel.linearEwmPrior(copy, native, ...run), options);
}

/**
 * How well shrunk coefficients explain the next row: squared errors of all assets' returns one row after each of `rows`, by the
 * posterior means as of these rows, summed up for every strength, a factor on the precision of the prior of
 * {@link ewmCrossSection}. One pass over the rows for all strengths, and nothing else is kept. Rows and assets without an
 * estimate of every coefficient do not count.
 *
 * @returns one sum a strength
 * @throws {MacrogradError} `bad_argument` where the row after the last of `rows` does not lie in the panel, or for a strength
 * that is not positive.
 *
 * @example
 * const errors = await ewmStrengthErrors(panel, { halfLife: 52 }, Float64Array.of(1, 4), { start: 300, end: 399 });
 */
export function ewmStrengthErrors(
  panel: RegressionPanel,
  options: EwmRegressionOptions,
  strengths: Float64Array,
  rows: { readonly start: number; readonly end: number },
): Promise<Float64Array> {
  const native = ewmOptions(panel, options);
  const wanted = nativeRange(panel, { rows });
  const copy = owned(panel);
  const factors = strengths.slice();
  return runNative((kernel, run) => kernel.linearEwmStrengthErrors(copy, native, factors, wanted, ...run), options);
}

/**
 * Exponentially weighted least squares at every row of the range, from data up to that row; with a cross-section the
 * empirical-Bayes posterior mean and variance, which `covariance` does not touch.
 */
export function ewmRegression(
  panel: RegressionPanel,
  options: EwmRegressionOptions,
  range: RegressionRange = {},
  prior?: CrossSection,
): Promise<RegressionPath> {
  const native = ewmOptions(panel, options);
  const wanted = nativeRange(panel, range);
  const copy = owned(panel);
  return runNative((kernel, run) => kernel.linearEwmPath(copy, native, prior ?? null, wanted, ...run), options);
}

/**
 * Two-sided p-values of t statistics with their degrees of freedom; Infinity means the standard normal.
 *
 * @example
 * twoSidedPValues(Float64Array.of(1.96), Float64Array.of(Infinity)); // 0.05
 */
export function twoSidedPValues(statistics: Float64Array, degreesOfFreedom: Float64Array): Float64Array {
  return callNative((kernel) => kernel.linearPValues(statistics, degreesOfFreedom));
}

function ewmOptions(panel: RegressionPanel, options: EwmRegressionOptions) {
  if (!(options.halfLife > 0 && Number.isFinite(options.halfLife))) {
    throw new ArgumentError(`halfLife is ${options.halfLife}`, 'give a positive, finite number of rows');
  }
  return {
    halfLife: options.halfLife,
    minObservations: checkCount('minObservations', options.minObservations ?? panel.columns + 1, 1),
    variances: options.variances ?? true,
    ...movingErrors(options),
    freeColumns: freeColumns(panel, options.freeColumns),
  };
}

function rollingOptions(panel: RegressionPanel, options: RollingRegressionOptions) {
  return {
    window: checkCount('window', options.window, 2),
    minObservations: checkCount('minObservations', options.minObservations ?? options.window, 1),
    variances: options.variances ?? true,
    ...movingErrors(options),
    freeColumns: freeColumns(panel, options.freeColumns),
  };
}

function freeColumns(panel: RegressionPanel, columns: readonly number[] = []): number[] {
  for (const column of columns) {
    if (!Number.isInteger(column) || column < 0 || column >= panel.columns) {
      throw new ArgumentError(`free column ${column} is not one of the ${panel.columns} columns`);
    }
  }
  return [...columns];
}

function movingErrors({ covariance, lags }: MovingErrorOptions) {
  return { hac: covariance === 'hac', lags: lags === undefined ? -1 : checkCount('lags', lags, 0) };
}

/** Typed arrays must not change while native threads read them, so the call owns copies. */
function owned(panel: RegressionPanel) {
  checkCount('rows', panel.rows, 0);
  checkCount('columns', panel.columns, 0);
  checkCount('assets', panel.assets, 0);
  const { rows, columns, assets } = panel;
  return { design: panel.design.slice(), returns: panel.returns.slice(), rows, columns, assets };
}

function nativeRange(panel: RegressionPanel, range: RegressionRange) {
  const rows = checkRange('rows', range.rows, panel.rows);
  const assets = checkRange('assets', range.assets, panel.assets);
  return { rowStart: rows.start, rowEnd: rows.end, assetStart: assets.start, assetEnd: assets.end };
}

function checkRange(name: string, range: { start: number; end: number } | undefined, size: number) {
  const { start, end } = range ?? { start: 0, end: size };
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= size)) {
    throw new ArgumentError(`${name} ${start}..${end} do not lie in a panel of ${size}`);
  }
  return { start, end };
}

function checkCount(name: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least || value > 0x7fffffff) {
    throw new ArgumentError(`${name} is ${value}`, `give an integer of at least ${least}`);
  }
  return value;
}
