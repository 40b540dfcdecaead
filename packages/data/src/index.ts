export {
  type ColumnFacts,
  describePanel,
  describeTable,
  type PanelDescription,
  type TableDescription,
} from './describe.js';
export { type Expression, parseExpression } from './expression.js';
export { type BuiltFactorPanel, type BuiltPanel, buildFactorPanel, buildPanel } from './panel.js';
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
