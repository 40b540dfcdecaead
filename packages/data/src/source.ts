import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { InputError } from '@macrograd/core';
import { type Compressors, parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { Cell } from './cells.js';
import { readGrid } from './delimited.js';
import type { Grid } from './grid.js';

/** Largest file after decompression: 2 GiB, beyond which one string can't hold it anyway. */
const LARGEST_FILE = 2 ** 31 - 1;

/** Longest text that Node can hold in one string. */
const LARGEST_TEXT = 2 ** 29 - 24;

/** Reads a file as cells: Parquet by its first bytes, everything else as delimited text, unpacked where it is gzip. */
export async function readCells(file: string): Promise<{ grid: Grid; sha256: string }> {
  const bytes = await readBytes(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const content = bytes[0] === 0x1f && bytes[1] === 0x8b ? unpack(bytes, file) : bytes;
  const isParquet = content.subarray(0, 4).toString('latin1') === 'PAR1';
  const grid = isParquet ? await readParquet(content, file) : readGrid(decode(content, file), file);
  return { grid, sha256 };
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > 0) return bytes;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') {
      throw new InputError('this file does not exist', { place: { file }, remedy: 'check the path', cause });
    }
    if (code === 'EISDIR') throw new InputError('this is a folder', { place: { file }, remedy: 'name a file', cause });
    throw new InputError(`this file can't be read (${code})`, { place: { file }, remedy: 'check its rights', cause });
  }
  throw new InputError('this file is empty', { place: { file }, remedy: 'give a header row and rows of data' });
}

function unpack(bytes: Buffer, file: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: LARGEST_FILE });
  } catch (cause) {
    throw new InputError('this gzip file is damaged or unpacks to more than 2 GiB', {
      place: { file },
      remedy: 'unpack it, or split it',
      cause,
    });
  }
}

/** UTF-8 text without byte order mark; other encodings are refused, never guessed. */
function decode(bytes: Buffer, file: string): string {
  const place = { file };
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) throw new InputError('this file is UTF-16', { place, remedy: 'save it as UTF-8' });
  if (bytes.includes(0)) {
    throw new InputError('this file holds NUL bytes: it is not text', { place, remedy: 'give csv, tsv or Parquet' });
  }
  if (bytes.length > LARGEST_TEXT) {
    throw new InputError('this text file is larger than 512 MiB', { place, remedy: 'convert it to Parquet' });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError('this file is not UTF-8', { place, remedy: 'save it as UTF-8', cause });
  }
}

const COMPRESSORS: Compressors = {
  GZIP: (input) => gunzipSync(input, { maxOutputLength: LARGEST_FILE }),
  BROTLI: (input) => brotliDecompressSync(input, { maxOutputLength: LARGEST_FILE }),
};

/** Rows of a Parquet file behind a header row of its column names; the place of a cell is its row, from 1. */
async function readParquet(bytes: Buffer, file: string): Promise<Grid> {
  const buffer = new Uint8Array(bytes).buffer;
  try {
    const metadata = parquetMetadata(buffer);
    const header = parquetSchema(metadata).children.map((child) => child.element.name);
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
