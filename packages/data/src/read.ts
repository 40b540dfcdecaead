import { InputError } from '@macrograd/core';
import { SeriesBuilder } from './axis.js';
import { type Cell, readNumber } from './cells.js';
import { readOrigin } from './fetch/origin.js';
import { looksFrench, readFrench } from './french.js';
import type { Grid, Reading } from './grid.js';
import { cleanName } from './header.js';
import { chooseLongColumns, findLongColumns, looksLong, type RawSeries, readLong, readWide } from './layout.js';
import { readCells } from './source.js';
import type { ReadOptions, TableFormat } from './spec.js';
import type { Series, Table } from './table.js';

/**
 * Reads a csv, tsv (both also in gzip or zip) or Parquet file of numbers by date.
 *
 * Dates are relabelled to the end of their period; rows in any order are sorted by date. A column observed on fewer
 * dates than its table (quarterly values among monthly ones) gets its own, lower frequency. Empty cells, `.`, `NA`,
 * `N/A`, `NaN` and `null` are missing. What was inferred rather than plain to see stands in the table's notes.
 *
 * @throws InputError with file, line and column: missing or empty file, header only, ragged rows, text in a number
 * column, infinite values, dates that are unreadable, mixed, ambiguous or twice there, columns without a name or with the
 * same one, archives that unpack beyond all measure.
 *
 * @example
 * const table = await readTable('macro.csv');
 * table.series.get('GS10')?.frequency; // 'M'
 * @example
 * await readTable('49_Industry_Portfolios.csv.zip', { format: 'french', table: 'Equal Weighted Returns -- Monthly' });
 */
export async function readTable(file: string, options: ReadOptions = {}): Promise<Table> {
  const { grid, sha256 } = await readCells(file, options);
  if (grid.rows.length === 0) {
    throw new InputError('this file has blank lines only', { place: { file }, remedy: 'give a header row and data' });
  }
  const { format = 'auto' } = options;
  const layout = format === 'auto' ? detectLayout(grid, options.value) : format;
  refuseIdleKeys(grid, options, layout);
  const reading: Reading = { grid, options, notes: [...(grid.notes ?? [])] };
  const { raw, codes } = readLayout(reading, layout);
  const builder = new SeriesBuilder(grid, raw);
  const series = raw.map((column) => builder.build(column));
  const notes = [...reading.notes, ...builder.notes, ...emptyAndConstant(series)];
  if (grid.blankRows > 0 && layout !== 'french') notes.push(`${grid.blankRows} blank rows left out`);
  const origin = await readOrigin(file);
  const isIntact = origin?.sha256 === sha256;
  if (origin && !isIntact) notes.push(`this file was changed since it was fetched from ${origin.url}`);
  const byName = new Map(series.map((one) => [one.name, one]));
  const table = { file, format: layout, sha256, series: byName, transformCodes: codes, notes };
  return origin && isIntact ? { ...table, origin } : table;
}

/** Options that would choose something which the file does not have. */
function refuseIdleKeys(grid: Grid, { table, value }: ReadOptions, layout: Layout): void {
  const refuse = (problem: string, key: string) => {
    const remedy = `leave \`${key}\` out`;
    throw new InputError(problem, { place: { file: grid.file }, remedy, code: 'bad_config' });
  };
  if (table !== undefined && layout !== 'french' && !grid.isDatabase) {
    refuse('this file has no tables to choose from', 'table');
  }
  if (value !== undefined && layout !== 'long') refuse('a table that is not long has no column of values', 'value');
}

type Layout = Exclude<TableFormat, 'auto'>;

function detectLayout(grid: Grid, value: string | undefined): Layout {
  const first = (row: number) => String(grid.rows[row]?.[0] ?? '').trim();
  if (/^sasdate$/i.test(first(0))) return /^factors$/i.test(first(1)) ? 'fredqd' : 'fredmd';
  if (value !== undefined || findLongColumns(grid.rows[0])) return 'long';
  if (looksGoyalWelch(grid)) return 'goyal_welch';
  return looksFrench(grid) ? 'french' : 'wide';
}

