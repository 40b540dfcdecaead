import type { DictionaryColumn } from '@macrograd/store';

/** For each code of a dictionary column, the place of its string in `names`, or -1. */
export function codesTo(column: DictionaryColumn, names: readonly string[]): Int32Array {
  const place = new Map(names.map((name, i) => [name, i]));
  return Int32Array.from(column.values, (value) => place.get(value) ?? -1);
}

/** Distinct strings of several columns, in order of first appearance in the first column that has them. */
export function distinct(...columns: readonly DictionaryColumn[]): string[] {
  return [...new Set(columns.flatMap((column) => column.values))];
}

/** The fit that headlines use: `final` where there is one, else the last fold. */
export function headlineFit(column: DictionaryColumn): string {
  if (column.values.includes('final')) return 'final';
  return [...column.values].sort((a, b) => Number(a) - Number(b)).at(-1) ?? 'final';
}

/** What a difference of equal numbers leaves: far below any exposure, score or q-value that is shown. */
const NOISE = 1e-12;

/** A number for JSON: five significant digits, null where missing. */
export function rounded(x: number): number | null {
  if (!Number.isFinite(x)) return null;
  return Math.abs(x) < NOISE ? 0 : Number(x.toPrecision(5));
}
