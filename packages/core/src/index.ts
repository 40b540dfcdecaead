export {
  type DayNumber,
  dayNumber,
  type Frequency,
  formatIsoDate,
  monthEnd,
  monthEndOfIndex,
  monthIndex,
  parseIsoDate,
  periodEnd,
  periodsPerYear,
  quarterEnd,
  weekEnd,
  yearEnd,
} from './calendar.js';
export { calmWeights, calmWeightsSoFar, weightRows } from './calm-weights.js';
export {
  cholesky,
  choleskySolve,
  forwardSolve,
  invertPositiveDefinite,
  semidefiniteCholesky,
} from './cholesky.js';
export { type Condition, type ConditionedColumn, conditionedPair } from './condition.js';
export {
  ArgumentError,
  CancelledError,
  type ErrorCode,
  formatPlace,
  InputError,
  MacrogradError,
  type Place,
} from './errors.js';
export {
  type AssetNetworks,
  type ConditionedParameters,
  type Diagnostics,
  type EncoderParameters,
  type Estimator,
  type FeatureParameters,
  type FitOptions,
  type FitStatus,
  type Fitted,
  type FittedParameters,
  type JacobianBlock,
  type JacobianForm,
  type JacobianOptions,
  type LinearParameters,
  type LstmParameters,
  lstmOfAsset,
  MEMBER_SPREAD_WEIGHT,
  METHOD_IDS,
  type MethodId,
  type PerAssetLstmParameters,
  type ProgressCallback,
  type RegimeCoefficients,
  regimeAsLinear,
  type StatusNote,
  type ThresholdParameters,
} from './estimator.js';
export { averagingTerm } from './model-average.js';
export type { ModelInfo } from './model-info.js';
export {
  type AssetMeta,
  type AssetRange,
  type FactorMeta,
  type FactorPanel,
  fitScaler,
  indexesOfRole,
  type Panel,
  type ReturnMatrix,
  type Role,
  rowOfDate,
  type Scaler,
  type Span,
  selectColumns,
  sliceFactors,
  slicePanel,
  standardise,
  type TimeAxis,
} from './panel.js';
export { Random } from './random.js';
export { declaredUnit, exposureUnit, type TransformId, transformedUnit } from './units.js';
