export { type ConditionOptions, conditionedInputs } from './conditioned.js';
export {
  type ConditionedEstimatorOptions,
  canBeConditioned,
  conditionedEstimator,
} from './conditioned-estimator.js';
export { conditionedFromParameters } from './conditioned-fitted.js';
export { type DistributedLagEstimatorOptions, distributedLagEstimator } from './distributed-lag.js';
export { type EwmOlsEstimatorOptions, ewmOlsEstimator } from './ewm-ols.js';
export { type FamaMacBethEstimatorOptions, famaMacBethEstimator } from './fama-macbeth.js';
export { featuresFromParameters } from './feature-fitted.js';
export { chowLin, driftPath } from './fill/chow-lin.js';
export type { LongSeries, PeriodValue, ShortPath } from './fill/problem.js';
export { type KalmanEstimatorOptions, kalmanEstimator } from './kalman.js';
export type { KalmanForm } from './kalman-forms.js';
export type { LagShape } from './lag-basis.js';
export { type LocalProjectionOptions, localProjections } from './local-projections.js';
export { type MarkovEstimatorOptions, markovEstimator } from './markov.js';
export { type OlsEstimatorOptions, olsEstimator } from './ols.js';
export { type PcaEstimatorOptions, pcaEstimator } from './pca.js';
export { linearFromParameters, linearJacobian, predictLinear } from './predict.js';
export { withResidualChecks } from './residual-checks.js';
export { type RollingOlsEstimatorOptions, rollingOlsEstimator } from './rolling-ols.js';
export {
  type ElasticNetEstimatorOptions,
  elasticNetEstimator,
  lassoEstimator,
  type PlsEstimatorOptions,
  plsEstimator,
  type RidgeEstimatorOptions,
  ridgeEstimator,
  type ShrunkOptions,
} from './shrunk.js';
export { type SplineEstimatorOptions, splineEstimator } from './spline.js';
export { findBreak, type StructuralBreak } from './tests/breaks.js';
export { type Collinearity, collinearity } from './tests/collinearity.js';
export { dickeyFuller, kpss, type TestResult } from './tests/stationarity.js';
export { type ThresholdEstimatorOptions, thresholdEstimator } from './threshold.js';
export { type ThresholdFindings, ThresholdFitted } from './threshold-fitted.js';
export { thresholdFromParameters } from './threshold-predict.js';
export { type VarEstimatorOptions, VarFitted, varEstimator } from './var.js';
export { type WlsEstimatorOptions, wlsEstimator } from './wls.js';
export { zeroEstimator } from './zero.js';
