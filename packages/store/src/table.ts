import type { ColumnName, ColumnSpec, SpecOf, TableName } from './schema.js';

/** Strings as codes into a list of distinct values; code -1 is null. */
export interface DictionaryColumn {
  readonly kind: 'dictionary';
  readonly values: readonly string[];
  readonly codes: Int32Array;
}

/** A null in an Int32Array of a nullable int column. */
export const NULL_INT = -2_147_483_648;

/** A null in a Uint8Array of a nullable boolean column; otherwise 0 or 1. */
export const NULL_BOOLEAN = 255;

/** In-memory form of a column of the given type. */
export type ColumnData<S extends ColumnSpec> = S['type'] extends 'string'
  ? DictionaryColumn
  : S['type'] extends 'double'
    ? Float64Array
    : S['type'] extends 'boolean'
      ? Uint8Array
      : Int32Array;

/** Any in-memory column. */
export type AnyColumn = DictionaryColumn | Float64Array | Int32Array | Uint8Array;

/** Columns of one table, all of `rows` entries. */
export interface TableData<N extends TableName> {
  readonly rows: number;
  readonly columns: { readonly [C in ColumnName<N>]: ColumnData<SpecOf<N, C>> };
}

type OrNull<S extends ColumnSpec, T> = S['nullable'] extends true ? T | null : T;

/** One value as a caller writes it: dates as day numbers, missing doubles as NaN, other missing values as null. */
export type CellOf<S extends ColumnSpec> = S['type'] extends 'string'
  ? OrNull<S, string>
  : S['type'] extends 'double'
    ? number
    : S['type'] extends 'boolean'
      ? OrNull<S, boolean>
      : OrNull<S, number>;

/** One row of a table. */
export type RowOf<N extends TableName> = { readonly [C in ColumnName<N>]: CellOf<SpecOf<N, C>> };

/** The string of a dictionary column at a row, or null. */
export function stringAt(column: DictionaryColumn, row: number): string | null {
  const code = column.codes[row];
  return code < 0 ? null : column.values[code];
}

/** Code of a string in a dictionary column, or -2 when no row holds it (never equal to a row's code). */
export function codeOf(column: DictionaryColumn, value: string): number {
  const code = column.values.indexOf(value);
  return code < 0 ? -2 : code;
}
