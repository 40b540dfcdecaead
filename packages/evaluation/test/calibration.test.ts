import type { Estimator, JacobianBlock } from '@macrograd/core';
import { olsEstimator } from '@macrograd/linear';
import { describe, expect, it } from 'vitest';
import { calibratedEstimator, calibrateIntervals, recoveryScore, simulateWorld } from '../src/index.js';

const SPAN = { start: 0, end: 400 };
const world = simulateWorld({ process: 'const', seed: 12, assets: 40, months: 500 });

/** Least squares whose standard errors are so many times what they should be, for the first factor alone. */
function misjudging(times: number): Estimator {
  const own = olsEstimator();
  return {
    method: 'ols',
    async fit(panel, span, options) {
      const fitted = await own.fit(panel, span, options);
      return {
        method: 'ols',
        diagnostics: fitted.diagnostics,
        predict: (inputs, rows, assets) => fitted.predict(inputs, rows, assets),
        parameters: () => fitted.parameters(),
        async *jacobian(inputs, rows, request): AsyncGenerator<JacobianBlock> {
          for await (const block of fitted.jacobian(inputs, rows, request)) {
            yield {
              ...block,
              variance: block.variance.map((v, i) => (i % block.factors === 0 ? v * times * times : v)),
            };
          }
        },
      };
    },
  };
}

/** 40 assets in four worlds give each factor 160 errors: a standard error of .024 in coverage, .09 in the quantile's ratio. */
const SHARE_ERROR = 0.075;
const SCALE_ERROR = 0.25;

describe('calibration on worlds of a fit', () => {
  it('finds the intervals of least squares right in a linear world, factor by factor', async () => {
    const { coverage, scale, count } = await calibrateIntervals(olsEstimator(), world.panel, SPAN, { seed: 3 });
    expect(count).toBe(4 * 40 * 6 * 400);
    for (const share of coverage) expect(Math.abs(share - 0.9)).toBeLessThan(SHARE_ERROR);
    for (const factor of scale) expect(Math.abs(factor - 1)).toBeLessThan(SCALE_ERROR);
  });

  it('finds the factor by which standard errors are off, and takes it out', async () => {
    const { scale } = await calibrateIntervals(misjudging(0.5), world.panel, SPAN, { seed: 3 });
    expect(Math.abs(scale[0] / 2 - 1)).toBeLessThan(SCALE_ERROR);
    expect(Math.abs(scale[1] - 1)).toBeLessThan(SCALE_ERROR);
    const covered = async (estimator: Estimator) => {
      const fitted = await estimator.fit(world.panel, SPAN, { seed: 3 });
      return (await recoveryScore(world, fitted, { start: 400, end: 500 })).factors[0].coverage;
    };
    const [before, after] = [await covered(misjudging(0.5)), await covered(calibratedEstimator(misjudging(0.5)))];
    expect(before).toBeLessThan(0.75);
    expect(after).toBeGreaterThan(0.8);
  });

  it('leaves intervals that are too wide as they are, unless told otherwise', async () => {
    const read = async (estimator: Estimator) => {
      const fitted = await estimator.fit(world.panel, SPAN, { seed: 3 });
      for await (const block of fitted.jacobian(world.panel.inputs, { start: 400, end: 401 })) return block.variance[0];
      return Number.NaN;
    };
    const plain = await read(misjudging(2));
    expect(await read(calibratedEstimator(misjudging(2)))).toBe(plain);
    const narrowed = await read(calibratedEstimator(misjudging(2), { narrow: true }));
    expect(Math.abs(Math.sqrt(narrowed / plain) / 0.5 - 1)).toBeLessThan(SCALE_ERROR);
  });

  it('repeats to the bit with a seed, and draws other worlds with another', async () => {
    const calibrated = await calibrateIntervals(olsEstimator(), world.panel, SPAN, { seed: 3, worlds: 1 });
    const again = await calibrateIntervals(olsEstimator(), world.panel, SPAN, { seed: 3, worlds: 1 });
    expect(again.scale).toEqual(calibrated.scale);
    const other = await calibrateIntervals(olsEstimator(), world.panel, SPAN, { seed: 4, worlds: 1 });
    expect(other.scale).not.toEqual(calibrated.scale);
  });

  it('uses no return outside of the span', async () => {
    const later = { ...world.panel, returns: world.panel.returns.map((r, i) => (i < 400 * 40 ? r : r + 1000)) };
    const options = { seed: 3, worlds: 1 };
    expect(await calibrateIntervals(olsEstimator(), later, SPAN, options)).toEqual(
      await calibrateIntervals(olsEstimator(), world.panel, SPAN, options),
    );
  });

  it('refuses no worlds', async () => {
    await expect(calibrateIntervals(olsEstimator(), world.panel, SPAN, { seed: 3, worlds: 0 })).rejects.toThrow(
      /0 worlds/,
    );
  });
});
