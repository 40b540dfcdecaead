import { present } from '../format.js';
import type { PageData } from '../page-data.js';
import { chosenNone, isSignificant, sourceBlock } from '../source.js';

/** Factors listed for an asset when none is picked. */
const STRONGEST = 3;

/** What the reader has asked the table for. */
export interface View {
  search: string;
  factor: number;
  method: string;
  significant: boolean;
  sort: SortKey;
  descending: boolean;
  limit: number;
}

/** Column that the table is sorted by. */
export type SortKey = 'asset' | 'r2' | 'hedge' | 'exposure' | 'q';

/** One asset of the table. */
export interface Row {
  readonly asset: number;
  /** Factor indexes shown, strongest first. */
  readonly factors: readonly number[];
}

/** Assets that fit the search and the filters, sorted. */
export function sortedRows(data: PageData, view: View): Row[] {
  const rows = data.assets.flatMap(({ name, labels }, asset): Row[] => {
    if (view.search && !`${name} ${labels.join(' ')}`.toLowerCase().includes(view.search)) return [];
    const factors = factorsOf(data, view, asset);
    return factors.length === 0 && (view.significant || view.factor >= 0) ? [] : [{ asset, factors }];
  });
  const key = (row: Row): number | string | null => sortValue(data, view, row);
  const strength = (row: Row) => leadingSize(data, view, row);
  const direction = view.descending ? -1 : 1;
  return rows.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return x === y ? a.asset - b.asset : x === null ? 1 : -1;
    // Equal q-values are common far out in the tail: the larger exposure goes first.
    return (x < y ? -1 : x > y ? 1 : 0) * direction || strength(b) - strength(a) || a.asset - b.asset;
  });
}

function factorsOf(data: PageData, view: View, asset: number): number[] {
  const block = sourceBlock(data, asset, view.method);
  if (!block) return [];
  const base = asset * data.factors.length;
  const wanted = view.factor < 0 ? data.factors.map((_, j) => j) : [view.factor];
  const known = wanted.filter(
    (j) => present(block.mean[base + j]) && (!view.significant || isSignificant(data, asset, j, view.method)),
  );
  const size = (j: number) => Math.abs(block.mean[base + j] ?? 0);
  const q = (j: number) => block.q[base + j] ?? 1;
  return known.sort((a, b) => q(a) - q(b) || size(b) - size(a)).slice(0, STRONGEST);
}

function sortValue(data: PageData, view: View, { asset, factors }: Row): number | string | null {
  if (view.sort === 'asset') return data.assets[asset].name.toLowerCase();
  const scores = data.scores[view.method];
  if (view.sort === 'r2') return scores?.r2[asset] ?? null;
  if (view.sort === 'hedge') return scores?.hedge[asset] ?? null;
  if (factors.length === 0) return null;
  if (view.sort === 'exposure') return leadingSize(data, view, { asset, factors });
  const q = sourceBlock(data, asset, view.method)?.q[asset * data.factors.length + factors[0]] ?? null;
  if (q === null) return null;
  // Estimates that are not relied upon come after those that are, and exposures known beforehand last.
  const unused = view.method === 'chosen' && chosenNone(data, asset);
  return q + (unused ? 1 : 0) + (data.assets[asset].labels.includes('computed') ? 2 : 0);
}

/** Absolute exposure per SD of a row's first factor. */
function leadingSize(data: PageData, view: View, { asset, factors }: Row): number {
  const block = sourceBlock(data, asset, view.method);
  return factors.length === 0 ? 0 : Math.abs(block?.mean[asset * data.factors.length + factors[0]] ?? 0);
}

/** Largest end of an interval in % per SD that the whiskers have room for: the 95th percentile. */
export function exposureScale(data: PageData, view: View, rows: readonly Row[]): number {
  const ends = rows.flatMap(({ asset, factors }) => {
    const block = sourceBlock(data, asset, view.method);
    return factors.map((j) => {
      const i = asset * data.factors.length + j;
      return Math.max(Math.abs(block?.lo[i] ?? block?.mean[i] ?? 0), Math.abs(block?.hi[i] ?? 0));
    });
  });
  ends.sort((a, b) => a - b);
  return ends[Math.floor(0.95 * (ends.length - 1))] || 1;
}
