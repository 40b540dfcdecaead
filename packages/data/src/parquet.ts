import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { InputError } from '@macrograd/core';
import {
  type Compressors,
  type FileMetaData,
  parquetMetadata,
  parquetRead,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { gridOfColumns, refuseHugeTable, type TypedColumn } from './columnar.js';
import type { Grid } from './grid.js';
import { unpackLz4Block } from './lz4.js';
import { LARGEST_FILE } from './unpack.js';
import { unpackZstd } from './zstd.js';

const COMPRESSORS: Compressors = {
  GZIP: (input) => gunzipSync(input, { maxOutputLength: LARGEST_FILE }),
  BROTLI: (input) => brotliDecompressSync(input, { maxOutputLength: LARGEST_FILE }),
  ZSTD: unpackZstd,
  LZ4_RAW: unpackLz4Block,
};

/** The library walks through the whole schema for every column that it reads: in parts, the work grows with the columns. */
const COLUMNS_AT_ONCE = 50;

/** Rows of a Parquet file behind a header row of its column names; the place of a cell is its row and column, from 1. */
export async function readParquet(bytes: Buffer, file: string): Promise<Grid> {
  const buffer = new Uint8Array(bytes).buffer;
  try {
    const metadata = parquetMetadata(buffer);
    const { children } = parquetSchema(metadata);
    refuseHugeTable(file, Number(metadata.num_rows), children.length);
    const columns: TypedColumn[] = [];
    for (let first = 0; first < children.length; first += COLUMNS_AT_ONCE) {
      columns.push(...(await readColumns(buffer, metadata, children.slice(first, first + COLUMNS_AT_ONCE))));
    }
    return gridOfColumns(file, columns);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`this Parquet file can't be read (${reason})`, {
      place: { file },
      remedy: 'write it again, with snappy, zstd or no compression',
      cause,
    });
  }
}

/** Values of some top-level columns, read as if the file had no others. */
async function readColumns(
  file: ArrayBuffer,
  metadata: FileMetaData,
  children: readonly SchemaTree[],
): Promise<TypedColumn[]> {
  const columns = children.map(({ element }) => ({ name: element.name, values: new Array(Number(metadata.num_rows)) }));
  const valuesOf = new Map(columns.map(({ name, values }) => [name, values]));
  await parquetRead({
    file,
    metadata: partOf(metadata, children),
    compressors: COMPRESSORS,
    onChunk: ({ columnName, columnData, rowStart }) => {
      const values = valuesOf.get(columnName) ?? [];
      for (let i = 0; i < columnData.length; i++) values[rowStart + i] = columnData[i];
    },
  });
  return columns;
}

function partOf(metadata: FileMetaData, children: readonly SchemaTree[]): FileMetaData {
  const names = new Set(children.map(({ element }) => element.name));
  const elements = ({ element, children: below }: SchemaTree): SchemaTree['element'][] => [
    element,
    ...below.flatMap(elements),
  ];
  return {
    ...metadata,
    schema: [{ ...metadata.schema[0], num_children: children.length }, ...children.flatMap(elements)],
    row_groups: metadata.row_groups.map((group) => ({
      ...group,
      columns: group.columns.filter(({ meta_data }) => names.has(meta_data?.path_in_schema[0] ?? '')),
    })),
  };
}
