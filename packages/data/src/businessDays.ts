import { type DayNumber, formatIsoDate, InputError, parseIsoDate } from '@macrograd/core';
import { quoted } from './cells.js';
import { refuse } from './grid.js';
import { readCells } from './source.js';
import type { BusinessCalendarSpec } from './spec.js';
import type { Series, Table } from './table.js';

/** Days beside Saturdays and Sundays on which nothing is traded or published. */
export type Holidays = ReadonlySet<DayNumber>;

/** Days after the last holiday beyond which a calendar seems to have ended before the data. */
const YEAR = 366;

/** Whether a day is a weekday and no holiday. */
export function isBusinessDay(day: DayNumber, holidays: Holidays): boolean {
  // Day 0, 1970-01-01, was a Thursday: (day + 3) mod 7 counts from Monday = 0.
  return (((day + 3) % 7) + 7) % 7 < 5 && !holidays.has(day);
}

/** Business days from first to last, both included where they are ones. */
export function businessDays(first: DayNumber, last: DayNumber, holidays: Holidays): Int32Array {
  const days: number[] = [];
  for (let day = first; day <= last; day++) if (isBusinessDay(day, holidays)) days.push(day);
  return Int32Array.from(days);
}

/**
 * Holidays of a calendar: a list of days, or a file with them in its column `date` or `holiday`, or else its first.
 *
 * @throws InputError for what is no day, and for a file without any
 */
export async function readHolidays({ holidays }: BusinessCalendarSpec): Promise<Holidays> {
  if (typeof holidays !== 'string') return new Set(holidays.map(listedDay));
  const { grid } = await readCells(holidays, {});
  const header = (grid.rows[0] ?? []).map((cell) => String(cell).trim().toLowerCase());
  const column = Math.max(
    0,
    header.findIndex((name) => name === 'date' || name === 'holiday'),
  );
  const isHeader = !isDay(header[column] ?? '');
  const days = grid.rows.slice(isHeader ? 1 : 0).map((row, i) => {
    const text = String(row[column] ?? '').trim();
    const wrong = { problem: `${quoted(text)} is not a day`, remedy: 'write YYYY-MM-DD' };
    return isDay(text) ? parseIsoDate(text) : refuse(grid, i + (isHeader ? 1 : 0), column, wrong);
  });
  if (days.length > 0) return new Set(days);
  throw new InputError('there is no holiday in this file', {
    place: { file: holidays },
    remedy: 'give a column of dates, or leave the calendar out',
  });
}

function listedDay(text: string): DayNumber {
  if (isDay(text)) return parseIsoDate(text);
  throw new InputError(`${quoted(text)} among the holidays is not a day`, {
    remedy: 'write YYYY-MM-DD',
    code: 'bad_config',
  });
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  try {
    return Number.isFinite(parseIsoDate(text));
  } catch {
    return false;
  }
}

/**
 * A table whose daily series stand on every business day from their first to their last: days off are left out, and a
 * business day without a row is missing, so that no change is computed across it.
 */
export function onBusinessDays(table: Table, holidays: Holidays): Table {
  const axes = new Map<Int32Array, Series[]>();
  for (const one of table.series.values()) {
    if (one.frequency === 'D') axes.set(one.dates, [...(axes.get(one.dates) ?? []), one]);
  }
  const moved = new Map<Series, Series>();
  const notes = [...table.notes];
  for (const [dates, members] of axes) {
    const days = businessDays(dates[0], dates[dates.length - 1], holidays);
    for (const one of members) moved.set(one, onDays(one, days, holidays));
    notes.push(...calendarNotes(members, days, holidays));
  }
  const series = [...table.series].map(([name, one]): [string, Series] => [name, moved.get(one) ?? one]);
  return { ...table, series: new Map(series), notes };
}

function onDays(series: Series, days: Int32Array, holidays: Holidays): Series {
  const values = new Float64Array(days.length).fill(Number.NaN);
  const lines = new Int32Array(days.length);
  let at = 0;
  days.forEach((day, i) => {
    while (series.dates[at] < day) at++;
    if (series.dates[at] !== day) return;
    values[i] = series.values[at];
    lines[i] = series.lines[at];
  });
  return { ...series, dates: days, values, lines, holidays };
}

/** What the calendar did to series of the same dates. */
function calendarNotes(members: readonly Series[], days: Int32Array, holidays: Holidays): string[] {
  const [{ dates }] = members;
  const isFilled = (i: number) => members.some(({ values }) => !Number.isNaN(values[i]));
  const off = dates.filter((date, i) => !isBusinessDay(date, holidays) && isFilled(i));
  const present = new Set(dates);
  const absent = days.filter((day) => !present.has(day));
  const last = [...holidays].reduce((latest, day) => Math.max(latest, day), Number.NEGATIVE_INFINITY);
  const counted = (some: Int32Array, text: string) =>
    some.length === 0 ? [] : [`${some.length} ${text} (the first ${formatIsoDate(some[0])})`];
  return [
    ...counted(off, 'rows with values on days off by the calendar are left out'),
    ...counted(absent, 'business days of the calendar have no row and count as missing'),
    ...(dates[dates.length - 1] - last > YEAR
      ? [`the last holiday of the calendar, ${formatIsoDate(last)}, lies over a year before the last row`]
      : []),
  ];
}
