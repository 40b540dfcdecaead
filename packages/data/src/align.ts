import { type Frequency, periodEnd, periodsPerYear, type TimeAxis } from '@macrograd/core';
import { businessDays, type Holidays } from './businessDays.js';
import type { AggregateId } from './spec.js';
import type { Series } from './table.js';
import { periodsBetween } from './transform.js';

/** Whether frequency a has more periods a year than b. */
export function isFiner(a: Frequency, b: Frequency): boolean {
  return periodsPerYear[a] > periodsPerYear[b];
}

/** Weekdays that may follow a file's last day in a period without making the period incomplete: one holiday, unless a
 * calendar knows. */
const WEEKDAYS_SPARED = 1;

/**
 * One value a period from a series of higher frequency: the last observed one, the mean of the observed ones, or all
 * summed or compounded (missing when one is). A last period that the source does not reach the end of is left out, since its value would still change.
 */
export function downsample(series: Series, frequency: Frequency, how: AggregateId): Series {
  if (how === 'compounded') return compound(series, frequency);
  return reduce(series, frequency, (values) => {
    if (how === 'sum') return values.reduce((sum, value) => sum + value, 0);
    const observed = values.filter((value) => !Number.isNaN(value));
    if (observed.length === 0) return Number.NaN;
    if (how === 'last') return observed[observed.length - 1];
    return observed.reduce((sum, value) => sum + value, 0) / observed.length;
  });
}

/** Simple returns compounded over longer periods; one missing return makes its period missing. */
export function compound(series: Series, frequency: Frequency): Series {
  return reduce(series, frequency, (values) => values.reduce((wealth, r) => wealth * (1 + r), 1) - 1);
}

function reduce(series: Series, frequency: Frequency, ofPeriod: (values: Float64Array) => number): Series {
  const dates: number[] = [];
  const values: number[] = [];
  const lines: number[] = [];
  for (let start = 0; start < series.dates.length; ) {
    const end = periodEnd(series.dates[start], frequency);
    let stop = start;
    while (stop < series.dates.length && series.dates[stop] <= end) stop++;
    if (stop < series.dates.length || reachesEnd(series, end)) {
      dates.push(end);
      values.push(ofPeriod(series.values.subarray(start, stop)));
      lines.push(series.lines[stop - 1]);
    }
    start = stop;
  }
  const reduced = { dates: Int32Array.from(dates), values: Float64Array.from(values), lines: Int32Array.from(lines) };
  return { name: series.name, frequency, ...reduced };
}

/** Whether the series' last date completes the period that ends on the given day. */
function reachesEnd(series: Series, end: number): boolean {
  const last = series.dates[series.dates.length - 1];
  if (series.frequency !== 'D') return periodEnd(last + 1, series.frequency) > end;
  const { holidays } = series;
  const ahead = businessDays(last + 1, end, holidays ?? new Set()).length;
  return ahead <= (holidays === undefined ? WEEKDAYS_SPARED : 0);
}

/**
 * Values of a series at the dates of an axis of the same or a higher frequency. At the same frequency dates must match;
 * a value of lower frequency is carried from its period's end to the day before the next period's end, never earlier
 * and never longer: what is missing or has ended is missing.
 *
 * @returns one value an axis date, NaN = missing.
 */
export function alignTo(axis: TimeAxis, series: Series): Float64Array {
  const out = new Float64Array(axis.dates.length).fill(Number.NaN);
  const { dates, values, frequency } = series;
  const isCarried = isFiner(axis.frequency, frequency);
  let source = -1;
  axis.dates.forEach((date, row) => {
    while (source + 1 < dates.length && dates[source + 1] <= date) source++;
    if (source < 0) return;
    const isCurrent = isCarried ? date < periodEnd(dates[source] + 1, frequency) : dates[source] === date;
    if (isCurrent) out[row] = values[source];
  });
  return out;
}

/** No date: sorts before all others. */
const NEVER = -(2 ** 31);

/** Days to go back from a period's end to land in the period before. */
const BACK: Readonly<Record<Exclude<Frequency, 'D'>, number>> = { W: 7, M: 31, Q: 92, A: 366 };

/** Last day of the period before the one that ends on a day. */
export function periodBefore(end: number, frequency: Frequency): number {
  return frequency === 'D' ? end - 1 : periodEnd(end - BACK[frequency], frequency);
}

/** The dates that lie `lag` periods before those of an axis, for looking up what was known by then. */
export function laggedAxis(axis: TimeAxis, lag: number): TimeAxis {
  const { frequency, dates } = axis;
  const early: number[] = [];
  for (let i = 0; i < Math.min(lag, dates.length); i++) {
    const next = early[0] ?? dates[0];
    early.unshift(frequency === 'D' ? NEVER : periodBefore(next, frequency));
  }
  return { frequency, dates: Int32Array.from([...early, ...dates].slice(0, dates.length)) };
}

/** Axis from first to last day; a daily one has the business days of a calendar, or without one the given days. */
export function makeAxis(
  frequency: Frequency,
  first: number,
  last: number,
  days: Iterable<number>,
  holidays?: Holidays,
): TimeAxis {
  if (frequency === 'D' && holidays) return { frequency, dates: businessDays(first, last, holidays) };
  if (frequency !== 'D') return { frequency, dates: periodsBetween(periodEnd(first, frequency), last, frequency) };
  const within = [...new Set(days)].filter((day) => day >= first && day <= last);
  return { frequency, dates: Int32Array.from(within).sort() };
}
