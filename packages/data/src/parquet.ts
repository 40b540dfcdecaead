import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { InputError } from '@macrograd/core';
import { type Compressors, parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { gridOfColumns, refuseHugeTable } from './columnar.js';
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

/** Rows of a Parquet file behind a header row of its column names; the place of a cell is its row and column, from 1. */
export async function readParquet(bytes: Buffer, file: string): Promise<Grid> {
  const buffer = new Uint8Array(bytes).buffer;
  try {
    const metadata = parquetMetadata(buffer);
    const header = parquetSchema(metadata).children.map((child) => child.element.name);
    refuseHugeTable(file, Number(metadata.num_rows), header.length);
    const objects = await parquetReadObjects({ file: buffer, metadata, compressors: COMPRESSORS });
    return gridOfColumns(
      file,
      header.map((name) => ({ name, values: objects.map((row) => row[name]) })),
    );
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
