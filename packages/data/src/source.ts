import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InputError } from '@macrograd/core';
import { looksArrow, readArrow } from './arrow.js';
import { looksDuckDb, readDatabase } from './database.js';
import { readGrid } from './delimited.js';
import { decodeText } from './encoding.js';
import type { Grid } from './grid.js';
import { readParquet } from './parquet.js';
import { queryGrid, queryParquet } from './query.js';
import type { ReadOptions } from './spec.js';
import { unpack } from './unpack.js';

/**
 * Reads a file as cells, unpacked where it is gzip or zip: DuckDB, Parquet and Arrow by their first bytes, everything
 * else as delimited text; then the query on it, if there is one. What the file is called does not matter.
 */
export async function readCells(file: string, options: ReadOptions): Promise<{ grid: Grid; sha256: string }> {
  if (await startsLikeDuckDb(file)) {
    // A database may be far larger than memory: DuckDB reads of it what it needs.
    const sha256 = await hashOf(file);
    return { grid: await readDatabase(file, file, options), sha256 };
  }
  const bytes = await readBytes(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const content = unpack(bytes, file, options.member);
  if (looksDuckDb(content)) {
    return { grid: await inTemporaryFile(content, (path) => readDatabase(path, file, options)), sha256 };
  }
  const { sql } = options;
  if (sql !== undefined && content === bytes && looksParquet(content)) {
    return { grid: await queryParquet(resolve(file), file, sql), sha256 };
  }
  const grid = await gridOf(content, file, options);
  if (sql === undefined) return { grid, sha256 };
  return { grid: { ...(await queryGrid(grid, sql, options)), notes: grid.notes ?? [] }, sha256 };
}

async function gridOf(content: Buffer, file: string, options: ReadOptions): Promise<Grid> {
  if (looksParquet(content)) return readParquet(content, file);
  if (looksArrow(content)) return readArrow(content, file);
  const { text, note } = decodeText(content, file, options.encoding);
  const grid = readGrid(text, file, options);
  return note === undefined ? grid : { ...grid, notes: [note, ...(grid.notes ?? [])] };
}

function looksParquet(bytes: Buffer): boolean {
  return bytes.subarray(0, 4).toString('latin1') === 'PAR1';
}

async function startsLikeDuckDb(file: string): Promise<boolean> {
  if (!(await stat(file).catch(() => undefined))?.isFile()) return false;
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(12), 0, 12, 0);
    return looksDuckDb(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Gives unpacked bytes to what reads files alone. */
async function inTemporaryFile<T>(content: Buffer, read: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'macrograd-'));
  try {
    const path = join(folder, 'content');
    await writeFile(path, content);
    return await read(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
