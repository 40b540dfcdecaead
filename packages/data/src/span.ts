import {
  type Frequency,
  formatIsoDate,
  InputError,
  parseIsoDate,
  periodEnd,
  periodsPerYear,
  type TimeAxis,
} from '@macrograd/core';
import { makeAxis } from './align.js';
import type { PanelSpec } from './spec.js';
import type { Series } from './table.js';

interface HasSeries {
  readonly series: Series;
}

/** The coarser of the factors' and the assets' finest frequencies. */
export function commonFrequency(factors: readonly HasSeries[], assets: readonly HasSeries[]): Frequency {
  const candidates = [factors, assets].flatMap((group) =>
    group.length === 0 ? [] : [group.map(({ series }) => series.frequency).sort(finestFirst)[0]],
  );
  if (candidates.length === 0) {
    throw new InputError('there is neither a factor nor an asset', { code: 'bad_config', remedy: 'name some files' });
  }
  return candidates.sort(finestFirst)[candidates.length - 1];
}

function finestFirst(a: Frequency, b: Frequency): number {
  return periodsPerYear[b] - periodsPerYear[a];
}

/** Axis of a panel: the span where it is given, else from the first to the last observation. Daily dates are
 * those of the calendar; without one the assets', or without assets the factors'. */
export function spanAxis(
  span: NonNullable<PanelSpec['span']>,
  frequency: Frequency,
  factors: readonly Series[],
  assets: readonly Series[],
): TimeAxis {
  const series = [...factors, ...assets];
  const first = span.start === undefined ? extreme(series, 0, Math.min) : firstDay(span.start);
  const last = span.end === undefined ? extreme(series, -1, Math.max) : periodEnd(dayOf(span.end), frequency);
  // A month's end may be a Sunday: only what is daily knows the days.
  const daily = (assets.length > 0 ? assets : factors).filter((one) => one.frequency === 'D');
  const days = frequency === 'D' ? new Set(daily.flatMap((one) => [...one.dates])) : [];
  const { holidays } = series.find((one) => one.holidays !== undefined) ?? {};
  const axis = makeAxis(frequency, first, last, days, holidays);
  if (axis.dates.length > 0) return axis;
  throw new InputError(`the span from ${formatIsoDate(first)} to ${formatIsoDate(last)} holds no date`, {
    code: 'bad_config',
    remedy: 'let it start before it ends',
  });
}

/** First or last date of all series. */
function extreme(series: readonly Series[], at: 0 | -1, choose: (...days: number[]) => number): number {
  const days = series.flatMap(({ dates }) => dates.at(at) ?? []);
  return days.reduce((a, b) => choose(a, b));
}

/** A month as a start is its first day, so that all its weeks and days are in. */
function firstDay(text: string): number {
  const day = dayOf(text);
  return text.trim().length > 'YYYY-MM'.length ? day : dayOf(`${text.trim()}-01`);
}

function dayOf(text: string): number {
  try {
    return parseIsoDate(text.trim());
  } catch (cause) {
    throw new InputError(`"${text}" in the span is not a date`, {
      code: 'bad_config',
      remedy: 'write YYYY-MM or YYYY-MM-DD',
      cause,
    });
  }
}
