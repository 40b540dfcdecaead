export {
  type CalibratedEstimatorOptions,
  type CalibrationOptions,
  calibratedEstimator,
  calibrateIntervals,
  type IntervalCalibration,
  scaleIntervals,
} from './calibration.js';
export { type Choice, type ChoiceOptions, chooseMethods, sharesWon } from './choice.js';
export { type ConfidenceSetOptions, modelConfidenceSet } from './confidence_set.js';
export { type Fold, TRIAL, type WalkForward, type WalkForwardOptions, walkForwardFolds } from './folds.js';
export { type FoldForecast, forecastFold } from './forecast.js';
export { type HedgeOptions, hedgedReturns } from './hedge.js';
export { clarkWest, dieboldMariano, type TestResult } from './loss_tests.js';
export { type AssetShare, type MixSource, mixReference, weightsByMethod } from './mixed_fits.js';
export { chosenForecasts } from './mixed_forecasts.js';
export { forecastRefreshed } from './refresh.js';
export {
  bestMethod,
  type Comparison,
  compareMethods,
  type EvaluationRow,
  type Scores,
  scoreForecasts,
} from './scores.js';
export type { ProcessId } from './simulation/processes.js';
export {
  type FactorRecovery,
  type RecoveryOptions,
  type RecoveryRow,
  type RecoveryScore,
  recoveryScore,
  runRecovery,
} from './simulation/recovery.js';
export {
  type RecoverySummary,
  type RecoveryTableOptions,
  runRecoveryTable,
  summariseRecovery,
} from './simulation/recovery_table.js';
export {
  runScreening,
  SCREENING_PROCEDURES,
  type ScreeningOptions,
  type ScreeningProcedure,
  type ScreeningResult,
  type ScreeningScore,
} from './simulation/screening.js';
export {
  isNewSeed,
  QUICK_METHODS,
  quickCells,
  runStudyCell,
  type StudyCell,
  type StudyCellOptions,
  type StudyMethod,
  type StudyRow,
  type StudySummary,
  studyCells,
  summariseStudy,
} from './simulation/study.js';
export { judgeQuickStudy, type QuickVerdict } from './simulation/study_limits.js';
export { simulateWorld, type Truth, type World, type WorldOptions } from './simulation/world.js';
export { worldFiles } from './simulation/world_files.js';
export { type StackOptions, stackMethods } from './stack.js';
export { type StackEstimatorOptions, stackEstimator } from './stack_estimator.js';
export { FactorVar, generalisedMoves } from './var1.js';
