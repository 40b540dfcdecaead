import type { ReadOptions } from '@macrograd/data';

/** What a file that is read must turn into. */
export interface Meaning {
  /** Values by column; NaN = missing. Columns that are not named may be there too. */
  readonly values?: Readonly<Record<string, readonly number[]>>;
  /** First and last date of the first column, ISO. */
  readonly dates?: readonly [string, string];
  /** Number of columns. */
  readonly width?: number;
  /** A part of a note that must be given; '' = no note at all. */
  readonly note?: string;
}

/** One file and what becomes of it: exactly one of `reads` and `refuses`. */
export interface Hazard {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly options?: ReadOptions;
  /** Default `csv`. */
  readonly extension?: string;
  readonly reads?: Meaning;
  /** Beginning of the message, with FILE for the path. */
  readonly refuses?: string;
}

/** A file of two columns by month from January 2020, its lines given after the header. */
export function monthly(lines: readonly string[], header = 'date,A,B'): string {
  return `${[header, ...lines].join('\n')}\n`;
}

/** Month labels from a first year. */
export function months(count: number, first = 2020): string[] {
  return Array.from(
    { length: count },
    (_, i) => `${first + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, '0')}`,
  );
}
