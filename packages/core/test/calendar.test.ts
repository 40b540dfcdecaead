import { describe, expect, it } from 'vitest';
import {
  ArgumentError,
  dayNumber,
  formatIsoDate,
  monthEnd,
  monthEndOfIndex,
  monthIndex,
  parseIsoDate,
  periodEnd,
  quarterEnd,
  weekEnd,
  yearEnd,
} from '../src/index.js';

const day = (text: string) => parseIsoDate(text);
const iso = (number: number) => formatIsoDate(number);

describe('calendar', () => {
  it('counts days from 1970-01-01, before it too', () => {
    expect(dayNumber(1970, 1, 1)).toBe(0);
    expect(dayNumber(1969, 12, 31)).toBe(-1);
    expect(iso(dayNumber(1947, 1, 31))).toBe('1947-01-31');
  });

  it('round-trips every day across leap years and the turn of centuries', () => {
    for (let number = dayNumber(1899, 12, 1); number < dayNumber(1904, 3, 2); number++) {
      expect(day(iso(number))).toBe(number);
    }
  });

  it('reads a month as its last day', () => {
    expect(iso(day('2000-02'))).toBe('2000-02-29');
    expect(iso(day('1900-02'))).toBe('1900-02-28');
  });

  it.each([['2021-02-30'], ['2021-13-01'], ['01/02/2021'], [''], ['2021-2-1']])('refuses "%s" in words', (text) => {
    expect(() => day(text)).toThrow(ArgumentError);
  });

  it.each([
    ['1969-05-10', '1969-05-31', '1969-06-30', '1969-12-31'],
    ['2024-02-29', '2024-02-29', '2024-03-31', '2024-12-31'],
    ['1970-01-01', '1970-01-31', '1970-03-31', '1970-12-31'],
  ])('ends the month, quarter and year of %s', (text, month, quarter, year) => {
    expect(iso(monthEnd(day(text)))).toBe(month);
    expect(iso(quarterEnd(day(text)))).toBe(quarter);
    expect(iso(yearEnd(day(text)))).toBe(year);
  });

  it('ends weeks on Friday, on both sides of 1970', () => {
    expect(iso(weekEnd(day('2022-09-26')))).toBe('2022-09-30');
    expect(iso(weekEnd(day('2022-09-30')))).toBe('2022-09-30');
    expect(iso(weekEnd(day('1969-12-29')))).toBe('1970-01-02');
    expect(iso(weekEnd(day('1955-06-01')))).toBe('1955-06-03');
  });

  it('moves no day of any frequency into its past, and steps from one period to the next', () => {
    for (const frequency of ['W', 'M', 'Q', 'A'] as const) {
      for (let some = day('1968-12-20'); some < day('1972-01-10'); some++) {
        const end = periodEnd(some, frequency);
        expect(end).toBeGreaterThanOrEqual(some);
        expect(periodEnd(end, frequency)).toBe(end);
        expect(periodEnd(end + 1, frequency)).toBeGreaterThan(end);
      }
    }
  });

  it('gives the same period end for the frequency as its own function', () => {
    const some = day('1987-10-19');
    expect(periodEnd(some, 'D')).toBe(some);
    expect(periodEnd(some, 'W')).toBe(weekEnd(some));
    expect(periodEnd(some, 'M')).toBe(monthEnd(some));
    expect(periodEnd(some, 'Q')).toBe(quarterEnd(some));
    expect(periodEnd(some, 'A')).toBe(yearEnd(some));
  });

  it('indexes months so that neighbours differ by one', () => {
    expect(monthIndex(day('1970-01-31'))).toBe(0);
    expect(monthIndex(day('1969-12-01'))).toBe(-1);
    expect(iso(monthEndOfIndex(-1))).toBe('1969-12-31');
  });
});
