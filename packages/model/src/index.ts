export { MIN_ASSET_OBSERVATIONS } from './diagnose.js';
export { fromParameters, type LstmEstimatorOptions, lstmEstimator } from './estimator.js';
export { MIN_SERIES_OBSERVATIONS } from './input-rule.js';
