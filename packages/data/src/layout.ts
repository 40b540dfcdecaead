import { type DayNumber, InputError } from '@macrograd/core';
import { type Cell, type CellProblem, type DateStyle, dateStyle, quoted, readDate, readNumber } from './cells.js';
import type { Grid } from './grid.js';

/** Columns as they lie in a file, in the file's row order. */
export interface RawSeries {
  readonly name: string;
  readonly days: Int32Array;
  readonly values: Float64Array;
  /** Grid row of each value. */
  readonly rows: Int32Array;
}

const DATE_NAMES = /^(?:date|dates|day|month|period|time|sasdate|observation_date|)$/i;
const SERIES_NAMES = /^(?:series|series_id|name|asset|ticker|symbol|variable)$/i;
const VALUE_NAMES = /^(?:value|close|price|return|ret)$/i;

/** Positions of the three columns of a long table, or undefined when the header isn't that of one. */
export interface LongColumns {
  readonly date: number;
  readonly series: number;
  readonly value: number;
}

/** Looks for the columns of a long table in a header. */
export function findLongColumns(header: readonly Cell[]): LongColumns | undefined {
  const find = (pattern: RegExp) => header.findIndex((name) => pattern.test(String(name).trim()));
  const found = { date: find(DATE_NAMES), series: find(SERIES_NAMES), value: find(VALUE_NAMES) };
  return Object.values(found).every((position) => position >= 0) ? found : undefined;
}

/** Reads one series a column from the rows firstRow <= row < endRow; `sentinels` are numbers that mean missing. */
export function readWide(
  grid: Grid,
  firstRow: number,
  endRow = grid.rows.length,
  options: { headerRow?: number; sentinels?: readonly number[] } = {},
): RawSeries[] {
  const headerRow = options.headerRow ?? 0;
  const header = grid.rows[headerRow].map((cell) => String(cell).trim().normalize('NFC'));
  const dateColumn = findDateColumn(grid, header, firstRow);
  checkHeader(grid, headerRow, header, dateColumn);
  checkWidths(grid, header.length, firstRow, endRow);
  const days = readDates(grid, dateColumn, firstRow, endRow);
  const rows = Int32Array.from({ length: endRow - firstRow }, (_, i) => firstRow + i);
  return header.flatMap((name, column) => {
    if (column === dateColumn) return [];
    const values = new Float64Array(rows.length);
    for (let i = 0; i < values.length; i++) {
      const value = numberAt(grid, firstRow + i, column);
      values[i] = options.sentinels?.includes(value) ? Number.NaN : value;
    }
    return [{ name, days, values, rows }];
  });
}

/** Reads a table of one value a row: date, series, value. */
export function readLong(grid: Grid, columns: LongColumns): RawSeries[] {
  checkWidths(grid, grid.rows[0].length, 1, grid.rows.length);
  const days = readDates(grid, columns.date, 1, grid.rows.length);
  const groups = new Map<string, number[]>();
  for (let row = 1; row < grid.rows.length; row++) {
    const name = String(grid.rows[row][columns.series]).trim().normalize('NFC');
    if (name === '') refuse(grid, row, columns.series, { problem: 'this row names no series', remedy: 'name it' });
    const group = groups.get(name);
    if (group) group.push(row);
    else groups.set(name, [row]);
  }
  return [...groups].map(([name, rows]) => ({
    name,
    days: Int32Array.from(rows, (row) => days[row - 1]),
    values: Float64Array.from(rows, (row) => numberAt(grid, row, columns.value)),
    rows: Int32Array.from(rows),
  }));
}

function numberAt(grid: Grid, row: number, column: number): number {
  const value = readNumber(grid.rows[row][column]);
  return typeof value === 'number' ? value : refuse(grid, row, column, value);
}

function refuse(grid: Grid, row: number, column: number, { problem, remedy }: CellProblem): never {
  throw new InputError(problem, { place: grid.place(row, column), remedy });
}

/** The column called date (or month, period, ...), else the first one if its first cell is a date. */
function findDateColumn(grid: Grid, header: readonly string[], firstRow: number): number {
  const named = header.findIndex((name) => DATE_NAMES.test(name));
  if (named >= 0) return named;
  if (firstRow < grid.rows.length && dateStyle(grid.rows[firstRow][0]) !== undefined) return 0;
  throw new InputError('there is no date column', {
    place: grid.place(0, 0),
    remedy: 'name the column of dates "date"',
  });
}

function checkHeader(grid: Grid, headerRow: number, header: readonly string[], dateColumn: number): void {
  const seen = new Map<string, number>();
  header.forEach((name, column) => {
    if (column === dateColumn) return;
    if (name === '') refuse(grid, headerRow, column, { problem: 'this column has no name', remedy: 'name or drop it' });
    const before = seen.get(name);
    if (before !== undefined) {
      const problem = `column ${column + 1} is called ${quoted(name)} like column ${before + 1}`;
      refuse(grid, headerRow, column, { problem, remedy: 'give every column a name of its own' });
    }
    seen.set(name, column);
  });
  if (seen.size === 0) {
    const remedy = 'give a column for every series; cells are separated by comma, tab, semicolon or bar';
    refuse(grid, headerRow, 0, { problem: 'there is no column beside the dates', remedy });
  }
}

function checkWidths(grid: Grid, width: number, firstRow: number, endRow: number): void {
  if (firstRow >= endRow) {
    throw new InputError('there is a header and no row of data', {
      place: grid.place(grid.rows.length - 1),
      remedy: 'add rows of data',
    });
  }
  for (let row = firstRow; row < endRow; row++) {
    const cells = grid.rows[row].length;
    if (cells === width) continue;
    const problem = `this row has ${cells} ${cells === 1 ? 'cell' : 'cells'}, the header has ${width}`;
    const remedy = cells < width ? 'write every cell, empty where missing' : 'quote cells that contain the separator';
    refuse(grid, row, Math.min(cells, width), { problem, remedy });
  }
}

function readDates(grid: Grid, column: number, firstRow: number, endRow: number): Int32Array {
  const style = dateStyle(grid.rows[firstRow][column]);
  const known = new Map<Cell, DayNumber>();
  const days = new Int32Array(endRow - firstRow);
  for (let row = firstRow; row < endRow; row++) {
    const cell = grid.rows[row][column];
    let day = known.get(cell);
    if (day === undefined) {
      day = dateAt(grid, row, column, style);
      known.set(cell, day);
    }
    days[row - firstRow] = day;
  }
  return days;
}

function dateAt(grid: Grid, row: number, column: number, style: DateStyle | undefined): DayNumber {
  const cell = grid.rows[row][column];
  if (style === undefined) {
    const remedy = 'write dates as YYYY-MM-DD or YYYY-MM';
    return refuse(grid, row, column, { problem: `${quoted(String(cell))} is not a date`, remedy });
  }
  const day = readDate(cell, style);
  return typeof day === 'number' ? day : refuse(grid, row, column, day);
}
