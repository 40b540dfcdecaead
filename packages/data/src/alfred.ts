import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type DayNumber, InputError, parseIsoDate } from '@macrograd/core';
import { SeriesBuilder } from './axis.js';
import { quoted, readNumber } from './cells.js';
import { readOrigin } from './fetch/origin.js';
import { type Grid, refuse } from './grid.js';
import { readCells } from './source.js';
import type { Table } from './table.js';
import type { Edition } from './vintages.js';

/** Header of a file of all vintages, as `macrograd fetch alfred:SERIES` writes it. */
const HEADER = 'date,realtime_start,realtime_end,value';

/** One value and the days from and to which it stood. */
interface Published {
  readonly row: number;
  readonly date: DayNumber;
  readonly from: DayNumber;
  readonly to: DayNumber;
  readonly value: number;
}

/**
 * Reads a file of all vintages of one series; undefined where the file is no such one. The series has the name before
 * the file's first dot.
 *
 * @throws InputError for cells that can't be read
 */
export async function readAlfred(file: string): Promise<Edition<Table>[] | undefined> {
  if (!(await hasHeader(file))) return undefined;
  const { grid, sha256 } = await readCells(file, {});
  const origin = await readOrigin(file);
  const values = grid.rows.slice(1).map((_, i) => readRow(grid, i + 1));
  if (values.length === 0)
    throw new InputError('there is a header and no row of data', { place: { file }, remedy: 'fetch it again' });
  const name = basename(file).replace(/\..*$/, '');
  const days = [...new Set(values.map(({ from }) => from))].sort((a, b) => a - b);
  const editions: Edition<Table>[] = [];
  for (const known of days) {
    const content = editionTable(
      grid,
      sha256,
      name,
      values.filter(({ from, to }) => from <= known && known <= to),
    );
    // A frequency needs two dates: the first publications of a new series wait for the second.
    if (content !== undefined)
      editions.push({ known, content: origin?.sha256 === sha256 ? { ...content, origin } : content });
  }
  if (editions.length > 0) return editions;
  throw new InputError('no vintage has two dates', { place: { file }, remedy: 'fetch a longer series' });
}

async function hasHeader(file: string): Promise<boolean> {
  if (!(await stat(file).catch(() => undefined))?.isFile()) return false;
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER.length + 1), 0, HEADER.length + 1, 0);
    return (
      /^[\r\n]$/.test(buffer.toString('latin1', HEADER.length, bytesRead)) &&
      buffer.toString('latin1').startsWith(HEADER)
    );
  } finally {
    await handle.close();
  }
}

function readRow(grid: Grid, row: number): Published {
  const cells = grid.rows[row];
  const value = readNumber(cells[3] ?? '');
  if (cells.length !== 4 || typeof value !== 'number') {
    return refuse(grid, row, 3, { problem: 'this row is no value with its days', remedy: 'fetch the file again' });
  }
  return { row, date: dayAt(grid, row, 0), from: dayAt(grid, row, 1), to: dayAt(grid, row, 2), value };
}

function dayAt(grid: Grid, row: number, column: number): DayNumber {
  const text = String(grid.rows[row][column]).trim();
  try {
    return parseIsoDate(text);
  } catch {
    return refuse(grid, row, column, { problem: `${quoted(text)} is not a day`, remedy: 'write YYYY-MM-DD' });
  }
}

function editionTable(grid: Grid, sha256: string, name: string, values: readonly Published[]): Table | undefined {
  if (new Set(values.map(({ date }) => date)).size < 2) return undefined;
  const raw = {
    name,
    days: Int32Array.from(values, ({ date }) => date),
    values: Float64Array.from(values, ({ value }) => value),
    rows: Int32Array.from(values, ({ row }) => row),
  };
  const series = new Map([[name, new SeriesBuilder(grid, [raw]).build(raw)]]);
  return { file: grid.file, format: 'long', sha256, series, transformCodes: new Map(), notes: [] };
}
