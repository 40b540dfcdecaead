import { type Frequency, InputError } from '@macrograd/core';
import type { Holidays } from './businessDays.js';
import type { Origin } from './fetch/origin.js';
import type { TableFormat } from './spec.js';

/** One column of a file on its own dates. */
export interface Series {
  readonly name: string;
  readonly frequency: Frequency;
  /** Ascending, each the last day of its period (the day itself for daily data); periods may be absent. */
  readonly dates: Int32Array;
  /** NaN = missing. */
  readonly values: Float64Array;
  /** Line (row for Parquet) of the file that each value stands on, from 1. */
  readonly lines: Int32Array;
  /** Of daily series where a calendar is known: then every business day from the first to the last has its place. */
  readonly holidays?: Holidays;
}

/** What a file holds, read but not yet transformed. */
export interface Table {
  /** Path as it was given. */
  readonly file: string;
  readonly format: Exclude<TableFormat, 'auto'>;
  /** Hash of the file's bytes, hexadecimal. */
  readonly sha256: string;
  readonly series: ReadonlyMap<string, Series>;
  /** Transformation codes of FRED-MD and FRED-QD files by series; empty for other formats. */
  readonly transformCodes: ReadonlyMap<string, number>;
  /** Where the file was fetched from, if it was and has not been changed since. */
  readonly origin?: Origin;
  /** What reading did that its owner should know: rows sorted, blank rows skipped. */
  readonly notes: readonly string[];
}

/** The named series of a table; refuses an unknown name with the nearest one that exists. */
export function seriesOf(table: Table, name: string, wantedFor: string): Series {
  const found = table.series.get(name);
  if (found) return found;
  const names = [...table.series.keys()];
  const near = nearestName(name, names);
  throw new InputError(`there is no column "${name}" (wanted for ${wantedFor})`, {
    place: { file: table.file, line: 1 },
    remedy: near === undefined ? `its columns are ${listNames(names)}` : `did you mean "${near}"?`,
  });
}

/** Names for a message, cut after twelve. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ');
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown;
}

/** The name within two edits of the wanted one, letter case aside, or undefined. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const scored = names
    .map((name) => ({ name, distance: editDistance(wanted.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.min(2, wanted.length - 1))
    .sort((a, b) => a.distance - b.distance);
  return scored[0]?.name;
}

/** Levenshtein distance; anything above 2 may come back as 3. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitute, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}
