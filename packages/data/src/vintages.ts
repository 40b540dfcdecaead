import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type DayNumber, type Frequency, InputError, parseIsoDate, periodEnd, type TimeAxis } from '@macrograd/core';
import { readAlfred } from './alfred.js';
import { laggedAxis } from './align.js';
import { cachingReader, readOptions, type TableReader } from './reader.js';
import type { FileSpec } from './spec.js';
import type { Series, Table } from './table.js';

/** What was known from a day on. */
export interface Edition<T> {
  /** First day on which it was known. */
  readonly known: DayNumber;
  readonly content: T;
}

/** A source of macro series: its newest table, and where it has vintages all of them, oldest first. */
export interface Source {
  readonly table: Table;
  readonly editions: readonly Edition<Table>[] | undefined;
}

/**
 * Reads a source: a file, a folder with one file a vintage (the date in its name: `2019-09.csv` counts as known at the
 * end of that month, `2019-09-13.csv` on that day), or a file of all vintages as ALFRED has them.
 *
 * @throws InputError as readTable, and for a folder without dated files or with two of one date
 */
export async function readSource(spec: FileSpec, read: TableReader): Promise<Source> {
  if (await isFolder(spec.file)) return readFolder(spec, read);
  const editions = spec.sql === undefined ? await readAlfred(spec.file) : undefined;
  if (editions === undefined) return { table: await read(spec), editions: undefined };
  return { table: editions[editions.length - 1].content, editions };
}

/**
 * The table of a source: of a file itself, of vintages the newest.
 *
 * @throws InputError as {@link readSource}
 */
export async function readNewest(spec: FileSpec): Promise<Table> {
  return (await readSource(spec, cachingReader().read)).table;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function readFolder(spec: FileSpec, read: TableReader): Promise<Source> {
  const editions: Edition<Table>[] = [];
  for (const { known, name } of datedFiles(await readdir(spec.file), spec.file)) {
    editions.push({ known, content: await read({ ...readOptions(spec), file: join(spec.file, name) }) });
  }
  return { table: editions[editions.length - 1].content, editions };
}

const DATED = /(\d{4}-\d{2}(?:-\d{2})?)[^/]*\.(?:csv|tsv|csv\.gz|tsv\.gz|zip|parquet|arrow|feather)$/i;

function datedFiles(names: readonly string[], folder: string): { known: DayNumber; name: string }[] {
  const files = names.flatMap((name) => {
    const date = DATED.exec(name)?.[1];
    return date === undefined ? [] : [{ known: parseIsoDate(date), name }];
  });
  files.sort((a, b) => a.known - b.known || (a.name < b.name ? -1 : 1));
  const place = { file: folder };
  if (files.length === 0) {
    throw new InputError('no file of this folder has a date in its name', {
      place,
      remedy: 'name vintages by their month or day, as 2019-09.csv',
    });
  }
  const twice = files.findIndex(({ known }, i) => known === files[i - 1]?.known);
  if (twice < 0) return files;
  throw new InputError(`${files[twice - 1].name} and ${files[twice].name} are vintages of one date`, {
    place,
    remedy: 'keep one of them',
  });
}

/** Periods that the newest value of a vintage may lie behind a date before it says nothing about it. */
const STALE_AFTER = 3;

/** A column as it was known, and how far it is real. */
export interface KnownColumn {
  /** One value an axis date, NaN = missing. */
  readonly values: Float64Array;
  /** Axis dates before the first edition that hold values which only that edition knew. */
  readonly revised: number;
}

/**
 * At every date of an axis the newest value of the edition known then: whatever was published later, values and
 * revisions, has no part in it. Before the first edition, its values enter as late as its own newest one was at its
 * date; they are revised ones, and counted.
 *
 * @param figures - a series whose values of the same periods are shown in their place: what they were revised to.
 */
export function knownColumn(axis: TimeAxis, editions: readonly Edition<Series>[], figures?: Series): KnownColumn {
  const early = laggedAxis(axis, delayOf(editions[0], axis.frequency)).dates;
  let revised = 0;
  let edition = -1;
  const values = Float64Array.from(axis.dates, (date, row) => {
    while (edition + 1 < editions.length && editions[edition + 1].known <= date) edition++;
    const isReal = edition >= 0;
    const { content } = editions[Math.max(edition, 0)];
    const day = isReal ? date : early[row];
    const found = lastObserved(content, day);
    if (found === undefined || isStale(content, found.date, day)) return Number.NaN;
    if (!isReal) revised++;
    return figures === undefined ? found.value : valueAt(figures, found.date);
  });
  return { values, revised };
}

/** Periods by which an edition's newest value lies behind its own date. */
function delayOf({ known, content }: Edition<Series>, frequency: Frequency): number {
  const newest = lastObserved(content, known);
  if (newest === undefined) return 0;
  const last = periodEnd(known, frequency);
  let periods = 0;
  for (let end = periodEnd(newest.date, frequency); end < last; end = periodEnd(end + 1, frequency)) periods++;
  return periods;
}

/** Newest observed value dated on or before a day. */
function lastObserved({ dates, values }: Series, day: DayNumber): { date: DayNumber; value: number } | undefined {
  let low = 0;
  let high = dates.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (dates[middle] <= day) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= 0; i--) if (!Number.isNaN(values[i])) return { date: dates[i], value: values[i] };
  return undefined;
}

/** Value of exactly that period, NaN where there is none. */
function valueAt(series: Series, date: DayNumber): number {
  const found = lastObserved(series, date);
  return found?.date === date ? found.value : Number.NaN;
}

function isStale({ frequency }: Series, date: DayNumber, day: DayNumber): boolean {
  let end = date;
  for (let i = 0; i < STALE_AFTER; i++) end = periodEnd(end + 1, frequency);
  return day >= periodEnd(end + 1, frequency);
}
