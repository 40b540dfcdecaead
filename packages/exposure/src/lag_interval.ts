import { Random } from '@macrograd/core';
import { halfLife, peakLag } from './lag_profile.js';

/** What an interval of a lag profile's shape is read from. */
export interface LagEstimate {
  /** [lag]: decimal return per one training SD. */
  readonly exposure: Float64Array;
  /** [lag]: its standard error. */
  readonly se: Float64Array;
  /** Variance of the sum over lags. */
  readonly sumVariance: number;
}

/** Where the largest response and half of the total response lie, in lags; NaN where nothing is known. */
export interface LagInterval {
  readonly peakLo: number;
  readonly peakHi: number;
  readonly halfLo: number;
  readonly halfHi: number;
}

/** Of a profile without lags or errors. */
export const NO_LAG_INTERVAL: LagInterval = {
  peakLo: Number.NaN,
  peakHi: Number.NaN,
  halfLo: Number.NaN,
  halfHi: Number.NaN,
};

/** Draws of a profile: quantiles of whole lags need no more. */
const DRAWS = 400;

/**
 * Intervals of peak lag and half-life: profiles are drawn around the estimate, normal with its standard errors, errors of
 * lags h apart correlated by rho^h, rho such that the variance of their sum is the given one. Quantiles of the draws'
 * peaks and half-lives at (1 -+ level) / 2.
 */
export function lagInterval(estimate: LagEstimate, level: number, seed: number): LagInterval {
  const { exposure, se, sumVariance } = estimate;
  const known = exposure.every(Number.isFinite) && se.every(Number.isFinite) && exposure.some((value) => value !== 0);
  if (!known || exposure.length < 2) return NO_LAG_INTERVAL;
  const rho = errorCorrelation(se, sumVariance);
  const random = new Random(seed);
  const peaks = new Float64Array(DRAWS);
  const halves = new Float64Array(DRAWS);
  const drawn = new Float64Array(exposure.length);
  for (let draw = 0; draw < DRAWS; draw++) {
    let shock = random.normal();
    for (let lag = 0; lag < drawn.length; lag++) {
      if (lag > 0) shock = rho * shock + Math.sqrt(1 - rho * rho) * random.normal();
      drawn[lag] = exposure[lag] + se[lag] * shock;
    }
    peaks[draw] = peakLag(drawn);
    halves[draw] = halfLife(drawn);
  }
  const [peakLo, peakHi] = quantiles(peaks, level);
  const [halfLo, halfHi] = quantiles(halves, level);
  return { peakLo, peakHi, halfLo, halfHi };
}

/** rho in [-.95, .999] with sum_kl s_k s_l rho^|k - l| nearest to the variance of the sum, by bisection. */
function errorCorrelation(se: Float64Array, sumVariance: number): number {
  const sum = (rho: number) => {
    let total = 0;
    // carried = sum over earlier lags l of s_l rho^(k - l)
    let carried = 0;
    for (const s of se) {
      total += s * s + 2 * s * carried;
      carried = rho * (carried + s);
    }
    return total;
  };
  let [low, high] = [-0.95, 0.999];
  if (!(sumVariance > sum(low))) return low;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (sum(middle) < sumVariance) low = middle;
    else high = middle;
  }
  return low;
}

function quantiles(values: Float64Array, level: number): [number, number] {
  const sorted = values.slice().sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return [at((1 - level) / 2), at((1 + level) / 2)];
}
