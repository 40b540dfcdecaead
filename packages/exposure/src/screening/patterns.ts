import type { Panel, Span } from '@macrograd/core';

/** Assets whose returns are observed at the same rows. */
export interface Pattern {
  readonly assets: readonly number[];
  /** Rows of the span with a return. */
  readonly rows: Int32Array;
}

/** Groups assets by the rows of the span at which they have a return, in order of their first asset. */
export function observedPatterns({ returns, assets }: Panel, span: Span): Pattern[] {
  const groups = new Map<string, { assets: number[]; rows: Int32Array }>();
  assets.forEach((_, asset) => {
    const rows: number[] = [];
    for (let row = span.start; row < span.end; row++) {
      if (!Number.isNaN(returns[row * assets.length + asset])) rows.push(row - span.start);
    }
    const key = rows.join();
    const known = groups.get(key);
    if (known) known.assets.push(asset);
    else groups.set(key, { assets: [asset], rows: Int32Array.from(rows) });
  });
  return [...groups.values()];
}

/** Returns of one asset at the rows of its pattern. */
export function observedReturns(
  { returns, assets }: Panel,
  span: Span,
  { rows }: Pattern,
  asset: number,
): Float64Array {
  return Float64Array.from(rows, (row) => returns[(span.start + row) * assets.length + asset]);
}

/** The entries of a column at the given rows. */
export function atRows(column: Float64Array, rows: Int32Array): Float64Array {
  const out = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = column[rows[i]];
  return out;
}
