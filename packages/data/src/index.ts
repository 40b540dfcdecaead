export { type BillLine, type LookAheadBill, lookAheadBill, type Revision } from './bill.js';
export type { ConsensusSpec } from './consensus.js';
export {
  type ColumnFacts,
  describePanel,
  describeTable,
  type PanelDescription,
  type TableDescription,
} from './describe.js';
export { type Expression, parseExpression } from './expression.js';
export { type Fetched, type FetchOptions, fetchSource } from './fetch/fetch.js';
export { type Origin, readOrigin } from './fetch/origin.js';
export type { FillSpec, LongValues } from './fill.js';
export { cycle, type FilterId } from './filter.js';
export { type PanelData, panelOf } from './fromCode.js';
export type { GapPolicy } from './gaps.js';
export { type BuiltFactorPanel, type BuiltPanel, buildFactorPanel, buildPanel } from './panel.js';
export { type Proposal, type ProposedSeries, propose, proposeTable } from './propose.js';
export { readTable } from './read.js';
export { quantile, removeOutliers, removeOutliersAsOf, winsoriseAsOf } from './robust.js';
export { sampleDirectory } from './sample.js';
export type {
  AggregateId,
  AssetFileSpec,
  BusinessCalendarSpec,
  CurrencySpec,
  DateOrder,
  EncodingId,
  FactorFileSpec,
  FileSpec,
  OutlierRule,
  PanelSpec,
  RateSpec,
  ReadOptions,
  RiskFreeSpec,
  SeriesSpec,
  TableFormat,
  Timing,
} from './spec.js';
export { surprise } from './surprise.js';
export type { Series, Table } from './table.js';
export { transformSeries } from './transform.js';
export { type Edition, type KnownColumn, knownColumn, readNewest } from './vintages.js';
