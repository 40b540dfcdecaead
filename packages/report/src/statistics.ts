import type { Maybe } from './page-data.js';

/** Quantile of ascending values by linear interpolation; NaN of nothing. */
export function quantile(sorted: readonly number[], p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** Median of the numbers that are present; null of nothing. */
export function median(values: readonly Maybe[]): Maybe {
  const sorted = values.filter((x): x is number => x !== null).sort((a, b) => a - b);
  return sorted.length === 0 ? null : quantile(sorted, 0.5);
}

/** Index of the largest number present in each column of equally long rows, -1 where a column has none. */
export function winners(rows: readonly (readonly Maybe[])[], columns: number): number[] {
  return Array.from({ length: columns }, (_, column) => {
    let best = -1;
    for (let row = 0; row < rows.length; row++) {
      const x = rows[row][column];
      if (x !== null && (best < 0 || x > (rows[best][column] as number))) best = row;
    }
    return best;
  });
}
