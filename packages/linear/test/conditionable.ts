import type { Estimator, MethodId } from '@macrograd/core';
import {
  distributedLagEstimator,
  elasticNetEstimator,
  ewmOlsEstimator,
  famaMacBethEstimator,
  kalmanEstimator,
  lassoEstimator,
  markovEstimator,
  olsEstimator,
  pcaEstimator,
  plsEstimator,
  ridgeEstimator,
  rollingOlsEstimator,
  varEstimator,
  wlsEstimator,
} from '../src/index.js';

/** Methods that a state can condition from outside; `zero` has no exposures, `spline` and the LSTM take states themselves. */
export const conditionable: readonly (readonly [MethodId, () => Estimator])[] = [
  ['ols', () => olsEstimator()],
  ['rolling_ols', () => rollingOlsEstimator({ window: 120 })],
  ['ewm_ols', () => ewmOlsEstimator()],
  ['wls', () => wlsEstimator()],
  ['ridge', () => ridgeEstimator()],
  ['lasso', () => lassoEstimator()],
  ['elastic_net', () => elasticNetEstimator()],
  ['pls', () => plsEstimator()],
  ['fama_macbeth', () => famaMacBethEstimator()],
  ['pca', () => pcaEstimator()],
  ['var', () => varEstimator({ order: 1 })],
  ['kalman', () => kalmanEstimator()],
  ['markov', () => markovEstimator()],
  ['distributed_lag', () => distributedLagEstimator()],
];
