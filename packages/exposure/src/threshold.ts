import type { FactorPanel } from '@macrograd/core';
import type { ExposureCube } from './cube.js';
import { halfWidthFactor } from './scale.js';

/** Bins of equal count along a variable: some 30 months each of a usual sample. */
const BINS = 20;

/** Dates of one bin below which a curve is not drawn. */
const MIN_DATES = 3;

/** Mean exposure of one asset and factor along the level of a variable. Arrays have one entry a bin, ascending. */
export interface ExposureCurve {
  /** Median level in the bin, in the variable's unit. */
  readonly level: Float64Array;
  readonly exposure: Float64Array;
  /** Mean standard error of the bin's exposures: neighbouring dates share what they do not know. */
  readonly se: Float64Array;
}

/** Level of a variable at which an exposure changes its sign. */
export interface Threshold {
  readonly level: number;
  /** Levels outside which the exposure has a sure sign, one on either side; NaN where a side has none. */
  readonly lo: number;
  readonly hi: number;
  /** Share of the dates with the variable on the last date's side. */
  readonly share: number;
}

/** Exposures of a cube's asset and factor averaged over dates with a like level of a column of the inputs. */
export function exposureCurve(
  cube: ExposureCube,
  inputs: FactorPanel,
  place: { readonly asset: number; readonly factor: number; readonly variable: number },
): ExposureCurve {
  const { dates, factors, span } = cube;
  const at = (t: number) => ((place.asset - cube.assets.start) * dates.length + t) * factors.length + place.factor;
  const level = (t: number) => inputs.values[(span.start + t) * inputs.factors.length + place.variable];
  const seen = Array.from(dates.keys()).filter((t) => !Number.isNaN(level(t)) && !Number.isNaN(cube.exposure[at(t)]));
  seen.sort((a, b) => level(a) - level(b) || a - b);
  const bins = Math.min(BINS, Math.floor(seen.length / MIN_DATES));
  const groups = Array.from({ length: bins }, (_, b) =>
    seen.slice(Math.floor((b * seen.length) / bins), Math.floor(((b + 1) * seen.length) / bins)),
  );
  const mean = (rows: readonly number[], values: Float64Array) =>
    rows.reduce((sum, t) => sum + values[at(t)], 0) / rows.length;
  return {
    level: Float64Array.from(groups, (rows) => level(rows[rows.length >> 1])),
    exposure: Float64Array.from(groups, (rows) => mean(rows, cube.exposure)),
    se: Float64Array.from(groups, (rows) => mean(rows, cube.se)),
  };
}

/**
 * Where a curve changes its sign: of several crossings the one that parts it best, that is with the largest difference of
 * the mean exposure above and below. The interval holds the levels at which the exposure's own interval contains zero
 * around the crossing (the confidence set of Fieller 1954, read off the curve).
 *
 * @param latest - the variable at the last date, for {@link Threshold.share}
 * @param coverage - of the exposure's interval; default .90
 * @returns undefined where the exposure keeps its sign
 */
export function signChange(curve: ExposureCurve, latest: number, coverage = 0.9): Threshold | undefined {
  const { level, exposure, se } = curve;
  const crossings = Array.from(level.keys()).filter((b) => b > 0 && exposure[b - 1] * exposure[b] < 0);
  if (crossings.length === 0) return undefined;
  const mean = (values: Float64Array) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const parted = (b: number) => Math.abs(mean(exposure.subarray(b)) - mean(exposure.subarray(0, b)));
  const best = crossings.reduce((a, b) => (parted(b) > parted(a) ? b : a));
  const where = zeroBetween(level, exposure, best - 1, best);
  const width = halfWidthFactor(coverage);
  const side = Math.sign(exposure[best]);
  // Bounds of the exposure nearer to zero: where they cross it, the sign is no longer sure.
  const above = exposure.map((value, b) => side * value - width * se[b]);
  const below = exposure.map((value, b) => -side * value - width * se[b]);
  return {
    level: where,
    lo: lastSure(level, below, best - 1, -1),
    hi: lastSure(level, above, best, 1),
    share: level.filter((value) => value > where === latest > where).length / level.length,
  };
}

/** First level from bin `start` in the given direction at which a bound is positive, interpolated; NaN without any. */
function lastSure(level: Float64Array, bound: Float64Array, start: number, step: 1 | -1): number {
  for (let b = start; b >= 0 && b < level.length; b += step) {
    if (!(bound[b] > 0)) continue;
    return b === start ? level[b] : zeroBetween(level, bound, b - step, b);
  }
  return Number.NaN;
}

/** Level at which the straight line between two bins is zero. */
function zeroBetween(level: Float64Array, value: Float64Array, a: number, b: number): number {
  const share = value[a] / (value[a] - value[b]);
  return level[a] + share * (level[b] - level[a]);
}
