import { ArgumentError } from '@macrograd/core';
import type { RegressionPanel } from './linear.js';
import { callNative, type RunOptions, runNative } from './native.js';

/** Elastic net: |r - Xb|^2 / (2 n) + alpha (rho |b|_1 + (1 - rho) |b|^2 / 2); rho 1 is the LASSO, 0 ridge. */
export interface ElasticNetPath {
  readonly kind: 'elastic_net';
  /** rho; default 1. */
  readonly l1Ratio?: number;
  /** Falling penalties; default `count` an asset, from the least that makes all coefficients zero. */
  readonly alphas?: Float64Array;
  /** Default 100. */
  readonly count?: number;
  /** Last over first automatic penalty; default .001. */
  readonly ratio?: number;
}

/** Least squares on the first 1, 2, ... directions, as the loadings of principal components. */
export interface DirectionsPath {
  readonly kind: 'directions';
  /** [direction][shrunk column]. */
  readonly directions: Float64Array;
}

/** Partial least squares with 1, 2, ... components. */
export interface PartialLeastSquaresPath {
  readonly kind: 'partial_least_squares';
  /** Most components. */
  readonly count: number;
}

/** Options of {@link shrinkagePath}. */
export interface ShrinkagePathOptions extends RunOptions {
  readonly path: ElasticNetPath | DirectionsPath | PartialLeastSquaresPath;
  /** Columns that are not shrunk, as the constant; default none. */
  readonly freeColumns?: readonly number[];
  /** Blocks of neighbouring rows that cross-validation leaves out in turn; default 0: none. */
  readonly folds?: number;
  /** Fewest observations for an estimate; default 2. */
  readonly minObservations?: number;
}

/** Shrunk coefficients, from most to least shrunk; NaN for an asset with too few observations. */
export interface ShrinkagePath {
  readonly steps: number;
  /** [asset][step][column]. */
  readonly coefficients: Float64Array;
  /** [asset][step]: alpha, or number of components. */
  readonly parameters: Float64Array;
  /** [asset][step], mean squared error out of the fold; empty without folds. */
  readonly errors: Float64Array;
  /** [asset], rows used. */
  readonly observations: Uint32Array;
}

/**
 * Shrunk regressions of every asset with block cross-validation: ridge, LASSO, elastic net, principal-component and
 * partial least squares. Columns are taken as they are: standardise them first. Formulae: docs/methods/static.md.
 *
 * @example
 * const path = await shrinkagePath(panel, { path: { kind: 'elastic_net' }, freeColumns: [0], folds: 5 });
 * bestSteps(path); // step of least error, by asset
 */
export function shrinkagePath(panel: RegressionPanel, options: ShrinkagePathOptions): Promise<ShrinkagePath> {
  const { path } = options;
  const none = new Float64Array(0);
  const native = {
    kind: path.kind,
    l1Ratio: path.kind === 'elastic_net' ? (path.l1Ratio ?? 1) : 0,
    alphas: path.kind === 'elastic_net' ? (path.alphas?.slice() ?? none) : none,
    count: path.kind === 'directions' ? 0 : (path.count ?? 100),
    ratio: path.kind === 'elastic_net' ? (path.ratio ?? 1e-3) : 0,
    directions: path.kind === 'directions' ? path.directions.slice() : none,
    freeColumns: [...(options.freeColumns ?? [])],
    folds: options.folds ?? 0,
    minObservations: options.minObservations ?? 2,
  };
  const { rows, columns, assets } = panel;
  const copy = { design: panel.design.slice(), returns: panel.returns.slice(), rows, columns, assets };
  return runNative((kernel, run) => kernel.linearShrinkagePath(copy, native, ...run), options);
}

/**
 * Step of least cross-validated error of each asset; -1 where there is none.
 *
 * @throws ArgumentError for a path without cross-validation
 */
export function bestSteps(path: ShrinkagePath): Int32Array {
  if (path.errors.length === 0) throw new ArgumentError('the path was not cross-validated', 'ask for folds');
  return Int32Array.from(path.observations, (_, asset) => {
    const errors = path.errors.subarray(asset * path.steps, (asset + 1) * path.steps);
    return errors.reduce((best, error, step) => (error < (errors[best] ?? Infinity) ? step : best), -1);
  });
}

/** Returns and factors of an asset-pricing test, complete rows. */
export interface PricingPanel {
  /** [row][asset]. */
  readonly returns: Float64Array;
  /** [row][factor]. */
  readonly factors: Float64Array;
  readonly rows: number;
  readonly assets: number;
  readonly factorCount: number;
}

/** Prices of risk; coefficients are the constant (if any), then the factors. */
export interface FamaMacBeth {
  /** [asset][factor]. */
  readonly betas: Float64Array;
  /** [coefficient], mean return per unit of beta. */
  readonly premia: Float64Array;
  /** [coefficient][coefficient], of Fama and MacBeth (1973). */
  readonly covariance: Float64Array;
  /** [coefficient][coefficient], corrected for estimated betas (Shanken 1992). */
  readonly shanken: Float64Array;
  /** [asset]. */
  readonly pricingErrors: Float64Array;
  /** [coefficient], with the corrected errors, Student's t with rows - 1 degrees of freedom. */
  readonly pValues: Float64Array;
}

/** Fama and MacBeth's two passes; `intercept` (default true) lets zero-beta assets earn something. */
export function famaMacBeth(panel: PricingPanel, intercept = true): FamaMacBeth {
  return callNative((kernel) => kernel.linearFamaMacbeth(panel, intercept));
}

/** Test that the intercepts of all assets are zero. */
export interface GrsTest {
  readonly f: number;
  readonly pValue: number;
  /** [asset]. */
  readonly alphas: Float64Array;
}

/** Gibbons, Ross and Shanken (1989): do traded factors price all assets? F with N and T - N - K degrees of freedom. */
export function grsTest(panel: PricingPanel): GrsTest {
  return callNative((kernel) => kernel.linearGrsTest(panel));
}

/** P(F > f) of F statistics with their degrees of freedom above and below. */
export function fPValues(statistics: Float64Array, above: Float64Array, below: Float64Array): Float64Array {
  return callNative((kernel) => kernel.linearFPValues(statistics, above, below));
}
