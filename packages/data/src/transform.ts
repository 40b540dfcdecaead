import {
  type Frequency,
  formatIsoDate,
  InputError,
  periodEnd,
  periodsPerYear,
  type TransformId,
} from '@macrograd/core';
import type { Series } from './table.js';

/** A series on every period from its first to its last, NaN where the source has none. */
export function onEveryPeriod(series: Series): Series {
  const { frequency, dates } = series;
  // Business calendars differ, so absent days are not gaps.
  if (frequency === 'D' || dates.length === 0) return series;
  const all = periodsBetween(dates[0], dates[dates.length - 1], frequency);
  if (all.length === dates.length) return series;
  const values = new Float64Array(all.length).fill(Number.NaN);
  const lines = new Int32Array(all.length);
  let source = 0;
  all.forEach((date, i) => {
    if (dates[source] !== date) return;
    values[i] = series.values[source];
    lines[i] = series.lines[source++];
  });
  return { ...series, dates: all, values, lines };
}

/** Every period end from first to last, both included, of a regular frequency. */
export function periodsBetween(first: number, last: number, frequency: Frequency): Int32Array {
  const dates: number[] = [];
  for (let date = first; date <= last; date = periodEnd(date + 1, frequency)) dates.push(date);
  return Int32Array.from(dates);
}

/**
 * Transforms a series at its own frequency; the value at t uses values up to t alone. Missing values stay missing and
 * make missing what is computed from them.
 *
 * none x_t; diff x_t - x_{t-1}; diff2 its change; pct 100 (x_t / x_{t-1} - 1); pct_diff its change; yoy as pct against a
 * year earlier; yoy_diff its change; log 100 ln x_t; dlog 100 (ln x_t - ln x_{t-1}); dlog2 its change.
 *
 * @throws InputError where a logarithm or a ratio meets a value that is not positive, and on yoy of daily data.
 * `pct_diff` alone takes negative values: it is FRED-MD's code 7, made for nonborrowed reserves, which were below zero in
 * 2008. Zero is refused there.
 */
export function transformSeries(series: Series, transform: TransformId, wantedFor: string, file: string): Series {
  if (transform === 'none') return series;
  const regular = onEveryPeriod(series);
  if (transform !== 'diff' && transform !== 'diff2') refuseNotPositive(regular, transform, wantedFor, file);
  return { ...regular, values: transformed(regular, transform, wantedFor) };
}

function transformed(series: Series, transform: TransformId, wantedFor: string): Float64Array {
  const x = series.values;
  switch (transform) {
    case 'none':
      return x;
    case 'diff':
      return difference(x);
    case 'diff2':
      return difference(difference(x));
    case 'pct':
      return percentChange(x, 1);
    case 'pct_diff':
      return difference(percentChange(x, 1));
    case 'yoy':
      return percentChange(x, yearOf(series.frequency, wantedFor));
    case 'yoy_diff':
      return difference(percentChange(x, yearOf(series.frequency, wantedFor)));
    case 'log':
      return x.map((value) => 100 * Math.log(value));
    case 'dlog':
      return difference(x.map((value) => 100 * Math.log(value)));
    case 'dlog2':
      return difference(difference(x.map((value) => 100 * Math.log(value))));
  }
}

function difference(x: Float64Array): Float64Array {
  return x.map((value, t) => (t === 0 ? Number.NaN : value - x[t - 1]));
}

function percentChange(x: Float64Array, lag: number): Float64Array {
  return x.map((value, t) => (t < lag ? Number.NaN : 100 * (value / x[t - lag] - 1)));
}

function yearOf(frequency: Frequency, wantedFor: string): number {
  if (frequency !== 'D') return periodsPerYear[frequency];
  throw new InputError(`a yearly change of the daily series for ${wantedFor} has no fixed number of days`, {
    code: 'bad_config',
    remedy: 'use a weekly or monthly panel, or pct',
  });
}

function refuseNotPositive(series: Series, transform: TransformId, wantedFor: string, file: string): void {
  const isAllowed = transform === 'pct_diff' ? (value: number) => value !== 0 : (value: number) => !(value <= 0);
  const index = series.values.findIndex((value) => !isAllowed(value));
  if (index < 0) return;
  const date = formatIsoDate(series.dates[index]);
  throw new InputError(
    `"${series.name}" is ${series.values[index]} at ${date}, and ${transform} (for ${wantedFor}) needs ${transform === 'pct_diff' ? 'values other than zero' : 'positive values'}`,
    { place: { file, line: series.lines[index] }, remedy: 'use diff or none' },
  );
}
