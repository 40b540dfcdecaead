export { TableBuilder } from './builder.js';
export {
  type ColumnName,
  type ColumnSpec,
  type ColumnType,
  columnsOf,
  type SpecOf,
  type TableName,
  tableNames,
  tableSchemas,
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
