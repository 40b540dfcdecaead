import { averagingTerm } from '@macrograd/core';
import { HALF_WIDTH } from '../levels.js';
import type { SummaryCell } from './summary.js';

/** One method's lines of an asset, and its weight in the asset's mix. */
export interface BlendPart {
  readonly cells: readonly SummaryCell[];
  readonly weight: number;
}

/** Share of an asset's weight that methods with exposures have to hold for its pairs to be tested. */
const MAJORITY = 0.5;

/**
 * Summary lines of an asset that several methods serve: exposures are weighted sums, their intervals those of model averaging
 * ({@link averagingTerm}): how far the methods are apart, and from no exposure by as much as that weighs, is part of the
 * error. What can't be averaged (tests, lags, thresholds, status) is the heaviest method's that claims an exposure, since
 * tests are of the data and alike for methods of a kind. An asset that is mostly without exposure claims none: its lines count
 * as untested, as where no exposure was chosen.
 */
export function blendCells(parts: readonly BlendPart[]): readonly SummaryCell[] {
  const [first] = parts;
  if (parts.length === 1) return first.cells;
  const claims = parts.filter(({ cells }) => cells[0]?.origin !== 'zero');
  const claimed = claims.reduce((total, { weight }) => total + weight, 0);
  const leader = claims.reduce((a, b) => (b.weight > a.weight ? b : a));
  return leader.cells.map((line, at) => {
    const sum = (value: (cell: SummaryCell) => number) =>
      parts.reduce((total, { cells, weight }) => total + weight * value(cells[at]), 0);
    const meanExposure = sum((cell) => cell.meanExposure);
    const width = parts.reduce((total, { cells, weight }) => {
      const { origin, meanExposure: own, lo, hi } = cells[at];
      const error = origin === 'zero' ? 0 : (hi - lo) / 2 / HALF_WIDTH;
      return total + HALF_WIDTH * averagingTerm(weight, own, error, meanExposure);
    }, 0);
    const [lo, hi] = [meanExposure - width, meanExposure + width];
    return {
      ...line,
      ...(claimed < MAJORITY && { origin: 'zero' }),
      meanExposure,
      latestExposure: sum((cell) => cell.latestExposure),
      unitExposure: sum((cell) => cell.unitExposure),
      lo,
      hi,
      sign: lo > 0 ? 1 : hi < 0 ? -1 : 0,
    };
  });
}
