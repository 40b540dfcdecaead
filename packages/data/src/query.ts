import type { DuckDBConnection, DuckDBDateValue } from '@duckdb/node-api';
import type { DayNumber } from '@macrograd/core';
import { type Cell, readNumber } from './cells.js';
import { identifier, LOCKED, runQuery, withDuckDb } from './database.js';
import { dateStyle, readDate, slashOrder } from './dates.js';
import type { Grid } from './grid.js';
import { checkHeader, checkWidths, cleanName } from './header.js';
import type { ReadOptions } from './spec.js';

/** Name of the file's table in a query. */
const TABLE = 'data';

/** Rows of a query on a Parquet file, of which DuckDB reads what the query needs. */
export async function queryParquet(path: string, file: string, sql: string): Promise<Grid> {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  return withDuckDb(':memory:', {}, file, async (connection) => {
    await connection.run(`SET allowed_paths = [${text(path)}]`);
    for (const [name, value] of Object.entries(LOCKED)) await connection.run(`SET ${name} = ${value}`);
    await connection.run(`CREATE VIEW ${TABLE} AS FROM read_parquet(${text(path)})`);
    return runQuery(connection, sql, file);
  });
}

/**
 * Rows of a query on a file that was read already. Columns whose cells are all dates or all numbers, or missing, have
 * these types; others are text.
 */
export async function queryGrid(grid: Grid, sql: string, options: ReadOptions): Promise<Grid> {
  const names = grid.rows[0].map(cleanName);
  checkHeader({ grid, options, notes: [] }, 0, names, -1);
  checkWidths(grid, names.length, 1, grid.rows.length);
  return withDuckDb(':memory:', LOCKED, grid.file, async (connection) => {
    await fillTable(connection, names, grid, options);
    return runQuery(connection, sql, grid.file);
  });
}

type Typed =
  | { readonly type: 'DATE'; readonly values: readonly (DayNumber | null)[] }
  | { readonly type: 'DOUBLE'; readonly values: readonly (number | null)[] }
  | { readonly type: 'VARCHAR'; readonly values: readonly (string | null)[] };

async function fillTable(connection: DuckDBConnection, names: readonly string[], grid: Grid, options: ReadOptions) {
  const duckdb = await import('@duckdb/node-api');
  const columns = names.map((_, column) => typedColumn(grid, column, options));
  const types = columns.map(({ type }, i) => `${identifier(names[i])} ${type}`);
  await connection.run(`CREATE TABLE ${TABLE} (${types.join(', ')})`);
  const appender = await connection.createAppender(TABLE);
  const dates = new Map<DayNumber, DuckDBDateValue>();
  const dateOf = (day: DayNumber) => {
    const date = dates.get(day) ?? new duckdb.DuckDBDateValue(day);
    dates.set(day, date);
    return date;
  };
  for (let row = 0; row + 1 < grid.rows.length; row++) {
    for (const { type, values } of columns) {
      const value = values[row];
      if (value === null) appender.appendNull();
      else if (type === 'DATE') appender.appendDate(dateOf(value as DayNumber));
      else if (type === 'DOUBLE') appender.appendDouble(value as number);
      else appender.appendVarchar(value as string);
    }
    appender.endRow();
  }
  appender.closeSync();
}

function typedColumn(grid: Grid, column: number, options: ReadOptions): Typed {
  const cells = grid.rows.slice(1).map((row) => row[column]);
  const dates = asDates(cells, options);
  if (dates !== undefined) return { type: 'DATE', values: dates };
  const numbers = asNumbers(cells, grid.decimal);
  if (numbers !== undefined) return { type: 'DOUBLE', values: numbers };
  return { type: 'VARCHAR', values: cells.map((cell) => (String(cell).trim() === '' ? null : String(cell))) };
}

/** Numbers where every cell is one or missing. */
function asNumbers(cells: readonly Cell[], decimal: Grid['decimal']): (number | null)[] | undefined {
  const numbers: (number | null)[] = [];
  for (const cell of cells) {
    const value = readNumber(cell, decimal);
    if (typeof value !== 'number') return undefined;
    numbers.push(Number.isNaN(value) ? null : value);
  }
  return numbers;
}

/** Days where every cell that is not empty is a date of one style, and numbers alone would not do as well. */
function asDates(cells: readonly Cell[], options: ReadOptions): (DayNumber | null)[] | undefined {
  const first = cells.find((cell) => String(cell).trim() !== '');
  let style = first === undefined ? undefined : dateStyle(first);
  if (style === undefined || /^Y+(?:M+D*|Q)?$/.test(style)) return undefined;
  if (style === 'MM/DD/YYYY') {
    const found = slashOrder(cells);
    const order = options.dateOrder ?? (found === 'ambiguous' ? undefined : found.order);
    if (order === undefined) return undefined;
    style = order === 'mdy' ? 'MM/DD/YYYY' : 'DD/MM/YYYY';
  }
  const days: (DayNumber | null)[] = [];
  const known = new Map<Cell, DayNumber | null>();
  for (const cell of cells) {
    const seen = known.get(cell);
    const day = seen === undefined ? (String(cell).trim() === '' ? null : readDate(cell, style)) : seen;
    if (day !== null && typeof day !== 'number') return undefined;
    known.set(cell, day);
    days.push(day);
  }
  return days;
}
