import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InputError } from '@macrograd/core';
import { looksArrow, readArrow } from './arrow.js';
import { readGrid } from './delimited.js';
import { decodeText } from './encoding.js';
import type { Grid } from './grid.js';
import { readParquet } from './parquet.js';
import type { ReadOptions } from './spec.js';
import { unpack } from './unpack.js';

/**
 * Reads a file as cells, unpacked where it is gzip or zip: Parquet and Arrow by their first bytes, everything else as delimited text.
 * What the file is called does not matter.
 */
export async function readCells(file: string, options: ReadOptions): Promise<{ grid: Grid; sha256: string }> {
  const bytes = await readBytes(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const content = unpack(bytes, file, options.member);
  const isParquet = content.subarray(0, 4).toString('latin1') === 'PAR1';
  if (isParquet) return { grid: await readParquet(content, file), sha256 };
  if (looksArrow(content)) return { grid: await readArrow(content, file), sha256 };
  return { grid: readGrid(decodeText(content, file, options.encoding), file, options), sha256 };
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
    if (code === 'ERR_FS_FILE_TOO_LARGE') {
      throw new InputError('this file is larger than 2 GiB', { place: { file }, remedy: 'split it', cause });
    }
    throw new InputError(`this file can't be read (${code})`, { place: { file }, remedy: 'check its rights', cause });
  }
  throw new InputError('this file is empty', { place: { file }, remedy: 'give a header row and rows of data' });
}