/** Amit Goyal and Ivo Welch's predictors of the equity premium, by month, quarter or year. */
function looksGoyalWelch({ rows }: Grid): boolean {
  const header = rows[0].map((cell) => String(cell).trim());
  return /^yyyy(?:mm|q)?$/i.test(header[0]) && ['D12', 'E12', 'tbl'].every((name) => header.includes(name));
}

/** Their index levels have commas between thousands. */
function withoutThousands(grid: Grid): Grid {
  const isGrouped = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
  const plain = (cell: Cell) => (isGrouped.test(String(cell).trim()) ? String(cell).replaceAll(',', '') : cell);
  return { ...grid, rows: grid.rows.map((row) => row.map(plain)) };
}

interface RawTable {
  readonly raw: readonly RawSeries[];
  readonly codes: ReadonlyMap<string, number>;
}

function readLayout(reading: Reading, layout: Layout): RawTable {
  const codes = new Map<string, number>();
  const { grid } = reading;
  switch (layout) {
    case 'wide':
      refuseUnnamedSeries(grid);
      return { raw: readWide(reading, { firstRow: 1 }), codes };
    case 'long':
      return { raw: readLong(reading, chooseLongColumns(reading)), codes };
    case 'fredmd':
      return readFred(reading, 1);
    case 'fredqd':
      return readFred(reading, 2);
    case 'french':
      return { raw: readFrench(reading), codes };
    case 'goyal_welch':
      return { raw: readWide({ ...reading, grid: withoutThousands(grid) }, { firstRow: 1 }), codes };
  }
}

function refuseUnnamedSeries(grid: Grid): void {
  if (!looksLong(grid)) return;
  throw new InputError('this looks like a long table in which no column is called "series"', {
    place: grid.place(0),
    remedy: 'name its columns date, series and value; for other names take `sql`, as SELECT ... AS series',
  });
}

/** FRED-MD and FRED-QD: a wide table with a row of transformation codes between header and data, dates month first. */
function readFred(reading: Reading, codeRow: number): RawTable {
  const { grid, options } = reading;
  const codes = new Map<string, number>();
  grid.rows[codeRow]?.forEach((cell, column) => {
    const code = column === 0 ? Number.NaN : readNumber(cell);
    if (typeof code === 'number' && Number.isInteger(code) && code >= 1 && code <= 7) {
      codes.set(cleanName(grid.rows[0][column]), code);
    }
  });
  if (codes.size === 0) {
    throw new InputError('there is no row of transformation codes (1 to 7)', {
      place: { file: grid.file, line: codeRow + 1 },
      remedy: 'give the file as the Federal Reserve Bank of St. Louis publishes it, or say `format: wide`',
    });
  }
  const monthFirst: Reading = { ...reading, options: { ...options, dateOrder: options.dateOrder ?? 'mdy' } };
  return { raw: readWide(monthFirst, { firstRow: codeRow + 1 }), codes };
}

/** Columns that hold nothing, or one number throughout, told since no exposure can be estimated on them. */
function emptyAndConstant(series: readonly Series[]): string[] {
  const empty = series.filter(({ values }) => values.every(Number.isNaN)).map(({ name }) => name);
  const constant = series.filter(({ values }) => isConstant(values)).map(({ name }) => name);
  return [
    ...(empty.length > 0 ? [`${some(empty)} without any value`] : []),
    ...(constant.length > 0 ? [`${some(constant)} with the same value throughout`] : []),
  ];
}

function isConstant(values: Float64Array): boolean {
  const first = values.find((value) => !Number.isNaN(value));
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    if (value !== first) return false;
    count++;
  }
  return count > 1;
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 6).join(', ');
  return `${names.length === 1 ? 'a column' : `${names.length} columns`} (${shown}${names.length > 6 ? ', ...' : ''})`;
}
