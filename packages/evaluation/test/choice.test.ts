import { type MethodId, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { chooseMethods, type FoldForecast, sharesWon, TRIAL } from '../src/index.js';

const ASSETS = 40;
const STEP = 60;

/** Share of each asset's variance that a method's forecast explains; negative: it adds as much noise instead. */
type Skill = (asset: number) => number;

/** Forecasts of four folds whose returns have unit variance, for methods with the given skills. */
function arena(skills: Partial<Record<MethodId, Skill>>, { seed = 1, purge = 0, folds = 4 } = {}): FoldForecast[] {
  return Array.from({ length: folds }, (_, index) => {
    const random = new Random(seed).fork(index);
    const start = 240 + STEP * index;
    const signal = Float64Array.from({ length: STEP * ASSETS }, () => random.normal());
    const length = signal.length;
    // Half of the variance can be forecast; a method sees its share of it.
    const realised = signal.map((x) => Math.SQRT1_2 * (x + random.normal()));
    return Object.entries(skills).map(([method, skill]) => ({
      method: method as MethodId,
      fold: { index, train: { start: 0, end: start - purge }, test: { start, end: start + STEP } },
      assets: ASSETS,
      horizon: purge + 1,
      realised,
      predicted: signal.map((x, i) => {
        const share = skill(i % ASSETS);
        return share >= 0 ? share * Math.SQRT1_2 * x : share * random.normal();
      }),
      trainingMean: new Float64Array(ASSETS),
      hedged: new Float64Array(length).fill(Number.NaN),
    }));
  }).flat();
}

/** The same forecasts with every outcome and every prediction at rows from `row` on replaced. */
function changedFrom(forecasts: readonly FoldForecast[], row: number): FoldForecast[] {
  const change = (forecast: FoldForecast, by: number) => (x: number, i: number) =>
    forecast.fold.test.start + Math.floor(i / ASSETS) >= row ? x * -3 + by : x;
  return forecasts.map((forecast) => ({
    ...forecast,
    realised: forecast.realised.map(change(forecast, 1)),
    predicted: forecast.predicted.map(change(forecast, 1000)),
  }));
}

const skills: Partial<Record<MethodId, Skill>> = {
  zero: () => 0,
  ols: () => 0.3,
  lstm: (asset) => (asset < 20 ? 0.9 : -0.5),
};

describe('chooseMethods', () => {
  it('with a confidence set asks for proof: clear winners stay, a winner by chance gives way to no exposure', () => {
    const forecasts = arena({ zero: () => 0, lstm: (asset) => (asset < 20 ? 0.9 : -0.05) });
    const final = (confidence?: number) =>
      // Without caution, so that the set alone does the asking.
      chooseMethods(forecasts, { caution: 0, ...(confidence === undefined ? {} : { confidence }) })
        .filter((choice) => choice.fit === 'final')
        .map((choice) => choice.method);
    expect(final(0.1).slice(0, 20)).toEqual(Array(20).fill('lstm'));
    const won = (methods: string[]) => methods.slice(20).filter((method) => method === 'lstm').length;
    // Forecasts of noise: a tenth of 20 pass a test at .1, two on average; six are three binomial errors more.
    expect(won(final(0.1))).toBeLessThan(won(final()));
    expect(won(final(0.1))).toBeLessThanOrEqual(6);
  });

  it('gives each asset the method that did best for it', () => {
    const final = chooseMethods(arena(skills)).filter((choice) => choice.fit === 'final');
    expect(final.map((choice) => choice.method)).toEqual(
      Array.from({ length: ASSETS }, (_, asset) => (asset < 20 ? 'lstm' : 'ols')),
    );
    expect(final[0].reason).toMatch(/^best of 3 over 4 folds: r2_oos \+0\.\d{3} here/);
    expect(Object.fromEntries(sharesWon(final, 'final'))).toEqual({
      lstm: expect.closeTo(0.5, 12),
      ols: expect.closeTo(0.5, 12),
    });
  });

  it('never looks at the scores of its own fold or of later ones', () => {
    const forecasts = arena(skills);
    const before = chooseMethods(forecasts);
    for (const fit of [0, 1, 2, 3]) {
      const after = chooseMethods(changedFrom(forecasts, 240 + STEP * fit));
      const upTo = (choices: typeof before) => choices.filter((choice) => choice.fit !== 'final' && choice.fit <= fit);
      expect(upTo(after)).toEqual(upTo(before));
      // The change is big enough to show where it may.
      expect(after.at(-1)).not.toEqual(before.at(-1));
    }
  });

  it('leaves out earlier test rows whose returns overlap the fold', () => {
    const purge = 11;
    const forecasts = arena(skills, { purge });
    const start = 240 + STEP * 2;
    const of = (choices: ReturnType<typeof chooseMethods>) => choices.filter((choice) => choice.fit === 2);
    const before = of(chooseMethods(forecasts));
    expect(of(chooseMethods(changedFrom(forecasts, start - purge)))).toEqual(before);
    expect(of(chooseMethods(changedFrom(forecasts, start - purge - 1)))).not.toEqual(before);
  });

  it('knows the trial in every fold, the first included, and chooses nothing for the trial itself', () => {
    const forecasts = withTrial(arena(skills));
    const choices = chooseMethods(forecasts);
    expect(choices.every(({ fit }) => fit === 'final' || fit >= 0)).toBe(true);
    const first = choices.filter(({ fit }) => fit === 0);
    expect(first.slice(0, 20).every(({ method }) => method === 'lstm')).toBe(true);
    expect(first[0].reason).toMatch(/^best of 3 over the trial: /);
    expect(choices.find(({ fit }) => fit === 1)!.reason).toMatch(/over the trial and 1 fold: /);
    // Not a bit of the first choice depends on a row of a fold.
    expect(chooseMethods(changedFrom(forecasts, 240)).filter(({ fit }) => fit === 0)).toEqual(first);
    expect(chooseMethods(changedFrom(forecasts, 239)).filter(({ fit }) => fit === 0)).not.toEqual(first);
  });

  it('takes off the error that all assets have in common: one lucky month of the market proves nothing', () => {
    const forecasts = arena({ zero: () => 0, ols: () => 0 }, { folds: 1 }).map((forecast) => ({
      ...forecast,
      // Right for all assets in one month of sixty, worth 1/60, and slightly wrong in the others.
      predicted: forecast.realised.map((r, i) => {
        if (forecast.method === 'zero') return 0;
        return Math.floor(i / ASSETS) === 30 ? r : -0.002 * r;
      }),
    }));
    const claimed = (caution: number) =>
      chooseMethods(forecasts, { caution }).filter(({ fit, method }) => fit === 'final' && method === 'ols').length;
    expect(claimed(0)).toBe(ASSETS);
    expect(claimed(1)).toBe(0);
  });

  it('falls back to no exposure where nothing beats it', () => {
    const choices = chooseMethods(arena({ zero: () => 0, ols: () => -0.4, lstm: () => -0.2 }));
    expect(choices.every((choice) => choice.method === 'zero')).toBe(true);
    expect(choices.at(-1)?.reason).toMatch(/nothing beats no exposure over 4 folds: lstm comes closest/);
  });

  it('trusts the pool over a lucky record', () => {
    // 40 assets of the same useless method: some have a positive r2_oos of their own by chance.
    const forecasts = arena({ zero: () => 0, ols: () => -0.15 }, { folds: 1 });
    const final = chooseMethods(forecasts).filter((choice) => choice.fit === 'final');
    const own = final.map((choice) => Number(/r2_oos ([+-][\d.]+) here/.exec(choice.reason)?.[1]));
    const lucky = own.filter((score) => score > 0).length;
    const fooled = final.filter((choice) => choice.method !== 'zero').length;
    expect(lucky).toBeGreaterThan(4);
    expect(fooled).toBeLessThan(lucky / 2);
  });

  it('keeps most of the gain of knowing the better method where assets differ, and loses next to nothing where not', () => {
    const gain = (mean: number, sd: number) => {
      let kept = 0;
      let known = 0;
      for (let seed = 0; seed < 10; seed++) {
        const random = new Random(seed).fork(99);
        const gains = Float64Array.from({ length: ASSETS }, () => mean + sd * random.normal());
        const choices = chooseMethods(noisyArena(gains, seed)).filter((choice) => choice.fit === 'final');
        for (const { asset, method } of choices) kept += method === 'ols' ? gains[asset] / ASSETS / 10 : 0;
        known += gains.reduce((sum, g) => sum + Math.max(0, g), 0) / ASSETS / 10;
      }
      return { kept, known };
    };
    const differing = gain(0, 0.1);
    // 78 % over 40 seeds; ten leave an error of about 2 points.
    expect(differing.kept).toBeGreaterThan(0.7 * differing.known);
    expect(gain(-0.05, 0).kept).toBeGreaterThan(-0.002);
  });

  it('starts from the prior choice, which is no exposure unless told otherwise', () => {
    const first = (options = {}) =>
      chooseMethods(arena(skills), options).filter((choice) => choice.fit === 0)[ASSETS - 1];
    expect(first()).toMatchObject({ method: 'zero', weight: 1, reason: 'no fold before this one: the prior choice' });
    expect(first({ prior: 'ols' }).method).toBe('ols');
  });

  it('keeps to the prior for an asset with too short a record', () => {
    const forecasts = arena(skills, { folds: 1 });
    const gappy = forecasts.map((forecast) => ({
      ...forecast,
      realised: forecast.realised.map((x, i) => (i % ASSETS === 3 && i >= 11 * ASSETS ? Number.NaN : x)),
    }));
    const choice = chooseMethods(gappy).find((candidate) => candidate.fit === 'final' && candidate.asset === 3);
    expect(choice).toMatchObject({ method: 'zero', reason: expect.stringMatching(/too few test rows/) });
  });
});

/** The forecasts with those of fold 0 also as a trial, at the rows before it. */
function withTrial(forecasts: readonly FoldForecast[]): FoldForecast[] {
  const trial = forecasts
    .filter(({ fold }) => fold.index === 0)
    .map((forecast) => ({
      ...forecast,
      fold: { index: TRIAL, train: { start: 0, end: 180 }, test: { start: 180, end: 240 } },
    }));
  return [...trial, ...forecasts];
}

/** Four folds of a method whose true r2_oos is given per asset: it sees 40 % of the signal, worth .32, and adds noise. */
function noisyArena(gains: Float64Array, seed: number): FoldForecast[] {
  return [0, 1, 2, 3].flatMap((index) => {
    const random = new Random(seed).fork(index);
    const signal = Float64Array.from({ length: STEP * ASSETS }, () => Math.SQRT1_2 * random.normal());
    const start = 240 + STEP * index;
    const common = {
      fold: { index, train: { start: 0, end: start }, test: { start, end: start + STEP } },
      assets: ASSETS,
      horizon: 0,
      realised: signal.map((x) => x + Math.SQRT1_2 * random.normal()),
      trainingMean: new Float64Array(ASSETS),
      hedged: new Float64Array(signal.length).fill(Number.NaN),
    };
    const noiseSd = gains.map((gain) => Math.sqrt(Math.max(0, 0.32 - gain)));
    const predicted = signal.map((x, i) => 0.4 * x + noiseSd[i % ASSETS] * random.normal());
    return [
      { ...common, method: 'zero', predicted: new Float64Array(signal.length) },
      { ...common, method: 'ols', predicted },
    ];
  });
}
