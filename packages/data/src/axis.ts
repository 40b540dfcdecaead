import { type Frequency, formatIsoDate, InputError, periodEnd, periodsPerYear } from '@macrograd/core';
import { detectFrequency } from './dates.js';
import type { Grid } from './grid.js';
import type { RawSeries } from './layout.js';
import type { Series } from './table.js';

/** Observations below which a column's own frequency is not judged: it has its table's. */
const ENOUGH_TO_JUDGE = 8;

interface SortedDays {
  /** Positions of the raw values in ascending order of dates; undefined where they are in it already. */
  readonly order: Int32Array | undefined;
  readonly days: Int32Array;
  /** Grid rows. */
  readonly rows: Int32Array;
  /** Its own frequency, where it is long enough to have one. */
  readonly own: Frequency | undefined;
}

interface Axis {
  readonly frequency: Frequency;
  readonly order: Int32Array | undefined;
  readonly days: Int32Array;
  readonly dates: Int32Array;
  readonly lines: Int32Array;
}

/** Turns raw columns into series on ascending period ends; columns that share their days share the work. */
export class SeriesBuilder {
  readonly notes: string[] = [];
  private readonly sorted = new Map<Int32Array, SortedDays>();
  private readonly axes = new Map<Int32Array, Axis>();
  private readonly frequency: Frequency;
  private saidUnsorted = false;

  constructor(
    private readonly grid: Grid,
    columns: readonly RawSeries[],
  ) {
    for (const raw of columns) this.sortedOf(raw);
    this.frequency = frequencyOf(grid, this.sorted);
  }

  build(raw: RawSeries): Series {
    const { frequency, order, days, dates, lines } = this.axisOf(raw);
    const values = order === undefined ? raw.values : Float64Array.from(order, (position) => raw.values[position]);
    return onOwnFrequency({ name: raw.name, frequency, dates, values, lines }, days);
  }

  /** Dates in ascending order; refuses one that is there twice before anything else is told from them. */
  private sortedOf(raw: RawSeries): SortedDays {
    const known = this.sorted.get(raw.days);
    if (known) return known;
    const order = isAscending(raw.days) ? undefined : this.orderOf(raw.days);
    const days = order?.map((position) => raw.days[position]) ?? raw.days;
    const rows = order?.map((position) => raw.rows[position]) ?? raw.rows;
    this.refuseTwice(days, rows, (day) => day, 'stands here again; its first row is');
    const own = days.length >= ENOUGH_TO_JUDGE ? detectFrequency(days) : undefined;
    const sorted = { order, days, rows, own };
    this.sorted.set(raw.days, sorted);
    return sorted;
  }

  private orderOf(days: Int32Array): Int32Array {
    if (!this.saidUnsorted) this.notes.push('rows were not in ascending order of dates and have been sorted');
    this.saidUnsorted = true;
    return Int32Array.from(days, (_, position) => position).sort((a, b) => days[a] - days[b] || a - b);
  }

  private axisOf(raw: RawSeries): Axis {
    const known = this.axes.get(raw.days);
    if (known) return known;
    const { order, days, rows, own } = this.sortedOf(raw);
    const frequency = own ?? this.frequency;
    const dates = days.map((day) => periodEnd(day, frequency));
    this.refuseTwice(dates, rows, (_, i) => days[i], `lies in one period (${frequency}) with the date on`);
    const axis = { frequency, order, days, dates, lines: rows.map((row) => this.grid.lines[row]) };
    this.axes.set(raw.days, axis);
    return axis;
  }

  private refuseTwice(
    keys: Int32Array,
    rows: Int32Array,
    shown: (key: number, index: number) => number,
    text: string,
  ): void {
    const index = keys.findIndex((key, i) => i > 0 && key === keys[i - 1]);
    if (index < 0) return;
    const [first, second] = [rows[index - 1], rows[index]].sort((a, b) => a - b);
    throw new InputError(`${formatIsoDate(shown(keys[index], index))} ${text} line ${this.grid.lines[first]}`, {
      place: this.grid.place(second, 0),
      remedy: 'keep one row a date (and series)',
    });
  }
}

/** Frequency of a file: that of most observations, or of all dates together where every column is short. */
function frequencyOf(grid: Grid, sorted: ReadonlyMap<Int32Array, SortedDays>): Frequency {
  const axes = [...sorted.values()];
  const votes = new Map<Frequency, number>();
  for (const { days, own } of axes) {
    if (own) votes.set(own, (votes.get(own) ?? 0) + days.length);
  }
  const distinct = new Set(axes.flatMap(({ days }) => (votes.size > 0 ? [] : [...days])));
  const [elected] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? [];
  const frequency = elected ?? detectFrequency(Int32Array.from(distinct).sort());
  if (frequency) return frequency;
  const problem =
    distinct.size < 2
      ? 'there is one date only, from which no frequency can be told'
      : 'the distances between dates are neither daily, weekly, monthly, quarterly nor annual';
  throw new InputError(problem, {
    place: grid.place(grid.rows.length - 1, 0),
    remedy: 'give dates at one of these frequencies, at least two of them',
  });
}

function isAscending(days: Int32Array): boolean {
  return days.every((day, i) => i === 0 || day >= days[i - 1]);
}

/** A column observed at a lower frequency than its table's dates is a series of that frequency. */
function onOwnFrequency(series: Series, days: Int32Array): Series {
  let count = 0;
  for (const value of series.values) if (!Number.isNaN(value)) count++;
  // A lower frequency has a third of the dates at most: a quarter's month.
  if (count < ENOUGH_TO_JUDGE || 2 * count > days.length) return series;
  const observed = Int32Array.from(series.values.keys()).filter((i) => !Number.isNaN(series.values[i]));
  const own = detectFrequency(observed.map((i) => days[i]));
  if (own === undefined || periodsPerYear[own] >= periodsPerYear[series.frequency]) return series;
  const dates = observed.map((i) => periodEnd(days[i], own));
  if (dates.some((date, i) => i > 0 && date === dates[i - 1])) return series;
  return {
    name: series.name,
    frequency: own,
    dates,
    values: Float64Array.from(observed, (i) => series.values[i]),
    lines: observed.map((i) => series.lines[i]),
  };
}
