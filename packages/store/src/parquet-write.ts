import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ArgumentError } from '@macrograd/core';
import type { SchemaElement } from 'hyparquet';
import { type ColumnSource, fileWriter, ParquetWriter } from 'hyparquet-writer';
import { type ColumnSpec, type ColumnType, columnsOf, type TableName, tableSchemaVersion } from './schema.js';
import { type AnyColumn, NULL_BOOLEAN, NULL_INT, type TableData } from './table.js';

// Near DuckDB's vector of row groups (122,880), so that it reads groups in parallel, and small enough that the
// decoded group of one column (about 2 MB of doubles) is all the extra memory a writer needs.
const ROWS_PER_GROUP = 131_072;

/** Path of a table's file inside a result directory. */
export function tablePath(dir: string, name: TableName): string {
  return join(dir, `${name}.parquet`);
}

/**
 * Writes one table as `<dir>/<name>.parquet` (Snappy, dictionaries for strings, min/max/null statistics per column
 * and row group). The same data give the same bytes. Makes the directory when it is absent.
 *
 * @example
 * writeTable('out', 'chosen', builder.finish());
 */
export function writeTable<N extends TableName>(dir: string, name: N, data: TableData<N>): void {
  mkdirSync(dir, { recursive: true });
  const columns = checkedColumns(name, data);
  const writer = new ParquetWriter({
    writer: fileWriter(tablePath(dir, name)),
    schema: fileSchema(name),
    codec: 'SNAPPY',
    kvMetadata: [
      { key: 'macrograd.table', value: name },
      { key: 'macrograd.schema_version', value: String(tableSchemaVersion) },
    ],
  });
  for (let start = 0; start < data.rows; start += ROWS_PER_GROUP) {
    const end = Math.min(start + ROWS_PER_GROUP, data.rows);
    const columnData = columns.map(([column, spec, values]) => fileColumn(column, spec, values, start, end));
    writer.write({ columnData, rowGroupSize: end - start });
  }
  writer.finish();
}

type NamedColumn = readonly [string, ColumnSpec, AnyColumn];

function checkedColumns<N extends TableName>(name: N, data: TableData<N>): readonly NamedColumn[] {
  const columns = data.columns as unknown as Readonly<Record<string, AnyColumn>>;
  return columnsOf(name).map(([column, spec]) => {
    const values = columns[column];
    if (values === undefined) throw new ArgumentError(`table ${name} has no column "${column}"`);
    const length = 'kind' in values ? values.codes.length : values.length;
    if (length !== data.rows) {
      throw new ArgumentError(`column "${column}" of ${name} has ${length} entries, the table ${data.rows} rows`);
    }
    return [column, spec, values];
  });
}

const physicalTypes: Readonly<Record<ColumnType, Omit<SchemaElement, 'name'>>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  double: { type: 'DOUBLE' },
  int: { type: 'INT32' },
  date: { type: 'INT32', converted_type: 'DATE' },
  boolean: { type: 'BOOLEAN' },
};

function fileSchema(name: TableName): SchemaElement[] {
  const columns = columnsOf(name).map(
    ([column, spec]): SchemaElement => ({
      name: column,
      ...physicalTypes[spec.type],
      repetition_type: spec.nullable ? 'OPTIONAL' : 'REQUIRED',
    }),
  );
  return [{ name: 'root', num_children: columns.length }, ...columns];
}

function fileColumn(name: string, spec: ColumnSpec, column: AnyColumn, start: number, end: number): ColumnSource {
  if ('kind' in column) {
    const { values, codes } = column;
    const strings = new Array<string | null>(end - start);
    for (let row = start; row < end; row++) strings[row - start] = codes[row] < 0 ? null : values[codes[row]];
    return { name, data: strings, encoding: 'RLE_DICTIONARY' };
  }
  const part = column.subarray(start, end);
  switch (spec.type) {
    case 'double':
      return { name, data: nullsFor(part, Number.isNaN), encoding: 'PLAIN' };
    case 'boolean':
      return { name, data: Array.from(part, (x) => (x === NULL_BOOLEAN ? null : x === 1)) };
    default:
      // Dates and small integers repeat: a dictionary is a fraction of the plain bytes.
      return { name, data: nullsFor(part, (x) => x === NULL_INT), encoding: 'RLE_DICTIONARY' };
  }
}

function nullsFor(values: Float64Array | Int32Array | Uint8Array, isNull: (x: number) => boolean) {
  if (!values.some(isNull)) return values;
  return Array.from(values, (x) => (isNull(x) ? null : x));
}
