import { ArgumentError } from '@macrograd/core';
import type { RegressionPanel } from './linear.js';
import { type RunOptions, runNative } from './native.js';

/** Options of {@link pooledHeads}. */
export interface PooledHeadOptions extends RunOptions {
  /** [feature]: block of the feature, from 0; the mean head has one prior variance a block. Default one block. */
  readonly block?: readonly number[];
  /** Default `empirical_bayes`; `ridge` shrinks to 0 with one variance a block. */
  readonly prior?: 'empirical_bayes' | 'ridge';
  /** Share of the estimated covariance between features that the prior keeps at each step, in [0, 1]; default .5. */
  readonly correlation?: number;
  /** Most steps of the estimation; default 150. */
  readonly maxSteps?: number;
  /**
   * Directions in which heads may differ between assets: so many, or the least of 0 to `most` (or all) that predict
   * `folds` blocks of neighbouring rows, left out in turn, as well as the best to one standard error. Default all; not
   * with `ridge`.
   */
  readonly rank?: number | { readonly most: number; readonly folds: number };
  /** Fewest returns of an asset; default 24. */
  readonly minObservations?: number;
}

/** Regressions of all assets on shared features under an estimated prior. */
export interface PooledHeads {
  /** [asset][feature], posterior means; NaN with too few returns. */
  readonly heads: Float64Array;
  /** [asset], value where all features are 0. */
  readonly offsets: Float64Array;
  /** [pattern][feature][feature], posterior covariance, the same for all assets that miss the same rows. */
  readonly covariance: Float64Array;
  /** [asset], its pattern; -1 with too few returns. */
  readonly pattern: Int32Array;
  /** [asset], returns used. */
  readonly observations: Uint32Array;
  /** [feature], mean of the heads over assets. */
  readonly mean: Float64Array;
  /** [feature], prior variance around that mean. */
  readonly spread: Float64Array;
  /** Variance of an asset's own noise. */
  readonly ownNoise: number;
  /** Variance of the noise that all assets share. */
  readonly commonNoise: number;
  readonly steps: number;
  readonly converged: boolean;
  /** Directions in which heads differ; absent = all. */
  readonly rank?: number;
  /** [rank], last all directions: root mean square error in the rows left out; empty without validation. */
  readonly rankErrors: Float64Array;
}

/**
 * Coefficients of all assets on the same features, which may be many: shrunk to a common mean and to zero by as much as
 * the marginal likelihood asks for. Features (the columns of the design, no constant) and returns of about unit variance;
 * formulae in docs/methods/pooled_features.md.
 *
 * @example
 * const fit = await pooledHeads({ design: features, returns, rows: 420, columns: 48, assets: 200 });
 * fit.heads; // [200][48]
 */
export function pooledHeads(panel: RegressionPanel, options: PooledHeadOptions = {}): Promise<PooledHeads> {
  const { maxSteps = 150, minObservations = 24 } = options;
  for (const [name, value] of Object.entries({ maxSteps, minObservations })) {
    if (!Number.isInteger(value) || value < 1) throw new ArgumentError(`${name} is ${value}`, 'give 1 or more');
  }
  const { rank } = options;
  const reduced = typeof rank === 'number' ? { rank, folds: 0 } : rank && { rank: rank.most, folds: rank.folds };
  for (const [name, value] of Object.entries(reduced ?? {})) {
    if (!Number.isInteger(value) || value < 0) throw new ArgumentError(`${name} is ${value}`, 'give 0 or more');
  }
  const native = {
    ...reduced,
    block: Uint32Array.from(options.block ?? new Array<number>(panel.columns).fill(0)),
    ridge: options.prior === 'ridge',
    correlation: options.correlation ?? 0.5,
    maxSteps,
    minObservations,
  };
  const copy = { ...panel, design: panel.design.slice(), returns: panel.returns.slice() };
  return runNative((kernel, run) => kernel.linearPooledHeads(copy, native, ...run), options);
}

/** Options of {@link componentHeads}. */
export interface ComponentHeadOptions extends RunOptions {
  /**
   * [feature]: 0 = a coefficient of every asset's own; from 1 on, without a gap, the group with which the feature enters the
   * components under one prior variance.
   */
  readonly group: readonly number[];
  /** [feature]: what a feature is multiplied by before that variance holds; default 1. */
  readonly scale?: readonly number[];
  /** Components; default 3. */
  readonly components?: number;
  /** Most steps of the estimation; default 150. */
  readonly maxSteps?: number;
  /** Fewest returns of an asset; default 24. */
  readonly minObservations?: number;
}

/**
 * Coefficients of all assets on few components of many features: which shapes returns depend on is learned from all assets
 * together, how much of each an asset has is its own; groups of features that nothing speaks for are sent to 0. Features (the
 * columns of the design, no constant) and returns of about unit variance; formulae in docs/methods/pooled_features.md.
 *
 * @example
 * const fit = await componentHeads({ design, returns, rows: 420, columns: 3, assets: 200 }, { group: [0, 1, 1], components: 1 });
 * fit.heads; // [200][3]
 */
export function componentHeads(panel: RegressionPanel, options: ComponentHeadOptions): Promise<PooledHeads> {
  const { group, scale = group.map(() => 1), components = 3, maxSteps = 150, minObservations = 24 } = options;
  for (const [name, value] of Object.entries({ components, maxSteps, minObservations })) {
    if (!Number.isInteger(value) || value < 1) throw new ArgumentError(`${name} is ${value}`, 'give 1 or more');
  }
  const native = {
    group: Uint32Array.from(group),
    scale: Float64Array.from(scale),
    components,
    maxSteps,
    minObservations,
  };
  const copy = { ...panel, design: panel.design.slice(), returns: panel.returns.slice() };
  return runNative((kernel, run) => kernel.linearComponentHeads(copy, native, ...run), options);
}
