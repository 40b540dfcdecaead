import { type Cell, quoted, readNumber } from './cells.js';
import { readDates, readNumbers } from './columns.js';
import { dateStyle } from './dates.js';
import { type Grid, type Reading, refuse } from './grid.js';
import { checkHeader, checkWidths, cleanName, DATE_NAMES, findDateColumn, nameProblem } from './header.js';
import { listNames } from './table.js';

/** Columns as they lie in a file, in the file's row order. */
export interface RawSeries {
  readonly name: string;
  readonly days: Int32Array;
  readonly values: Float64Array;
  /** Grid row of each value. */
  readonly rows: Int32Array;
}

const SERIES_NAMES = /^(?:series|series_id|name|asset|ticker|symbol|permno|variable)$/i;
const VALUE_NAMES = /^(?:value|obs_value|close|(?:adj|adjusted)[ _]?close|price|return|ret)$/i;

/** Positions of the three columns of a long table, or undefined when the header isn't that of one. */
export interface LongColumns {
  readonly date: number;
  readonly series: number;
  readonly value: number;
}

/** Looks for the columns of a long table in a header; its values are in the declared column, if there is one. */
export function findLongColumns(header: readonly Cell[], value?: string): LongColumns | undefined {
  const names = header.map(cleanName);
  const find = (pattern: RegExp) => names.findIndex((name) => pattern.test(name));
  const found = {
    date: find(DATE_NAMES),
    series: find(SERIES_NAMES),
    value: value === undefined ? find(VALUE_NAMES) : names.indexOf(value),
  };
  return Object.values(found).every((position) => position >= 0) ? found : undefined;
}

/**
 * The columns of a long table, its values in the declared column or in the only one with the name of values. Columns that
 * are passed over are told.
 */
export function chooseLongColumns({ grid, options, notes }: Reading): LongColumns {
  const header = grid.rows[0].map(cleanName);
  const { value } = options;
  const chosen = findLongColumns(header, value);
  const candidates = [...header.keys()].filter((column) => VALUE_NAMES.test(header[column]));
  if (value !== undefined && !header.includes(value)) {
    const problem = `there is no column ${quoted(value)}`;
    return refuse(grid, 0, 0, { problem, remedy: `its columns are ${listNames(header)}` });
  }
  if (chosen === undefined) {
    const remedy = 'name its columns date, series and value';
    return refuse(grid, 0, 0, { problem: 'this is not a long table', remedy });
  }
  if (value === undefined && candidates.length > 1) {
    const names = candidates.map((column) => quoted(header[column])).join(' or ');
    const remedy = `say \`value: ${header[candidates[0]]}\`, or the other`;
    return refuse(grid, 0, candidates[1], { problem: `the values may be ${names}`, remedy });
  }
  const others = header.filter((_, column) => !Object.values(chosen).includes(column));
  if (others.length > 0) notes.push(`values are ${quoted(header[chosen.value])}; left out: ${listNames(others)}`);
  return chosen;
}

/** Whether a table seems long without saying which column names its series: one holds values, another text. */
export function looksLong({ rows }: Grid): boolean {
  const header = rows[0].map(cleanName);
  const isText = (cell: Cell, column: number) =>
    !DATE_NAMES.test(header[column] ?? '') && typeof readNumber(cell) !== 'number' && dateStyle(cell) === undefined;
  return header.some((name) => VALUE_NAMES.test(name)) && rows.slice(1, 3).every((row) => row.some(isText));
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
