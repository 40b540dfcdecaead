import { InputError } from '@macrograd/core';
import type { Grid, Reading } from './grid.js';
import { type RawSeries, readWide } from './layout.js';

/** Values that mean "missing" in Kenneth French's files. */
const SENTINELS = [-99.99, -999];

/** One of the tables of a file of Kenneth French's. */
interface FrenchTable {
  /** Line above its header, as "Average Value Weighted Returns -- Monthly"; empty where there is none. */
  readonly title: string;
  readonly first: number;
  readonly end: number;
  /** Digits of its dates: 8 days, 6 months, 4 years. */
  readonly digits: number;
}

/** Whether a file has the look of Kenneth French's: months or days below a preamble, or followed by other rows. */
export function looksFrench(grid: Grid): boolean {
  const [table] = findTables(grid);
  return table !== undefined && table.digits > 4 && (table.first > 1 || table.end < grid.rows.length);
}

/**
 * One table of one of Kenneth French's csv files, in percent as published, -99.99 and -999 missing: the first whose title
 * holds the wanted text, or without one the first of the file that is not annual.
 */
export function readFrench(reading: Reading): RawSeries[] {
  const { grid, options, notes } = reading;
  const tables = findTables(grid);
  const wanted = options.table?.toLowerCase();
  const chosen = tables.find(({ title, digits }) =>
    wanted === undefined ? digits > 4 : title.toLowerCase().includes(wanted),
  );
  if (chosen === undefined) throw noTable(grid, tables, options.table);
  if (tables.length > 1 && wanted === undefined) {
    notes.push(`the first of ${tables.length} tables was read; \`table\` names another by its title`);
  }
  const { first, end } = chosen;
  const missing = options.missing ?? SENTINELS;
  return readWide(
    { ...reading, options: { ...options, missing } },
    { headerRow: first - 1, firstRow: first, endRow: end },
  );
}

function findTables(grid: Grid): FrenchTable[] {
  const tables: FrenchTable[] = [];
  const digitsAt = (row: number) => /^\d{4}(?:\d{2}){0,2}$/.exec(String(grid.rows[row]?.[0]).trim())?.[0].length;
  for (let first = 1; first < grid.rows.length; first++) {
    const digits = digitsAt(first);
    if (digits === undefined || grid.rows[first].length < 2) continue;
    let end = first;
    while (digitsAt(end) === digits) end++;
    const above = grid.rows[first - 2];
    const title = above?.slice(1).every((cell) => String(cell).trim() === '') ? String(above[0]).trim() : '';
    tables.push({ title, first, end, digits });
    first = end;
  }
  return tables;
}

function noTable(grid: Grid, tables: readonly FrenchTable[], wanted: string | undefined): InputError {
  const titles = tables.map(({ title }) => `"${title}"`).join(', ');
  if (wanted === undefined) {
    return new InputError('there is no table of months (YYYYMM) below a header', {
      place: { file: grid.file },
      remedy:
        tables.length > 0
          ? `name one of its tables with \`table\`: ${titles}`
          : "give one of the csv files of Kenneth French's library, or say `format: wide`",
    });
  }
  return new InputError(`no table of this file is called "${wanted}"`, {
    place: { file: grid.file },
    remedy: `its tables are ${titles}`,
    code: 'bad_config',
  });
}
