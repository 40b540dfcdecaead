import { ArgumentError } from './errors.js';

/** Sampling frequency of a time axis: daily, weekly, monthly, quarterly, annual. */
export type Frequency = 'D' | 'W' | 'M' | 'Q' | 'A';

/** Periods a year of each frequency (business days for daily), for annualising and for default windows. */
export const periodsPerYear: Readonly<Record<Frequency, number>> = { D: 252, W: 52, M: 12, Q: 4, A: 1 };

/** A date as whole days since 1970-01-01 (UTC), the form in which tables store it. */
export type DayNumber = number;

const MS_PER_DAY = 86_400_000;

/** Day number of a calendar date; month counts from 1. Throws on dates that do not exist (30 February). */
export function dayNumber(year: number, month: number, day: number): DayNumber {
  const time = Date.UTC(year, month - 1, day);
  const date = new Date(time);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new ArgumentError(`${year}-${month}-${day} is not a calendar date`);
  }
  return time / MS_PER_DAY;
}

/** Reads `YYYY-MM-DD`, or `YYYY-MM` as that month's last day. */
export function parseIsoDate(text: string): DayNumber {
  const match = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(text);
  if (!match) throw new ArgumentError(`"${text}" is not a date`, 'write it as YYYY-MM-DD or YYYY-MM');
  const [, year, month, day] = match;
  return day === undefined
    ? monthEnd(dayNumber(Number(year), Number(month), 1))
    : dayNumber(Number(year), Number(month), Number(day));
}

/** Writes a day number as `YYYY-MM-DD`. */
export function formatIsoDate(day: DayNumber): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10);
}

/** Months since 1970-01 of the month that the day lies in. */
export function monthIndex(day: DayNumber): number {
  const date = new Date(day * MS_PER_DAY);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

/** Last day of the month that lies `offset` months after 1970-01. */
export function monthEndOfIndex(offset: number): DayNumber {
  return Date.UTC(1970, offset + 1, 0) / MS_PER_DAY;
}

/** Last day of the month that the day lies in. */
export function monthEnd(day: DayNumber): DayNumber {
  return monthEndOfIndex(monthIndex(day));
}

/** Last day of the quarter that the day lies in. */
export function quarterEnd(day: DayNumber): DayNumber {
  return monthEndOfIndex(Math.floor(monthIndex(day) / 3) * 3 + 2);
}

/** Last day of the year that the day lies in. */
export function yearEnd(day: DayNumber): DayNumber {
  return monthEndOfIndex(Math.floor(monthIndex(day) / 12) * 12 + 11);
}

/** First Friday on or after the day: a week runs from Saturday to Friday, so that no date moves into its past. */
export function weekEnd(day: DayNumber): DayNumber {
  // 1970-01-01 was a Thursday: (day + 5) mod 7 counts from Saturday = 0.
  const sinceSaturday = (((day + 5) % 7) + 7) % 7;
  return day - sinceSaturday + 6;
}

/** Last day of the period of the given frequency that the day lies in. */
export function periodEnd(day: DayNumber, frequency: Frequency): DayNumber {
  switch (frequency) {
    case 'D':
      return day;
    case 'W':
      return weekEnd(day);
    case 'M':
      return monthEnd(day);
    case 'Q':
      return quarterEnd(day);
    case 'A':
      return yearEnd(day);
  }
}
