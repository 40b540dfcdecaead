import { expect, it } from 'vitest';
import { runScreening } from '../src/index.js';

const LEVEL = 0.1;
const PLAIN = ['screen', 'leastSquares'] as const;

it('keeps false discoveries to the level where half of the effects are zero, and finds what least squares finds', () => {
  const { screen, leastSquares } = runScreening({
    process: 'const',
    worlds: 20,
    months: 300,
    assets: 10,
    procedures: PLAIN,
  });
  expect(screen.falseDiscoveryRate).toBeLessThanOrEqual(LEVEL + 2 * screen.error);
  // The aims: 95 % of the power of Benjamini-Hochberg on least squares, 90 % of the strong effects.
  expect(screen.power).toBeGreaterThanOrEqual(0.95 * leastSquares.power);
  expect(screen.strongPower).toBeGreaterThanOrEqual(0.9);
});

it('finds delayed effects that least squares misses, and charges no neighbour with them', () => {
  const { screen, leastSquares } = runScreening({
    process: 'lags',
    worlds: 12,
    months: 480,
    assets: 10,
    seed: 40,
    procedures: PLAIN,
  });
  expect(screen.falseDiscoveryRate).toBeLessThanOrEqual(LEVEL + 2 * screen.error);
  expect(screen.power).toBeGreaterThan(leastSquares.power);
  expect(screen.strongPower).toBeGreaterThanOrEqual(0.9);
});

it('double selection, stability selection and knockoffs keep to the level, with the power of their kind', () => {
  const procedures = ['leastSquares', 'doubleSelection', 'stability', 'knockoff'] as const;
  const result = runScreening({ process: 'const', worlds: 12, months: 480, assets: 10, seed: 70, procedures });
  for (const procedure of procedures) {
    const { falseDiscoveryRate, error } = result[procedure];
    expect(falseDiscoveryRate, procedure).toBeLessThanOrEqual(LEVEL + 2 * error);
  }
  expect(result.doubleSelection.power).toBeGreaterThanOrEqual(0.9 * result.leastSquares.power);
  // Bounds that hold in the worst case, and innovations alone, cost power: half of it must be left.
  expect(result.stability.power).toBeGreaterThanOrEqual(0.5 * result.leastSquares.power);
  expect(result.knockoff.power).toBeGreaterThanOrEqual(0.5 * result.leastSquares.power);
  expect(result.screen.power).toBeNaN();
});
