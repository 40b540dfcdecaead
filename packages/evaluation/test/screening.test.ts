import { expect, it } from 'vitest';
import { runScreening } from '../src/index.js';

const LEVEL = 0.1;

it('keeps false discoveries to the level where half of the effects are zero, and finds what least squares finds', () => {
  const { screen, leastSquares } = runScreening({ process: 'const', worlds: 20, months: 300, assets: 10 });
  expect(screen.falseDiscoveryRate).toBeLessThanOrEqual(LEVEL + 2 * screen.error);
  // The aims: 95 % of the power of Benjamini-Hochberg on least squares, 90 % of the strong effects.
  expect(screen.power).toBeGreaterThanOrEqual(0.95 * leastSquares.power);
  expect(screen.strongPower).toBeGreaterThanOrEqual(0.9);
});

it('finds delayed effects that least squares misses, and charges no neighbour with them', () => {
  const { screen, leastSquares } = runScreening({ process: 'lags', worlds: 12, months: 480, assets: 10, seed: 40 });
  expect(screen.falseDiscoveryRate).toBeLessThanOrEqual(LEVEL + 2 * screen.error);
  expect(screen.power).toBeGreaterThan(leastSquares.power);
  expect(screen.strongPower).toBeGreaterThanOrEqual(0.9);
});
