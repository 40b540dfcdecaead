import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { InputError } from '@macrograd/core';
import { type Compressors, parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { Cell } from './cells.js';
import type { Grid } from './grid.js';
import { LARGEST_FILE } from './unpack.js';

const COMPRESSORS: Compressors = {
  GZIP: (input) => gunzipSync(input, { maxOutputLength: LARGEST_FILE }),
  BROTLI: (input) => brotliDecompressSync(input, { maxOutputLength: LARGEST_FILE }),
};

/** Cells of one file beyond which it is not read: 2 GiB of numbers in memory. */
const MOST_CELLS = 2 ** 28;

/** Rows of a Parquet file behind a header row of its column names; the place of a cell is its row, from 1. */
export async function readParquet(bytes: Buffer, file: string): Promise<Grid> {
  const buffer = new Uint8Array(bytes).buffer;
  try {
    const metadata = parquetMetadata(buffer);
    const header = parquetSchema(metadata).children.map((child) => child.element.name);
    if (Number(metadata.num_rows) * header.length > MOST_CELLS) throw new Error('it says that it has too many cells');
    const objects = await parquetReadObjects({ file: buffer, metadata, compressors: COMPRESSORS });
    const rows: Cell[][] = objects.map((row) => header.map((name) => toCell(row[name])));
    const lines = [0, ...rows.map((_, index) => index + 1)];
    const place = (row: number) => ({ file, line: lines[row] });
    return { file, rows: [header, ...rows], lines, blankRows: 0, place };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`this Parquet file can't be read (${reason})`, {
      place: { file },
      remedy: 'write it again, with snappy, gzip, brotli or no compression',
      cause,
    });
  }
}

function toCell(value: unknown): Cell {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString().replace('T00:00:00.000Z', '');
  return String(value);
}
