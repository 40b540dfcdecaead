import { type Frequency, InputError, periodEnd } from '@macrograd/core';
import { isFiner, periodBefore } from './align.js';
import type { Series } from './table.js';
import { onEveryPeriod, periodsBetween } from './transform.js';

/** A series of low frequency, and the short periods in its long ones. */
export interface LongValues {
  /** [long], short periods in each. */
  readonly lengths: Int32Array;
  /** [long], NaN = missing. */
  readonly values: Float64Array;
  /** Short periods after the last long one. */
  readonly beyond: number;
  /** [short], the indicator, carried where it is missing. */
  readonly indicator?: Float64Array;
}

/**
 * How a series of lower frequency than the panel's gets a value every period, before its transform. The computing comes
 * from outside: `chowLin` and `driftPath` of `@macrograd/linear` are such paths.
 */
export interface FillSpec {
  /** Said beside the transform, as `Chow-Lin on INDPRO`. */
  readonly label: string;
  /** Whether values use long periods after them; refused under `available`. Else each is the end of its own past's path. */
  readonly isTwoSided: boolean;
  /** Another series of the spec, taken before its transform. */
  readonly indicator?: string;
  /** Value of every short period. */
  readonly path: (long: LongValues) => Float64Array;
}

/**
 * A series by the periods of a higher frequency. Two-sided paths end with the last long period; one-sided ones go on to
 * the day before the next one's end, as carried values do, and are missing where a long period's value did not come.
 *
 * @param finish - transform and what follows it: applied to each path as a whole, so that a change is taken within it.
 * @throws InputError where the indicator covers no long period
 */
export function fillSeries(
  series: Series,
  frequency: Frequency,
  fill: FillSpec,
  indicator: Series | undefined,
  finish: (filled: Series) => Series,
): Series {
  const grid = gridOf(series, frequency, fill, indicator);
  const upTo = (short: number, long: number): Series => {
    const lengths = grid.lengths.slice(0, long);
    const beyond = short - lengths.reduce((sum, length) => sum + length, 0);
    const guide = grid.indicator && { indicator: grid.indicator.slice(0, short) };
    const values = fill.path({ lengths, values: grid.values.slice(0, long), beyond, ...guide });
    const dates = grid.dates.slice(0, short);
    return finish({ name: series.name, frequency, dates, values, lines: grid.lines.slice(0, short) });
  };
  if (fill.isTwoSided) return upTo(grid.dates.length, grid.lengths.length);
  const values = new Float64Array(grid.dates.length).fill(Number.NaN);
  let long = 0;
  for (let short = 1; short <= values.length; short++) {
    while (long < grid.ends.length && grid.ends[long] <= grid.dates[short - 1]) long++;
    if (long === 0 || Number.isNaN(grid.values[long - 1])) continue;
    values[short - 1] = upTo(short, long).values[short - 1];
  }
  return { name: series.name, frequency, dates: grid.dates, values, lines: grid.lines };
}

interface Grid {
  /** [long], last days. */
  readonly ends: Int32Array;
  readonly values: Float64Array;
  readonly lengths: Int32Array;
  /** [short], last days. */
  readonly dates: Int32Array;
  readonly lines: Int32Array;
  readonly indicator: Float64Array | undefined;
}

/** Long periods from the first observed one on, as far back as the indicator reaches, and the short ones in and after them. */
function gridOf(series: Series, frequency: Frequency, fill: FillSpec, indicator: Series | undefined): Grid {
  const all = onEveryPeriod(series);
  const guideStart = indicator?.dates[indicator.values.findIndex((value) => !Number.isNaN(value))];
  const firstShort = (end: number) => periodEnd(periodBefore(end, all.frequency) + 1, frequency);
  const isCovered = (end: number) => guideStart === undefined || guideStart <= firstShort(end);
  const from = all.values.findIndex((value, long) => !Number.isNaN(value) && isCovered(all.dates[long]));
  if (from < 0) {
    throw new InputError(`the indicator ${fill.indicator} has no value over a whole period of ${series.name}`, {
      code: 'bad_config',
      remedy: 'take an indicator that covers the same years',
    });
  }
  const to = all.values.findLastIndex((value) => !Number.isNaN(value)) + 1;
  const ends = all.dates.slice(from, to);
  const last = fill.isTwoSided ? ends[ends.length - 1] : periodEnd(ends[ends.length - 1] + 1, all.frequency) - 1;
  const dates = periodsBetween(firstShort(ends[0]), last, frequency);
  const lengths = new Int32Array(ends.length);
  const lines = new Int32Array(dates.length);
  let long = 0;
  dates.forEach((date, short) => {
    while (long < ends.length && ends[long] < date) long++;
    if (long < ends.length) lengths[long]++;
    lines[short] = all.lines[from + Math.min(long, ends.length - 1)];
  });
  return {
    ends,
    values: all.values.slice(from, to),
    lengths,
    dates,
    lines,
    indicator: indicator && carried(indicator, dates),
  };
}

/** Newest value of a series at or before each date. */
function carried({ dates: own, values }: Series, dates: Int32Array): Float64Array {
  let next = 0;
  let newest = Number.NaN;
  return Float64Array.from(dates, (date) => {
    for (; next < own.length && own[next] <= date; next++) if (!Number.isNaN(values[next])) newest = values[next];
    return newest;
  });
}

/**
 * Refuses fills that can't be made.
 *
 * @throws InputError (`bad_config`) for a panel of days, and for a series whose frequency is not lower than the panel's
 */
export function refuseIdleFill(series: Series, frequency: Frequency, file: string): void {
  const problem =
    frequency === 'D'
      ? `${series.name} is to be filled by days`
      : isFiner(frequency, series.frequency)
        ? undefined
        : `${series.name} has a value every period of the panel already: there is nothing to fill`;
  if (problem === undefined) return;
  throw new InputError(problem, {
    code: 'bad_config',
    place: { file },
    remedy: frequency === 'D' ? 'leave `fill` out, or take weeks or months' : 'leave `fill` out',
  });
}
