import { twoSidedNormalPValue } from '../normal.js';
import type { AddedVariable } from './added_variable.js';

/**
 * p-value of the largest of many t statistics along a path of regressors, such as one for every threshold that may be:
 * Davies' (1987) bound P(sup |Z| > u) <= P(|Z| > u) + V exp(-u^2 / 2) / sqrt(2 pi), V the total variation of |Z| along
 * the path. Slightly conservative; needs no simulation. NaN on an empty path.
 */
export function supPValue(path: readonly AddedVariable[]): number {
  const sizes = path.map(({ statistic, degreesOfFreedom }) => normalSize(statistic, degreesOfFreedom));
  const known = sizes.filter((size) => !Number.isNaN(size));
  if (known.length === 0) return Number.NaN;
  const largest = known.reduce((a, b) => Math.max(a, b));
  const variation = known.reduce((sum, size, at) => (at === 0 ? 0 : sum + Math.abs(size - known[at - 1])), 0);
  const density = Math.exp((-largest * largest) / 2) / Math.sqrt(2 * Math.PI);
  return Math.min(1, twoSidedNormalPValue(largest) + variation * density);
}

/** |Z| with the same p-value as a t statistic, to three digits and better from 5 degrees of freedom on (Wallace 1959). */
function normalSize(t: number, df: number): number {
  return ((8 * df + 1) / (8 * df + 3)) * Math.sqrt(df * Math.log1p((t * t) / df));
}
