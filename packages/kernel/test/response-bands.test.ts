import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  bootstrapAssetResponses,
  bootstrapResponses,
  type SeriesMatrix,
  stateAssetResponses,
  stateResponses,
  varResponses,
  vectorAutoregression,
} from '../src/index.js';
import { ERROR_TOLERANCE, expectClose, flat, readGolden } from './golden.js';

const golden = readGolden('response-bands');
const { rows, series: k, order, horizon, seed, draws, level } = golden;
/** The same draws through another regression, whose residuals are rounding. */
const SAME_DRAWS = 1e-9;
const series: SeriesMatrix = { values: flat(golden.values), rows, series: k };

describe('bootstrapped bands', () => {
  for (const { resampling, statistic, impulse, cumulative, blockLength, ...bands } of golden.cases) {
    it(`${resampling}, ${cumulative ? 'cumulative ' : ''}${impulse} ${statistic} match numpy on the same draws`, async () => {
      const request = { horizon, impulse, cumulative, resampling, statistic, blockLength, draws, seed, level };
      const found = await bootstrapResponses(series, order, request);
      for (const name of ['values', 'lo', 'hi'] as const) expectClose(found[name], bands[name], ERROR_TOLERANCE);
    });
  }

  it('have the same bits for any number of threads and others for another seed', async () => {
    const request = { horizon: 6, draws: 50, resampling: 'block' as const };
    const one = await bootstrapResponses(series, order, { ...request, threads: 1 });
    expect(await bootstrapResponses(series, order, { ...request, threads: 3 })).toEqual(one);
    expect((await bootstrapResponses(series, order, { ...request, seed: 2 })).lo).not.toEqual(one.lo);
  });

  it('cover a known response as often as they say', async () => {
    // y1 = .5 y1[-1] + u1, y2 = .3 y1[-1] + .2 y2[-1] + .6 u1 + u2: generalised response of y2 to y1 after 2 rows.
    const truth = 0.3 * 0.5 + 0.2 * (0.3 + 0.2 * 0.6);
    const worlds = 120;
    let inside = 0;
    for (let world = 0; world < worlds; world++) {
      const random = new Random(100 + world);
      const values = new Float64Array(240 * 2);
      for (let t = 1; t < 240; t++) {
        const u = random.normal();
        values[2 * t] = 0.5 * values[2 * t - 2] + u;
        values[2 * t + 1] = 0.3 * values[2 * t - 2] + 0.2 * values[2 * t - 1] + 0.6 * u + random.normal();
      }
      const { lo, hi } = await bootstrapResponses({ values, rows: 240, series: 2 }, 1, { horizon: 2, draws: 99 });
      // [responding 1][horizon 2][shock 0]
      if (lo[10] <= truth && truth <= hi[10]) inside++;
    }
    // Three binomial errors of 120 worlds are 8.2 %; 99 draws add 1 %, percentile bands of short samples lose some.
    expect(inside / worlds).toBeGreaterThan(0.9 - 0.1);
    expect(inside / worlds).toBeLessThan(0.99);
  });

  it('are wider where the noise comes in spells and blocks keep them', async () => {
    const random = new Random(3);
    const values = new Float64Array(400);
    let size = 1;
    for (let t = 1; t < 400; t++) {
      size = Math.sqrt(0.1 + 0.85 * size * size * random.normal() ** 2);
      values[t] = 0.3 * values[t - 1] + size * random.normal();
    }
    const world = { values, rows: 400, series: 1 };
    const width = async (resampling: 'residual' | 'wild') => {
      const { lo, hi } = await bootstrapResponses(world, 1, { horizon: 1, impulse: 'unit', draws: 499, resampling });
      return hi[1] - lo[1];
    };
    expect(await width('wild')).toBeGreaterThan(1.15 * (await width('residual')));
  });

  it('refuse a block longer than the sample and a level outside (0, 1)', async () => {
    await expect(bootstrapResponses(series, 2, { horizon: 1, resampling: 'block', blockLength: 900 })).rejects.toThrow(
      'block length',
    );
    await expect(bootstrapResponses(series, 2, { horizon: 1, level: 1 })).rejects.toThrow('level');
    await expect(
      bootstrapResponses(series, 2, { horizon: 1, impulse: 'unit', statistic: 'variance_shares' }),
    ).rejects.toThrow('orthogonal or generalised');
  });
});

