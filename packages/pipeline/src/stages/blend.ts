import type { SummaryCell } from './summary.js';

/** One method's lines of an asset, and its weight in the asset's mix. */
export interface BlendPart {
  readonly cells: readonly SummaryCell[];
  readonly weight: number;
}

/**
 * Summary lines of an asset that several methods serve: exposures are weighted sums, half-widths add up weighted, as if
 * errors were perfectly correlated. What can't be averaged (tests, lags, thresholds, status) is the heaviest method's that
 * claims an exposure, since tests are of the data and alike for methods of a kind.
 */
export function blendCells(parts: readonly BlendPart[]): readonly SummaryCell[] {
  const [first] = parts;
  if (parts.length === 1) return first.cells;
  const claims = parts.filter(({ cells }) => cells[0]?.origin !== 'zero');
  const leader = claims.reduce((a, b) => (b.weight > a.weight ? b : a));
  return leader.cells.map((line, at) => {
    const sum = (value: (cell: SummaryCell) => number) =>
      parts.reduce((total, { cells, weight }) => total + weight * value(cells[at]), 0);
    const meanExposure = sum((cell) => cell.meanExposure);
    const width = sum((cell) => (cell.origin === 'zero' ? 0 : (cell.hi - cell.lo) / 2));
    const [lo, hi] = [meanExposure - width, meanExposure + width];
    return {
      ...line,
      meanExposure,
      latestExposure: sum((cell) => cell.latestExposure),
      unitExposure: sum((cell) => cell.unitExposure),
      lo,
      hi,
      sign: lo > 0 ? 1 : hi < 0 ? -1 : 0,
    };
  });
}
