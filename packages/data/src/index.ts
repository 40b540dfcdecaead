export { readTable } from './read.js';
export { sampleDirectory } from './sample.js';
export type {
  AssetFileSpec,
  FactorFileSpec,
  PanelSpec,
  RiskFreeSpec,
  SeriesSpec,
  TableFormat,
  Timing,
} from './spec.js';
export type { Series, Table } from './table.js';
