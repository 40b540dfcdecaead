export { type BlendOptions, blendEstimator } from './blend.js';
export { type ConditionalBetaOptions, conditionalBetaEstimator } from './conditional-beta.js';
export { MIN_ASSET_OBSERVATIONS } from './diagnose.js';
export { fromParameters, type LstmEstimatorOptions, lstmEstimator } from './estimator.js';
export { type GuardedLstmOptions, guardedLstmEstimator } from './guarded.js';
export { MIN_SERIES_OBSERVATIONS } from './input-rule.js';
export { type EffectiveMemory, effectiveMemory } from './memory.js';
