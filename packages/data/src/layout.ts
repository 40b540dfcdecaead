import type { Cell } from './cells.js';
import { readDates, readNumbers } from './columns.js';
import { type Reading, refuse } from './grid.js';
import { checkHeader, checkWidths, cleanName, DATE_NAMES, findDateColumn, nameProblem } from './header.js';

/** Columns as they lie in a file, in the file's row order. */
export interface RawSeries {
  readonly name: string;
  readonly days: Int32Array;
  readonly values: Float64Array;
  /** Grid row of each value. */
  readonly rows: Int32Array;
}

const SERIES_NAMES = /^(?:series|series_id|name|asset|ticker|symbol|permno|variable)$/i;
const VALUE_NAMES = /^(?:value|close|adj_close|price|return|ret)$/i;

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

/** Where a wide table lies in its grid. */
export interface WideTable {
  /** Default 0. */
  readonly headerRow?: number;
  readonly firstRow: number;
  /** Default: to the end. */
  readonly endRow?: number;
}

/** Reads one series a column from the rows firstRow <= row < endRow. */
export function readWide(reading: Reading, { headerRow = 0, firstRow, endRow }: WideTable): RawSeries[] {
  const { grid } = reading;
  const end = endRow ?? grid.rows.length;
  const names = grid.rows[headerRow].map(cleanName);
  const dateColumn = findDateColumn(grid, headerRow, firstRow);
  checkHeader(reading, headerRow, names, dateColumn);
  checkWidths(grid, names.length, firstRow, end);
  const days = readDates(reading, dateColumn, firstRow, end);
  const rows = Int32Array.from({ length: end - firstRow }, (_, i) => firstRow + i);
  const columns = [...names.keys()].filter((column) => column !== dateColumn);
  return readNumbers(reading, columns, rows).map((values, j) => ({ name: names[columns[j]], days, values, rows }));
}

/** Reads a table of one value a row: date, series, value. */
export function readLong(reading: Reading, columns: LongColumns): RawSeries[] {
  const { grid } = reading;
  checkWidths(grid, grid.rows[0].length, 1, grid.rows.length);
  const days = readDates(reading, columns.date, 1, grid.rows.length);
  return [...groupRows(reading, columns.series)].map(([name, group]) => {
    const rows = Int32Array.from(group);
    const [values] = readNumbers(reading, [columns.value], rows);
    return { name, days: rows.map((row) => days[row - 1]), values, rows };
  });
}

/** Rows of every series of a long table, in the order in which the series first appear. */
function groupRows({ grid }: Reading, column: number): Map<string, number[]> {
  const groups = new Map<Cell, number[]>();
  const named = new Map<string, number[]>();
  for (let row = 1; row < grid.rows.length; row++) {
    const cell = grid.rows[row][column];
    let group = groups.get(cell);
    if (group === undefined) {
      const name = cleanName(cell);
      if (name === '') refuse(grid, row, column, { problem: 'this row names no series', remedy: 'name it' });
      const wrong = nameProblem(name);
      if (wrong) refuse(grid, row, column, wrong);
      group = named.get(name) ?? [];
      named.set(name, group);
      groups.set(cell, group);
    }
    group.push(row);
  }
  return named;
}
