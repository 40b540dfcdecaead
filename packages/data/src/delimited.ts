import { InputError, type Place } from '@macrograd/core';
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { quoted } from './cells.js';
import type { Grid } from './grid.js';
import type { ReadOptions } from './spec.js';

const DELIMITERS = [',', '\t', ';', '|'];

/** Longest row that is read, in characters; guards against a file that is not a table. */
const LARGEST_ROW = 16 * 1024 * 1024;

/** Longest cell, in characters: Excel's, and far more than any number, date or name needs. */
const LARGEST_CELL = 32_767;

/** Rows by which the decimal mark is judged. */
const ROWS_TO_JUDGE = 500;

/** Cuts delimited text into cells (RFC 4180 quoting; the delimiter is the declared one, or the commonest of comma, tab,
 * semicolon and bar in the first line). Throws InputError on broken quoting and on cells beyond any sense. */
export function readGrid(text: string, file: string, options: Pick<ReadOptions, 'delimiter' | 'decimal'> = {}): Grid {
  const unified = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
  const declared = options.delimiter ?? excelDelimiter(unified);
  const delimiter = declared ?? detectDelimiter(unified);
  if (delimiter === options.decimal) {
    throw new InputError(`${quoted(delimiter)} can't both separate cells and mark decimals`, {
      place: { file },
      remedy: 'correct `delimiter` or `decimal`',
      code: 'bad_config',
    });
  }
  const lines: number[] = [];
  const rows: string[][] = [];
  let records = 0;
  const keep = (row: string[], line: number) => {
    records++;
    if (row.every((cell) => cell.trim() === '') || (records === 1 && /^sep=.?$/i.test(row.join('')))) return;
    rows.push(row);
    lines.push(line);
  };
  if (unified.includes('"')) parseQuoted(unified, file, delimiter, keep);
  else cutUnquoted(unified, delimiter, keep);
  const place = (row: number, column?: number): Place => {
    const line = lines[row];
    if (column === undefined) return { file, line };
    return { file, line, column: columnOfCell(unified, line, delimiter, column) };
  };
  const isDetected = declared === undefined && delimiter !== ',';
  const notes = isDetected ? [`cells are separated by ${delimiter === '\t' ? 'tabs' : quoted(delimiter)}`] : [];
  const grid = {
    file,
    rows,
    lines,
    blankRows: records - rows.length - (excelDelimiter(unified) ? 1 : 0),
    notes,
    place,
  };
  refuseHugeCells(grid);
  if (options.decimal !== undefined) return { ...grid, decimal: options.decimal };
  if (delimiter === ',' || !usesDecimalComma(grid)) return grid;
  notes.push('decimal commas, as in 1,5: say `decimal: "."` if commas separate thousands');
  return { ...grid, decimal: ',' };
}

/** What a first line `sep=;` says, which Excel writes and reads. */
function excelDelimiter(text: string): string | undefined {
  return /^sep=(.)\n/i.exec(text)?.[1];
}

function refuseHugeCells(grid: Grid): void {
  grid.rows.forEach((row, index) => {
    const column = row.findIndex((cell) => String(cell).length > LARGEST_CELL);
    if (column < 0) return;
    const length = String(row[column]).length;
    throw new InputError(`this cell has ${length} characters`, {
      place: grid.place(index, column),
      remedy: 'look for a missing quotation mark, or whether this is a table of numbers',
    });
  });
}

/** Whether numbers have decimal commas: some do beyond doubt (1,5 but not 1,500), and none has a point. */
function usesDecimalComma({ rows }: Grid): boolean {
  const cells = rows.slice(1, ROWS_TO_JUDGE).flatMap((row) => row.map((cell) => String(cell).trim()));
  const isClear = cells.some((cell) => /^[+-]?(?:\d+,\d{1,2}|\d+,\d{4,}|0,\d+)(?:[eE][+-]?\d+)?$/.test(cell));
  return isClear && !cells.some((cell) => /^[+-]?\d*\.\d+$/.test(cell));
}

type Keep = (row: string[], line: number) => void;

/** Without quotes a line is a row, and cutting it at the delimiters takes a fraction of the parser's time. */
function cutUnquoted(text: string, delimiter: string, keep: Keep): void {
  let above: string[] = [];
  for (let start = 0, line = 1; start < text.length; line++) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const row = text.slice(start, end).split(delimiter);
    // Long tables repeat their names: sharing the text above spares most of the memory that has to be moved about.
    for (let i = 0; i < row.length; i++) if (row[i] === above[i]) row[i] = above[i];
    keep(row, line);
    above = row;
    start = end + 1;
  }
}

function parseQuoted(text: string, file: string, delimiter: string, keep: Keep): void {
  try {
    parse(text, {
      delimiter,
      record_delimiter: '\n',
      relax_column_count: true,
      max_record_size: LARGEST_ROW,
      on_record: (row: string[], context) => {
        keep(row, context.lines);
        return null;
      },
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = Number(cause.lines);
    throw new InputError(quotingProblem(cause.code), {
      place: Number.isFinite(line) ? { file, line } : { file },
      remedy: 'put quotes around whole cells only and double quotes inside them',
      cause,
    });
  }
}

function quotingProblem(code: string): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quoted cell begins here and never ends';
  if (code === 'CSV_MAX_RECORD_SIZE') return 'this row is longer than any table row should be';
  return 'a quotation mark stands inside an unquoted cell';
}

function detectDelimiter(text: string): string {
  const newline = text.indexOf('\n');
  const header = newline < 0 ? text : text.slice(0, newline);
  const counts = DELIMITERS.map((delimiter) => header.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

/** Column, from 1, at which the given cell of a line begins; the line's end when it has fewer cells. */
function columnOfCell(text: string, line: number, delimiter: string, cell: number): number {
  let start = 0;
  for (let i = 1; i < line; i++) start = text.indexOf('\n', start) + 1;
  let inQuotes = false;
  let seen = 0;
  for (let i = start; i < text.length && (inQuotes || text[i] !== '\n'); i++) {
    if (seen === cell) return i - start + 1;
    if (text[i] === '"') inQuotes = !inQuotes;
    else if (text[i] === delimiter && !inQuotes && ++seen === cell) return i - start + 2;
  }
  const end = text.indexOf('\n', start);
  return (end < 0 ? text.length : end) - start + 1;
}
