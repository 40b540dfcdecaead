import { type DayNumber, InputError, parseIsoDate, periodEnd, type TimeAxis } from '@macrograd/core';
import { quoted } from './cells.js';
import { type Grid, refuse } from './grid.js';
import { cleanName } from './header.js';
import { readCells } from './source.js';
import type { Series } from './table.js';

/** Day of release by day of the reference period, of every series of a calendar. */
export type ReleaseCalendar = ReadonlyMap<string, ReadonlyMap<DayNumber, DayNumber>>;

/**
 * Reads a calendar of releases: columns `series`, `date` (any day of the reference period) and `released`.
 *
 * @throws InputError for other columns, days that can't be read, and a release before its period began
 */
export async function readReleases(file: string): Promise<ReleaseCalendar> {
  const { grid } = await readCells(file, {});
  const header = (grid.rows[0] ?? []).map((cell) => cleanName(cell).toLowerCase());
  const [series, date, released] = ['series', 'date', 'released'].map((name) => header.indexOf(name));
  if (series < 0 || date < 0 || released < 0) {
    throw new InputError('this is no calendar of releases', {
      place: { file, line: 1 },
      remedy: 'name its columns series, date and released',
    });
  }
  const calendar = new Map<string, Map<DayNumber, DayNumber>>();
  for (let row = 1; row < grid.rows.length; row++) {
    const name = cleanName(grid.rows[row][series] ?? '');
    const [from, day] = [dayAt(grid, row, date), dayAt(grid, row, released)];
    if (day < from) {
      const remedy = 'give the day on which the figure came out';
      refuse(grid, row, released, { problem: 'this release comes before its period', remedy });
    }
    const days = calendar.get(name) ?? new Map();
    calendar.set(name, days.set(from, day));
  }
  return calendar;
}

function dayAt(grid: Grid, row: number, column: number): DayNumber {
  const text = String(grid.rows[row][column] ?? '').trim();
  try {
    return parseIsoDate(text);
  } catch {
    return refuse(grid, row, column, { problem: `${quoted(text)} is not a day`, remedy: 'write YYYY-MM-DD' });
  }
}

/**
 * At every date of an axis the newest value released by then. A period that the calendar leaves out counts as released as
 * late as the latest of those before it (before the first entry: as late as that one was).
 */
export function releasedColumn(
  axis: TimeAxis,
  series: Series,
  releases: ReadonlyMap<DayNumber, DayNumber>,
): Float64Array {
  const known = releaseDays(series, releases);
  let newest = -1;
  return Float64Array.from(axis.dates, (date) => {
    while (newest + 1 < series.dates.length && series.dates[newest + 1] <= date) newest++;
    for (let i = newest; i >= 0; i--) {
      if (known[i] <= date && !Number.isNaN(series.values[i])) return series.values[i];
    }
    return Number.NaN;
  });
}

function releaseDays({ dates, frequency }: Series, releases: ReadonlyMap<DayNumber, DayNumber>): Int32Array {
  const byPeriod = new Map([...releases].map(([date, released]) => [periodEnd(date, frequency), released]));
  const first = dates.find((date) => byPeriod.has(date));
  let delay = first === undefined ? 0 : (byPeriod.get(first) ?? first) - first;
  return dates.map((date) => {
    const released = byPeriod.get(date);
    if (released !== undefined) delay = Math.max(delay, released - date);
    return released ?? date + delay;
  });
}
