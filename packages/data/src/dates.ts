import { type DayNumber, dayNumber, type Frequency, formatIsoDate, periodEnd } from '@macrograd/core';
import { type Cell, type CellProblem, quoted } from './cells.js';
import type { DateOrder } from './spec.js';

/** A way of writing dates; one file uses one. */
export type DateStyle =
  | 'YYYY-MM-DD'
  | 'YYYY-MM'
  | 'YYYY/MM/DD'
  | 'MM/DD/YYYY'
  | 'DD/MM/YYYY'
  | 'DD.MM.YYYY'
  | 'DD-MMM-YYYY'
  | 'MMM YYYY'
  | 'YYYYMMDD'
  | 'YYYYMM'
  | 'YYYY-Qn'
  | 'YYYYQ'
  | 'YYYY';

const SLASHES = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/;

const STYLES: readonly (readonly [DateStyle, RegExp])[] = [
  ['YYYY-MM-DD', /^(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?$/],
  ['YYYY-MM', /^(\d{4})-(\d{2})$/],
  ['YYYY/MM/DD', /^(\d{4})\/(\d{2})\/(\d{2})$/],
  ['MM/DD/YYYY', SLASHES],
  ['DD/MM/YYYY', SLASHES],
  ['DD.MM.YYYY', /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/],
  // SAS writes 31JAN2020, Excel and Bloomberg 31-Jan-2020.
  ['DD-MMM-YYYY', /^(\d{1,2})[- ]?([a-z]{3})[- ]?(\d{4})$/i],
  ['MMM YYYY', /^([a-z]{3})[- ](\d{4})$/i],
  ['YYYYMMDD', /^(\d{4})(\d{2})(\d{2})$/],
  ['YYYYMM', /^(\d{4})(\d{2})$/],
  ['YYYY-Qn', /^(\d{4})[-: ]?Q([1-4])$/i],
  // Years of the last three centuries, so that Excel's serial numbers of today do not look like quarters.
  ['YYYYQ', /^(1[89]\d{2}|20\d{2})([1-4])$/],
  ['YYYY', /^(\d{4})$/],
];

/** Style of a date cell, or undefined when it looks like none. Dates with slashes look month-first here. */
export function dateStyle(cell: Cell): DateStyle | undefined {
  const text = String(cell).trim();
  return STYLES.find(([, pattern]) => pattern.test(text))?.[0];
}

/** Reads a date cell written in the given style; a month or quarter is its last day. */
export function readDate(cell: Cell, style: DateStyle): DayNumber | CellProblem {
  const text = String(cell).trim();
  const match = STYLES.find(([name]) => name === style)?.[1].exec(text);
  if (!match) {
    const remedy = dateStyle(text) ? `write all dates of a file one way, here as ${style}` : dateRemedy(text);
    return { problem: `${quoted(text)} is not a date like the others`, remedy };
  }
  const [a, b, c] = match.slice(1).map(partOf);
  try {
    return dayOf(style, a, b, c);
  } catch {
    const remedy = match[0].includes('/') ? `dates are read as ${style} here; write YYYY-MM-DD` : 'correct it';
    return { problem: `${quoted(text)} is not a day of the calendar`, remedy };
  }
}

/** English months, as files write them. */
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Number of a part of a date; NaN for a word that is no month. */
function partOf(text: string): number {
  const month = MONTHS.indexOf(text.toLowerCase());
  return month < 0 ? Number(text) : month + 1;
}

function dayOf(style: DateStyle, a: number, b: number, c: number): DayNumber {
  switch (style) {
    case 'MM/DD/YYYY':
      return dayNumber(c, a, b);
    case 'DD/MM/YYYY':
    case 'DD.MM.YYYY':
    case 'DD-MMM-YYYY':
      return dayNumber(c, b, a);
    case 'MMM YYYY':
      return periodEnd(dayNumber(b, a, 1), 'M');
    case 'YYYY-MM':
    case 'YYYYMM':
      return periodEnd(dayNumber(a, b, 1), 'M');
    case 'YYYY-Qn':
    case 'YYYYQ':
      return periodEnd(dayNumber(a, b * 3, 1), 'Q');
    case 'YYYY':
      return periodEnd(dayNumber(a, 1, 1), 'A');
    case 'YYYY-MM-DD':
    case 'YYYY/MM/DD':
    case 'YYYYMMDD':
      return dayNumber(a, b, c);
  }
}

/** Day number of Excel's serial number 0 (its 1900 system, for dates after February 1900). */
const EXCEL_EPOCH = -25_569;

/** What to do about a cell that is no date. */
export function dateRemedy(text: string): string {
  if (/^\d{5}(?:\.0*)?$/.test(text)) {
    const day = formatIsoDate(Number.parseInt(text, 10) + EXCEL_EPOCH);
    return `it may be Excel's serial number of ${day}: format the column as YYYY-MM-DD and export again`;
  }
  if (/^\d{1,2}[-/.](?:\d{1,2}|[a-z]{3})[-/.]\d{2}$/i.test(text)) return 'write years with four digits';
  if (/\d:\d\d/.test(text)) return 'write the day alone, without time and time zone';
  if (/[a-z]{3}|Q[1-4]/i.test(text)) return 'write dates as YYYY-MM-DD, YYYY-MM or YYYY-Qn';
  return 'write dates as YYYY-MM-DD or YYYY-MM';
}

/** What all dates with slashes of a column say about their order. */
export type SlashOrder = { readonly order: DateOrder; readonly isInferred: boolean } | 'ambiguous';

/**
 * Order of dates with slashes, told from the whole column: a part above 12 is the day; so is one that is always 1 while
 * the other goes through several months over more than a year (first-of-month labels).
 */
export function slashOrder(cells: readonly Cell[]): SlashOrder {
  const firsts = new Set<number>();
  const seconds = new Set<number>();
  const years = new Set<string>();
  for (const cell of cells) {
    const match = SLASHES.exec(String(cell).trim());
    if (!match) continue;
    firsts.add(Number(match[1]));
    seconds.add(Number(match[2]));
    years.add(match[3]);
  }
  const exceeds = (parts: ReadonlySet<number>) => [...parts].some((part) => part > 12);
  const isFixed = (parts: ReadonlySet<number>) => parts.size === 1 && parts.has(1);
  if (exceeds(seconds)) return { order: 'mdy', isInferred: false };
  if (exceeds(firsts)) return { order: 'dmy', isInferred: true };
  if (years.size > 1 && isFixed(seconds) && firsts.size > 2) return { order: 'mdy', isInferred: true };
  if (years.size > 1 && isFixed(firsts) && seconds.size > 2) return { order: 'dmy', isInferred: true };
  return 'ambiguous';
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
  const gaps = new Int32Array(days.length - 1);
  for (let i = 0; i < gaps.length; i++) gaps[i] = days[i + 1] - days[i];
  gaps.sort();
  const median = gaps[gaps.length >> 1];
  return GAPS.find(([, low, high]) => median >= low && median <= high)?.[0];
}
