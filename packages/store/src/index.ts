export type { ModelInfo } from '@macrograd/core';
export { atomicDirectory } from './atomic.js';
export { TableBuilder } from './builder.js';
export type {
  AssetCoverageRecord,
  BillLineRecord,
  BillRecord,
  DataSheetRecord,
  RevisionRecord,
  SeriesRecord,
} from './data-record.js';
export { modelSchemaVersion, readModel, type StoredModel, writeModel } from './model-file.js';
export { readTable } from './parquet-read.js';
export { tablePath, writeTable } from './parquet-write.js';
export {
  type AssetRecord,
  type CheckRecord,
  type ConditionRecord,
  type DriftRecord,
  type NetworkRecord,
  type RunRecord,
  readRunRecord,
  writeRunRecord,
} from './run-record.js';
export { decodeSafetensors, encodeSafetensors, type Tensor, type TensorArray } from './safetensors.js';
export {
  type ColumnName,
  type ColumnSpec,
  type ColumnType,
  columnsOf,
  type SpecOf,
  type TableName,
  tableNames,
  tableSchemas,
  tableSchemaVersion,
} from './schema.js';
export {
  type AnyColumn,
  type CellOf,
  type ColumnData,
  codeOf,
  type DictionaryColumn,
  NULL_BOOLEAN,
  NULL_INT,
  type RowOf,
  stringAt,
  type TableData,
} from './table.js';
