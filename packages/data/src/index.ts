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
