import { InputError, type Place } from '@macrograd/core';
import { type Cell, quoted, readNumber } from './cells.js';
import { dateStyle } from './dates.js';
import { type Grid, type Reading, refuse } from './grid.js';

/** Names that a column of dates may have, as pandas' index without a name in Parquet; without a name it must be the first. */
export const DATE_NAMES =
  /^(?:date|dates|day|month|yyyymm|yyyyq|yyyy|period|time|datetime|timestamp|time_period|__index_level_0__|sasdate|observation_date|)$/i;

/** Longest name of a column or series. */
const LONGEST_NAME = 256;

/** Name of a column or series as it is known from here on: trimmed, in Unicode's composed form. */
export function cleanName(cell: Cell): string {
  return String(cell).trim().normalize('NFC');
}

/** What is wrong with a name, or undefined. Any other text is a name, and never more than text. */
export function nameProblem(name: string): { problem: string; remedy: string } | undefined {
  if (name === '') return { problem: 'this column has no name', remedy: 'name or drop it' };
  if (name.length > LONGEST_NAME) {
    return { problem: `this name has ${name.length} characters`, remedy: `shorten it to ${LONGEST_NAME} or fewer` };
  }
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(name)) {
    return { problem: `the name ${quoted(name)} holds characters that can't be seen`, remedy: 'write it with letters' };
  }
  return undefined;
}

/** The column called date (or month, period, ...), else the first one if its first cell is a date. */
export function findDateColumn(grid: Grid, headerRow: number, firstRow: number): number {
  const header = grid.rows[headerRow].map((cell) => String(cell).trim());
  const isData = header.length > 1 && header.slice(1).every((name) => typeof readNumber(name) === 'number');
  if (isData && dateStyle(header[0]) !== undefined) {
    refuse(grid, headerRow, 0, { problem: 'there is no header, the first line is data', remedy: 'name the columns' });
  }
  const named = header.findIndex((name) => name !== '' && DATE_NAMES.test(name));
  if (named >= 0) return named;
  if (header[0] === '') return 0;
  if (firstRow < grid.rows.length && dateStyle(grid.rows[firstRow][0]) !== undefined) return 0;
  throw new InputError(...noDateColumn(grid, headerRow, header));
}

/** Why no column of dates was found, as far as the first line tells. */
function noDateColumn(
  grid: Grid,
  headerRow: number,
  header: readonly string[],
): [string, { place: Place; remedy: string }] {
  const place = grid.place(headerRow, 0);
  if (header.length > 2 && header.slice(1).every((name) => dateStyle(name) !== undefined)) {
    return ['the dates stand side by side in the first line', { place, remedy: 'turn the table, a row a date' }];
  }
  if (header.length === 1 && !header[0].startsWith('#')) {
    const remedy = 'delete lines above the header, or say `delimiter` if it is not comma, tab, semicolon or bar';
    return ['the first line is one cell', { place, remedy }];
  }
  if (header[0].startsWith('#') || header.filter((name) => name !== '').length < 2) {
    return ['the first line is no header', { place, remedy: 'delete the lines above the one that names the columns' }];
  }
  const remedy = 'name the column of dates "date", in the first line of the file';
  return ['there is no date column', { place, remedy }];
}

/** Refuses columns without a name or with the name of another, and notes names that look alike. */
export function checkHeader({ grid, notes }: Reading, headerRow: number, names: readonly string[], date: number): void {
  const seen = new Map<string, number>();
  const alike = new Map<string, string>();
  names.forEach((name, column) => {
    if (column === date) return;
    const wrong = nameProblem(name);
    if (wrong) refuse(grid, headerRow, column, wrong);
    const before = seen.get(name);
    if (before !== undefined) {
      const problem = `column ${column + 1} is called ${quoted(name)} like column ${before + 1}`;
      refuse(grid, headerRow, column, { problem, remedy: 'give every column a name of its own' });
    }
    seen.set(name, column);
    const twin = alike.get(skeleton(name));
    if (twin === undefined) alike.set(skeleton(name), name);
    else notes.push(`the columns ${quoted(twin)} and ${quoted(name)} look alike and are different`);
  });
  if (seen.size > 0) return;
  const remedy = 'give a column for every series; cells are separated by comma, tab, semicolon or bar';
  refuse(grid, headerRow, 0, { problem: 'there is no column beside the dates', remedy });
}

// cspell:disable
/** Cyrillic and Greek letters that are drawn like Latin ones, and those. */
const LOOK_ALIKE = new Map(
  [...'аеорсухіјѕАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧο'].map((letter, i) => [
    letter,
    'aeopcyxijsABEKMHOPCTYXIJSABEZHIKMNOPTYXo'[i],
  ]),
);
// cspell:enable

/** What is left of a name when letters that look the same are one: equal for names that the eye confuses. */
function skeleton(name: string): string {
  const latin = [...name.normalize('NFKC')].map((letter) => LOOK_ALIKE.get(letter) ?? letter).join('');
  return latin.toLowerCase().replace(/[\s_]+/g, '_');
}

/** Refuses rows that have not exactly as many cells as the header. */
export function checkWidths(grid: Grid, width: number, firstRow: number, endRow: number): void {
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
