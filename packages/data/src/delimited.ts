import { InputError, type Place } from '@macrograd/core';
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import type { Grid } from './grid.js';

const DELIMITERS = [',', '\t', ';', '|'];

/** Longest row that is read, in characters; guards against a file that is not a table. */
const LARGEST_ROW = 16 * 1024 * 1024;

/** Cuts delimited text into cells (RFC 4180 quoting; the delimiter is the commonest of comma, tab, semicolon and bar
 * in the first line). Throws InputError on broken quoting. */
export function readGrid(text: string, file: string): Grid {
  const unified = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
  const delimiter = detectDelimiter(unified);
  const lines: number[] = [];
  const rows: string[][] = [];
  let records = 0;
  const keep = (row: string[], line: number) => {
    records++;
    if (row.every((cell) => cell.trim() === '')) return;
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
  return { file, rows, lines, blankRows: records - rows.length, place };
}

type Keep = (row: string[], line: number) => void;

/** Without quotes a line is a row, and cutting it at the delimiters takes a fraction of the parser's time. */
function cutUnquoted(text: string, delimiter: string, keep: Keep): void {
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  lines.forEach((line, index) => {
    keep(line.split(delimiter), index + 1);
  });
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
