import { ArgumentError, type Estimator } from '@macrograd/core';
import type { LagShape } from './lag-basis.js';
import { fitPooledFeatures } from './pooled-features.js';
import { withResidualChecks } from './residual-checks.js';

/** Options of {@link distributedLagEstimator}. */
export interface DistributedLagEstimatorOptions {
  /** Lags, the return's own period included; default 24. */
  readonly lags?: number;
  /**
   * Default `bumps`, smooth and finest at short lags; `free`: every lag for itself; `almon`: a cubic polynomial;
   * `koyck`: four geometric decays.
   */
  readonly shape?: LagShape;
  /**
   * Default `empirical_bayes`: heads shrunk to their mean over assets; `reduced_rank`: the same, and their differences from
   * it are sums of few lag profiles that all assets share; `ridge`: to zero.
   */
  readonly prior?: 'empirical_bayes' | 'reduced_rank' | 'ridge';
  /** Of `reduced_rank`: how many profiles; default: as few as predict blocks of rows that were left out as well as any. */
  readonly rank?: number;
  /** Fewest returns of an asset; default 24. */
  readonly minObservations?: number;
}

/**
 * Pooled distributed lags: every factor enters at its own date and through smooth sums of its lags, with a prior that is
 * estimated from all assets. Formulae and sources: docs/methods/pooled_features.md.
 *
 * @example
 * const fitted = await distributedLagEstimator({ lags: 12 }).fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * for await (const block of fitted.jacobian(panel.inputs, { start: 239, end: 240 })) console.log(block.lags); // 12
 */
export function distributedLagEstimator(options: DistributedLagEstimatorOptions = {}): Estimator {
  const { lags = 24, shape = 'bumps', prior = 'empirical_bayes', minObservations = 24, rank } = options;
  if (!(Number.isInteger(lags) && lags >= 2)) throw new ArgumentError(`lags is ${lags}`, 'give 2 or more');
  if (rank !== undefined && !(prior === 'reduced_rank' && Number.isInteger(rank) && rank >= 0)) {
    throw new ArgumentError(`rank is ${rank}`, "give 0 or more, with `prior: 'reduced_rank'`");
  }
  const settings = {
    method: 'distributed_lag',
    lags,
    lagShape: shape,
    nonlinear: false,
    prior,
    ...(rank === undefined ? {} : { rank }),
    minObservations,
  } as const;
  return withResidualChecks({
    method: 'distributed_lag',
    fit: (panel, span, fit) => fitPooledFeatures(panel, span, fit, settings),
  });
}
