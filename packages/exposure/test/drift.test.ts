import { describe, expect, it } from 'vitest';
import { type ExposureReading, exposureDrift, readExposures } from '../src/index.js';
import { ASSETS, FACTORS, fakeFit, fakeInputs, fakeJacobian, TRAINING_SD, VARIANCE } from './fake_fit.js';

const reading = (exposure: number[], se: number[]): ExposureReading => ({
  exposure: Float64Array.from(exposure),
  se: Float64Array.from(se),
});

describe('a reading', () => {
  it('is the exposure at lag 0 per one unit with its error, over all blocks of assets', async () => {
    const row = 5;
    const { exposure, se } = await readExposures(fakeFit(), fakeInputs(10), row);
    expect(exposure).toHaveLength(ASSETS * FACTORS);
    for (let cell = 0; cell < exposure.length; cell++) {
      const [asset, factor] = [Math.floor(cell / FACTORS), cell % FACTORS];
      expect(exposure[cell]).toBeCloseTo(fakeJacobian(asset, row, 0, factor) / TRAINING_SD[factor], 12);
      expect(se[cell]).toBeCloseTo(Math.sqrt(VARIANCE.single) / TRAINING_SD[factor], 12);
    }
  });

  it('has no exposure where the factor is missing', async () => {
    const { exposure } = await readExposures(fakeFit([5]), fakeInputs(10), 5);
    expect(exposure[1]).toBeNaN();
    expect(exposure[0]).not.toBeNaN();
  });
});

describe('drift', () => {
  it('is the share of pairs that leave their later interval, and the change in standard errors', () => {
    const { pairs, outside, change } = exposureDrift(
      reading([1, 1, 1, 1], [1, 1, 1, 1]),
      reading([1, 2, 3, 0], [1, 1, 1, 2]),
    );
    expect(pairs).toBe(4);
    // Changes of 0, 1, 2 and -1/2 errors; only the third is beyond 1.645.
    expect(outside).toBe(0.25);
    expect(change).toBeCloseTo(Math.sqrt((0 + 1 + 4 + 0.25) / 4), 12);
  });

  it('knows pairs alone that both fits have with an error', () => {
    const { NaN: none } = Number;
    const { pairs } = exposureDrift(
      reading([1, none, 1, 1], [none, 1, 1, 1]),
      reading([1, 1, none, 1], [1, 1, 1, none]),
    );
    expect(pairs).toBe(1);
    expect(exposureDrift(reading([0], [0]), reading([0], [0]))).toEqual({ pairs: 0, outside: none, change: none });
  });

  it('refuses fits of other universes', () => {
    expect(() => exposureDrift(reading([1], [1]), reading([1, 1], [1, 1]))).toThrow(/1 and 2 pairs/);
  });
});
