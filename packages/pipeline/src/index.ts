export { type CalibrateOptions, type ConfigCalibration, calibrateConfig } from './calibrate.js';
export {
  type CheckConfig,
  type EvaluationConfig,
  type LstmConfig,
  parseConfig,
  type RunConfig,
  readConfig,
} from './config/config.js';
export { type DataSheet, dataSheet, type SeriesSheet } from './datasheet.js';
export { dryRun, type RunEstimate } from './estimate.js';
export { type ExportedModel, type ExportModelOptions, exportOnnxModel } from './export.js';
export { type ExportedTfjs, exportTfjsModel } from './export-tfjs.js';
export {
  type Findings,
  type FindingsFilter,
  type PairFinding,
  type PairThreshold,
  type PairTwins,
  readFindings,
} from './findings.js';
export { type Finding, type Headline, type MethodHeadline, readHeadline } from './headline.js';
export { type InteractionFinding, type Interactions, readInteractions } from './interactions.js';
export { type RunOptions, type RunOutcome, run } from './run.js';
export { dataSheetRecord } from './stages/data-record.js';
export { defaultEstimators } from './stages/estimators.js';
export { type LoadedPanel, loadConfig } from './stages/load.js';
