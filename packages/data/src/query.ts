import type { DuckDBConnection } from '@duckdb/node-api';
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
  const { DuckDBDateValue } = await import('@duckdb/node-api');
  const columns = names.map((_, column) => typedColumn(grid, column, options));
  const types = columns.map(({ type }, i) => `${identifier(names[i])} ${type}`);
  await connection.run(`CREATE TABLE ${TABLE} (${types.join(', ')})`);
  const appender = await connection.createAppender(TABLE);
  for (let row = 0; row + 1 < grid.rows.length; row++) {
    for (const { type, values } of columns) {
      const value = values[row];
      if (value === null) appender.appendNull();
      else if (type === 'DATE') appender.appendDate(new DuckDBDateValue(value as DayNumber));
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
  const numbers = cells.map((cell) => readNumber(cell, grid.decimal));
  if (numbers.every((value) => typeof value === 'number')) {
    return { type: 'DOUBLE', values: numbers.map((value) => (Number.isNaN(value) ? null : value)) };
  }
  return { type: 'VARCHAR', values: cells.map((cell) => (String(cell).trim() === '' ? null : String(cell))) };
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
  for (const cell of cells) {
    const day = String(cell).trim() === '' ? null : readDate(cell, style);
    if (day !== null && typeof day !== 'number') return undefined;
    days.push(day);
  }
  return days;
}