describe('responses by regime', () => {
  it('match numpy on the same draws, the threshold that the likelihood picks included', async () => {
    const { values, lo, hi, threshold, observations, ...asked } = golden.regimes;
    const found = await stateResponses(series, {
      ...asked,
      order: 1,
      horizon,
      seed,
      level,
    });
    expect(found.threshold).toBe(threshold);
    expect(found.observations).toEqual(observations);
    expect(found.drawsUsed).toBe(asked.draws);
    for (const [name, wanted] of Object.entries({ values, lo, hi })) {
      expectClose(found[name as 'values' | 'lo' | 'hi'], wanted, ERROR_TOLERANCE);
    }
  });

  it('are the generalised response of a linear system where both regimes are alike', async () => {
    const linear = new Float64Array(3000 * 2);
    const random = new Random(8);
    for (let t = 1; t < 3000; t++) {
      const u = random.normal();
      linear[2 * t] = 0.5 * linear[2 * t - 2] + u;
      linear[2 * t + 1] = 0.3 * linear[2 * t - 2] + 0.2 * linear[2 * t - 1] + 0.6 * u + random.normal();
    }
    const world = { values: linear, rows: 3000, series: 2 };
    const { values } = varResponses(vectorAutoregression(world, 1), { horizon: 3 });
    const found = await stateResponses(world, { order: 1, variable: 0, threshold: 0, horizon: 3, draws: 99, seed: 2 });
    const outside = values.reduce(
      (count, value, at) =>
        count + [0, 1].filter((r) => value < found.lo[r * 16 + at] || value > found.hi[r * 16 + at]).length,
      0,
    );
    // Of 32 bands at 90 % some 3 miss; twice that at most.
    expect(outside).toBeLessThan(7);
  });

  it('tell a regime where shocks last from one where they die, with bands apart', async () => {
    const random = new Random(5);
    const values = new Float64Array(1200);
    for (let t = 1; t < 1200; t++) {
      values[t] = (values[t - 1] > 0 ? 0.8 : 0.1) * values[t - 1] + 0.5 * random.normal();
    }
    const request = { order: 1, variable: 0, threshold: 0, horizon: 2, draws: 99 };
    const { lo, hi } = await stateResponses({ values, rows: 1200, series: 1 }, request);
    expect(hi[1]).toBeLessThan(lo[3 + 1]);
  });

  it('have the same bits for any number of threads and refuse a regime without rows', async () => {
    const request = { order: 1, variable: 0, horizon: 2, draws: 20, histories: 5, futures: 2 };
    const one = await stateResponses(series, { ...request, threads: 1 });
    expect(await stateResponses(series, { ...request, threads: 2 })).toEqual(one);
    await expect(stateResponses(series, { ...request, threshold: 1e9 })).rejects.toThrow('rows of a regime');
  });
});

/** Two assets: the second series itself, and one with too few returns. */
const seriesAsAsset = {
  returns: Float64Array.from({ length: rows * 2 }, (_, at) => {
    const row = Math.floor(at / 2);
    return at % 2 === 0 ? series.values[row * k + 1] : row < 3 ? 0.1 * row : Number.NaN;
  }),
  assets: 2,
  lags: 2,
};

describe('responses of assets', () => {
  const request = { horizon, draws: 49, seed: 3 };

  it.each(['residual', 'wild', 'block'] as const)(
    'an asset that is a series has its response and bands: %s',
    async (resampling) => {
      const own = await bootstrapResponses(series, 1, { ...request, resampling });
      const found = await bootstrapAssetResponses(series, 1, seriesAsAsset, { ...request, resampling });
      const size = (horizon + 1) * k;
      for (const name of ['values', 'lo', 'hi'] as const) {
        expectClose(found[name].subarray(0, size), [...own[name].subarray(size, 2 * size)], SAME_DRAWS);
        expect(found[name].subarray(size).every(Number.isNaN)).toBe(true);
      }
    },
  );

  it('by regime: an asset that is a series has its response and bands', async () => {
    const asked = { ...request, order: 1, variable: 0, histories: 10, futures: 3 };
    const own = await stateResponses(series, asked);
    const found = await stateAssetResponses(series, { ...seriesAsAsset, lags: 1 }, asked);
    expect([found.threshold, found.drawsUsed]).toEqual([own.threshold, own.drawsUsed]);
    const size = (horizon + 1) * k;
    for (const name of ['values', 'lo', 'hi'] as const) {
      // [regime][responding][horizon][shock] beside [asset][regime][horizon][shock].
      for (const regime of [0, 1]) {
        const at = (regime * k + 1) * size;
        const mine = found[name].subarray(regime * size, (regime + 1) * size);
        expectClose(mine, [...own[name].subarray(at, at + size)], SAME_DRAWS);
      }
      expect(found[name].subarray(2 * size).every(Number.isNaN)).toBe(true);
    }
  });

  it('refuse returns of another length', async () => {
    const short = { ...seriesAsAsset, returns: seriesAsAsset.returns.slice(2) };
    await expect(bootstrapAssetResponses(series, 1, short, request)).rejects.toThrow('returns');
  });
});
