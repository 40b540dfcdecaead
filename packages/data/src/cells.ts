import { type DayNumber, dayNumber, type Frequency, periodEnd } from '@macrograd/core';

/** A cell as it lies in a file: text, or a number where the file is typed. */
export type Cell = string | number;

/** A cell that can't be read: what is wrong with it and what to do. The caller adds the place. */
export interface CellProblem {
  readonly problem: string;
  readonly remedy: string;
}

const MISSING = /^(?:|\.|#?n\/?a|nan|null)$/i;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Reads a number cell; missing (empty, `.`, NA, N/A, #N/A, NaN, null) is NaN. Infinity and decorated numbers are problems. */
export function readNumber(cell: Cell): number | CellProblem {
  const text = typeof cell === 'number' ? numberText(cell) : cell.trim();
  if (NUMBER.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    return { problem: `${quoted(text)} is too large for a number`, remedy: 'correct it or leave the cell empty' };
  }
  if (MISSING.test(text)) return Number.NaN;
  return { problem: `${quoted(text)} is not a number`, remedy: numberRemedy(text) };
}

function numberText(value: number): string {
  return Number.isNaN(value) ? '' : String(value);
}

function numberRemedy(text: string): string {
  if (/^[+-]?(?:inf|infinity)$/i.test(text))
    return 'infinite values are refused; leave the cell empty if it is missing';
  if (/^[+-]?\d+,\d+$/.test(text)) return 'write decimals with a point and no thousands separator';
  if (/^[+-]?[\d,]+(\.\d+)?$/.test(text)) return 'write numbers without thousands separators';
  if (/[%$€£¥]/.test(text)) return 'write plain numbers; percent returns are declared with `unit: percent`';
  return 'write a number, or leave the cell empty if it is missing';
}

/** Text of a cell for a message: at most 40 characters, control characters replaced. */
export function quoted(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, '�');
  return `"${clean.length > 40 ? `${clean.slice(0, 40)}…` : clean}"`;
}

/** A way of writing dates; one file uses one. */
export type DateStyle = 'YYYY-MM-DD' | 'YYYY-MM' | 'MM/DD/YYYY' | 'YYYYMMDD' | 'YYYYMM' | 'YYYY-Qn' | 'YYYY';

const STYLES: readonly (readonly [DateStyle, RegExp])[] = [
  ['YYYY-MM-DD', /^(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?$/],
  ['YYYY-MM', /^(\d{4})-(\d{2})$/],
  ['MM/DD/YYYY', /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/],
  ['YYYYMMDD', /^(\d{4})(\d{2})(\d{2})$/],
  ['YYYYMM', /^(\d{4})(\d{2})$/],
  ['YYYY-Qn', /^(\d{4})[-:]?Q([1-4])$/i],
  ['YYYY', /^(\d{4})$/],
];

/** Style of a date cell, or undefined when it looks like none. */
export function dateStyle(cell: Cell): DateStyle | undefined {
  const text = String(cell).trim();
  return STYLES.find(([, pattern]) => pattern.test(text))?.[0];
}

/** Reads a date cell written in the given style; a month or quarter is its last day. */
export function readDate(cell: Cell, style: DateStyle): DayNumber | CellProblem {
  const text = String(cell).trim();
  const match = STYLES.find(([name]) => name === style)?.[1].exec(text);
  if (!match) {
    const remedy = dateStyle(text) ? `write all dates of a file one way, here as ${style}` : 'write it as YYYY-MM-DD';
    return { problem: `${quoted(text)} is not a date like the others`, remedy };
  }
  const [a, b, c] = match.slice(1).map(Number);
  try {
    return dayOf(style, a, b, c);
  } catch {
    const remedy = style === 'MM/DD/YYYY' ? 'dates with slashes are read month first; write YYYY-MM-DD' : 'correct it';
    return { problem: `${quoted(text)} is not a day of the calendar`, remedy };
  }
}

function dayOf(style: DateStyle, a: number, b: number, c: number): DayNumber {
  switch (style) {
    case 'MM/DD/YYYY':
      return dayNumber(c, a, b);
    case 'YYYY-MM':
    case 'YYYYMM':
      return periodEnd(dayNumber(a, b, 1), 'M');
    case 'YYYY-Qn':
      return periodEnd(dayNumber(a, b * 3, 1), 'Q');
    case 'YYYY':
      return periodEnd(dayNumber(a, 1, 1), 'A');
    case 'YYYY-MM-DD':
    case 'YYYYMMDD':
      return dayNumber(a, b, c);
  }
}

/** Days between neighbours, smallest and largest median, by which a frequency is recognised. */
const GAPS: readonly (readonly [Frequency, number, number])[] = [
  ['D', 1, 4],
  ['W', 5, 9],
  ['M', 28, 31],
  ['Q', 89, 92],
  ['A', 365, 366],
];

/** Frequency of ascending distinct days from their median distance, or undefined (fewer than two days, or irregular). */
export function detectFrequency(days: ArrayLike<DayNumber>): Frequency | undefined {
  if (days.length < 2) return undefined;
  const gaps = Array.from({ length: days.length - 1 }, (_, i) => days[i + 1] - days[i]).sort((a, b) => a - b);
  const median = gaps[gaps.length >> 1];
  return GAPS.find(([, low, high]) => median >= low && median <= high)?.[0];
}
