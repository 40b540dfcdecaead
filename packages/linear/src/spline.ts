import { ArgumentError, type Estimator } from '@macrograd/core';
import { fitPooledFeatures } from './pooled-features.js';
import { withResidualChecks } from './residual-checks.js';

/** Options of {@link splineEstimator}. */
export interface SplineEstimatorOptions {
  /** Lags, the return's own period included; default 24, 0 = none. */
  readonly lags?: number;
  /**
   * Default `components`: bends, products and lags enter through a few shapes that all assets share. `empirical_bayes`: a
   * coefficient of every asset on every feature, shrunk to the mean over assets. `ridge`: to zero.
   */
  readonly prior?: 'components' | 'empirical_bayes' | 'ridge';
  /** Shapes of `components`; default 3. */
  readonly components?: number;
  /** Fewest returns of an asset; default 24. */
  readonly minObservations?: number;
}

/**
 * Pooled regression on splines of every factor and state, products of all pairs, and lags, with a prior that is
 * estimated from all assets: exposures that depend on the state. Formulae and sources: docs/methods/pooled_features.md.
 *
 * @example
 * const fitted = await splineEstimator().fit(panel, { start: 0, end: 420 }, { seed: 1 });
 */
export function splineEstimator(options: SplineEstimatorOptions = {}): Estimator {
  const { lags = 24, prior = 'components', components, minObservations = 24 } = options;
  if (!(Number.isInteger(lags) && lags >= 0)) throw new ArgumentError(`lags is ${lags}`, 'give 0 or more');
  const settings = {
    method: 'spline',
    lags,
    lagShape: 'bumps',
    nonlinear: true,
    prior,
    minObservations,
    ...(components !== undefined && { components }),
  } as const;
  return withResidualChecks({
    method: 'spline',
    fit: (panel, span, fit) => fitPooledFeatures(panel, span, fit, settings),
  });
}
