export { type EwmOlsEstimatorOptions, ewmOlsEstimator } from './ewm-ols.js';
export { type OlsEstimatorOptions, olsEstimator } from './ols.js';
export { linearJacobian, predictLinear } from './predict.js';
export { type RollingOlsEstimatorOptions, rollingOlsEstimator } from './rolling-ols.js';
export { zeroEstimator } from './zero.js';
