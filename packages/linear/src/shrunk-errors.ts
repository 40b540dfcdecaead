import { type OlsRegression, type RegressionPanel, twoSidedPValues } from '@macrograd/kernel';
import { statistics } from './diagnose.js';
import { ridgePosterior } from './ridge-posterior.js';

/** Penalty of the prior that bounds what least squares cannot tell apart: 100 noise SD over sqrt(n). */
const WEAKEST_PENALTY = 1e-4;

/** Mean squared errors of selected or projected coefficients, [asset][column], and p-values of zero. */
export interface ShrunkErrors {
  readonly variances: Float64Array;
  readonly pValues: Float64Array;
}

/**
 * Errors of coefficients b that were selected or shrunk by the same data, read against least squares b_o:
 *
 *   Var b_o + (b - b_o)^2
 *
 * b_o is unbiased, so |b - beta| <= |b - b_o| + |b_o - beta|, and b +- z times the root covers at least as often as
 * b_o +- z SE(b_o) does, whatever was selected. It is what the debiased estimator of van de Geer, Buehlmann, Ritov and
 * Dezeure (2014) comes to with fewer regressors than rows. A p-value is the larger of b_o's and the one of b itself.
 */
export function errorsAroundLeastSquares(
  panel: RegressionPanel,
  shrunk: Float64Array,
  ols: OlsRegression,
  penalised: readonly boolean[],
): ShrunkErrors {
  const { columns: k } = panel;
  const prior = ridgePosterior(panel, shrunk, penalised, WEAKEST_PENALTY);
  const variances = shrunk.map((b, at) => {
    const free = ols.coefficients[at];
    // Least squares left the column out: its split with others is known from the prior alone.
    if (Number.isNaN(free)) return prior.variances[at];
    return ols.covariance[at * k + (at % k)] + (b - free) ** 2;
  });
  const degrees = shrunk.map((_, at) => {
    const asset = Math.floor(at / k);
    return ols.observations[asset] - ols.rank[asset];
  });
  const own = twoSidedPValues(statistics(shrunk, variances), degrees);
  return { variances, pValues: own.map((p, at) => (ols.pValues[at] > p ? ols.pValues[at] : p)) };
}
