import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { halfLife, peakLag } from '../src/index.js';
import { lagInterval } from '../src/lag_interval.js';

const LAGS = 12;
const LEVEL = 0.9;
/** A response that peaks at lag 4. */
const response = Float64Array.from({ length: LAGS }, (_, k) => -((k + 0.5) ** 3) * Math.exp(-k / 1.2));

/** Standard errors of a share of the peak, and the variance of the sum where errors of lags h apart correlate by rho^h. */
function uncertain(share: number, rho: number) {
  const peak = Math.abs(response[peakLag(response)]);
  const se = Float64Array.from({ length: LAGS }, (_, k) => peak * share * (1 + 0.05 * k));
  let sumVariance = 0;
  for (let k = 0; k < LAGS; k++) {
    for (let l = 0; l < LAGS; l++) sumVariance += se[k] * se[l] * rho ** Math.abs(k - l);
  }
  return { se, sumVariance };
}

describe('lagInterval', () => {
  it('is the point itself where the response is known, and widens with its errors', () => {
    const width = (share: number) => {
      const { peakLo, peakHi } = lagInterval({ exposure: response, ...uncertain(share, 0.5) }, LEVEL, 1);
      return peakHi - peakLo;
    };
    expect(width(1e-6)).toBe(0);
    expect(width(0.1)).toBeLessThanOrEqual(width(0.4));
    expect(width(0.4)).toBeGreaterThan(0);
  });

  it('holds the truth at least as often as it says, for independent and for smooth errors', () => {
    for (const rho of [0, 0.7, 0.95]) {
      const { se, sumVariance } = uncertain(0.2, rho);
      const random = new Random(9);
      const worlds = 200;
      let [peaks, halves] = [0, 0];
      for (let world = 0; world < worlds; world++) {
        let shock = random.normal();
        const exposure = response.map((value, k) => {
          if (k > 0) shock = rho * shock + Math.sqrt(1 - rho * rho) * random.normal();
          return value + se[k] * shock;
        });
        const { peakLo, peakHi, halfLo, halfHi } = lagInterval({ exposure, se, sumVariance }, LEVEL, world);
        if (peakLo <= peakLag(response) && peakLag(response) <= peakHi) peaks++;
        if (halfLo <= halfLife(response) && halfLife(response) <= halfHi) halves++;
      }
      // Two Monte Carlo errors below .90.
      const least = LEVEL - 2 * Math.sqrt((LEVEL * (1 - LEVEL)) / worlds);
      expect(peaks / worlds).toBeGreaterThanOrEqual(least);
      expect(halves / worlds).toBeGreaterThanOrEqual(least);
    }
  });

  it('says nothing of a single lag, a response without errors, and one that is all zero', () => {
    const { se, sumVariance } = uncertain(0.1, 0.5);
    const missing = se.map(() => Number.NaN);
    for (const estimate of [
      { exposure: response.slice(0, 1), se: se.slice(0, 1), sumVariance },
      { exposure: response, se: missing, sumVariance },
      { exposure: response.map(() => 0), se, sumVariance },
    ]) {
      expect(Object.values(lagInterval(estimate, LEVEL, 1)).every(Number.isNaN)).toBe(true);
    }
  });
});
