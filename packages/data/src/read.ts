import { InputError } from '@macrograd/core';
import { SeriesBuilder } from './axis.js';
import { readNumber } from './cells.js';
import type { Grid } from './grid.js';
import { findLongColumns, type RawSeries, readLong, readWide } from './layout.js';
import { readCells } from './source.js';
import type { TableFormat } from './spec.js';
import type { Table } from './table.js';

/**
 * Reads a csv, tsv (both also gzipped) or Parquet file of numbers by date.
 *
 * Dates are relabelled to the end of their period; rows in any order are sorted by date. A column observed on fewer
 * dates than its table (quarterly values among monthly ones) gets its own, lower frequency. Empty cells, `.`, `NA`,
 * `N/A`, `NaN` and `null` are missing.
 *
 * @throws InputError with file, line and column: missing or empty file, header only, ragged rows, text in a number
 * column, infinite values, dates that are unreadable, mixed or twice there, columns without a name or with the same one.
 *
 * @example
 * const table = await readTable('macro.csv');
 * table.series.get('GS10')?.frequency; // 'M'
 */
export async function readTable(file: string, format: TableFormat = 'auto'): Promise<Table> {
  const { grid, sha256 } = await readCells(file);
  if (grid.rows.length === 0) {
    throw new InputError('this file has blank lines only', { place: { file }, remedy: 'give a header row and data' });
  }
  const layout = format === 'auto' ? detectLayout(grid) : format;
  const { raw, codes } = readLayout(grid, layout);
  const builder = new SeriesBuilder(grid, raw);
  const series = raw.map((column) => builder.build(column));
  const notes = builder.notes;
  if (grid.blankRows > 0 && layout !== 'french') notes.push(`${grid.blankRows} blank rows left out`);
  return {
    file,
    format: layout,
    sha256,
    series: new Map(series.map((one) => [one.name, one])),
    transformCodes: codes,
    notes,
  };
}

type Layout = Exclude<TableFormat, 'auto'>;

function detectLayout(grid: Grid): Layout {
  const first = (row: number) => String(grid.rows[row]?.[0] ?? '').trim();
  if (/^sasdate$/i.test(first(0))) return /^factors$/i.test(first(1)) ? 'fredqd' : 'fredmd';
  if (findLongColumns(grid.rows[0])) return 'long';
  // Months below a preamble, or followed by another table.
  const french = findFrenchTable(grid);
  if (french && (french.first > 1 || french.end < grid.rows.length)) return 'french';
  return 'wide';
}

function readLayout(grid: Grid, layout: Layout): { raw: RawSeries[]; codes: ReadonlyMap<string, number> } {
  const codes = new Map<string, number>();
  switch (layout) {
    case 'wide':
      return { raw: readWide(grid, 1), codes };
    case 'long': {
      const columns = findLongColumns(grid.rows[0]);
      if (columns) return { raw: readLong(grid, columns), codes };
      throw new InputError('this is not a long table', {
        place: grid.place(0),
        remedy: 'name its columns date, series and value',
      });
    }
    case 'fredmd':
      return readFred(grid, 1);
    case 'fredqd':
      return readFred(grid, 2);
    case 'french':
      return { raw: readFrench(grid), codes };
  }
}

/** FRED-MD and FRED-QD: a wide table with a row of transformation codes between header and data. */
function readFred(grid: Grid, codeRow: number): { raw: RawSeries[]; codes: ReadonlyMap<string, number> } {
  const codes = new Map<string, number>();
  if (codeRow >= grid.rows.length) {
    throw new InputError('there is no row of transformation codes', {
      place: { file: grid.file },
      remedy: 'give the file as the Federal Reserve Bank of St. Louis publishes it, or say `format: wide`',
    });
  }
  grid.rows[codeRow].forEach((cell, column) => {
    const code = readNumber(cell);
    if (typeof code === 'number' && code >= 1 && code <= 7) codes.set(String(grid.rows[0][column]).trim(), code);
  });
  return { raw: readWide(grid, codeRow + 1), codes };
}

/** Values that mean "missing" in Kenneth French's files. */
const FRENCH_SENTINELS = [-99.99, -999];

/** First monthly table of one of Kenneth French's csv files, in percent as published. */
function readFrench(grid: Grid): RawSeries[] {
  const table = findFrenchTable(grid);
  if (table) return readWide(grid, table.first, table.end, { headerRow: table.first - 1, sentinels: FRENCH_SENTINELS });
  throw new InputError('there is no table of months (YYYYMM) below a header', {
    place: { file: grid.file },
    remedy: "give one of the monthly csv files of Kenneth French's library, or say `format: wide`",
  });
}

function findFrenchTable(grid: Grid): { first: number; end: number } | undefined {
  const isMonth = (row: number) => /^\d{6}$/.test(String(grid.rows[row]?.[0]).trim());
  for (let first = 1; first < grid.rows.length; first++) {
    if (!isMonth(first)) continue;
    let end = first;
    while (isMonth(end)) end++;
    return { first, end };
  }
  return undefined;
}
