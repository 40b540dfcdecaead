import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ArgumentError } from '@macrograd/core';
import type { RowGroup, SchemaElement } from 'hyparquet';
import { fileWriter } from 'hyparquet-writer';
import { type FileWriter, writeChunk } from './parquet-chunk.js';
import { PARQUET_MAGIC, writeFooter } from './parquet-footer.js';
import { type ColumnType, columnsOf, type TableName, tableSchemaVersion } from './schema.js';
import type { AnyColumn, TableData } from './table.js';

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
  const schema = columnElements(name);
  const writer = fileWriter(tablePath(dir, name));
  writer.appendUint32(PARQUET_MAGIC);
  const groups: RowGroup[] = [];
  for (let start = 0; start < data.rows; start += ROWS_PER_GROUP) {
    groups.push(writeGroup(writer, schema, columns, start, Math.min(start + ROWS_PER_GROUP, data.rows)));
  }
  writeFooter(writer, {
    version: 2,
    created_by: 'macrograd',
    schema: [{ name: 'root', num_children: schema.length }, ...schema],
    num_rows: BigInt(data.rows),
    row_groups: groups,
    key_value_metadata: [
      { key: 'macrograd.table', value: name },
      { key: 'macrograd.schema_version', value: String(tableSchemaVersion) },
    ],
  });
  writer.finish();
}

function writeGroup(
  writer: FileWriter,
  schema: readonly SchemaElement[],
  columns: readonly AnyColumn[],
  start: number,
  end: number,
): RowGroup {
  const chunks = columns.map((column, i) => writeChunk(writer, schema[i], column, start, end));
  const bytes = chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n);
  return { columns: chunks, total_byte_size: bytes, num_rows: BigInt(end - start) };
}

function checkedColumns<N extends TableName>(name: N, data: TableData<N>): readonly AnyColumn[] {
  const columns = data.columns as unknown as Readonly<Record<string, AnyColumn>>;
  return columnsOf(name).map(([column]) => {
    const values = columns[column];
    if (values === undefined) throw new ArgumentError(`table ${name} has no column "${column}"`);
    const length = 'kind' in values ? values.codes.length : values.length;
    if (length !== data.rows) {
      throw new ArgumentError(`column "${column}" of ${name} has ${length} entries, the table ${data.rows} rows`);
    }
    return values;
  });
}

const physicalTypes: Readonly<Record<ColumnType, Omit<SchemaElement, 'name'>>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  double: { type: 'DOUBLE' },
  int: { type: 'INT32' },
  date: { type: 'INT32', converted_type: 'DATE' },
  boolean: { type: 'BOOLEAN' },
};

function columnElements(name: TableName): SchemaElement[] {
  return columnsOf(name).map(([column, spec]) => ({
    name: column,
    ...physicalTypes[spec.type],
    repetition_type: spec.nullable ? 'OPTIONAL' : 'REQUIRED',
  }));
}
