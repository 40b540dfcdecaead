import type { MethodId } from '@macrograd/core';
import { ewmOlsEstimator, olsEstimator, zeroEstimator } from '@macrograd/linear';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Choice,
  chosenForecasts,
  type FoldForecast,
  forecastFold,
  simulateWorld,
  stackMethods,
  TRIAL,
  walkForwardFolds,
} from '../src/index.js';

/** Weights come from coordinate descent that stops at 1e-8, and from methods of at least .01. */
const ROUNDING = 1e-6;
const SMALLEST = 0.01;

const MONTHS = 420;
const world = simulateWorld({ process: 'const', seed: 12, months: MONTHS, assets: 20 });
const { panel, expected } = world;
const { folds, trial } = walkForwardFolds(MONTHS, { initial: 240, step: 60 });
const estimators = [zeroEstimator(), olsEstimator(), ewmOlsEstimator()];
let forecasts: FoldForecast[];
let stack: Choice[];
let trials: FoldForecast[];

beforeAll(async () => {
  forecasts = [];
  for (const estimator of estimators) {
    for (const fold of folds) {
      forecasts.push(await forecastFold(await estimator.fit(panel, fold.train, { seed: 1 }), panel, fold));
    }
  }
  stack = stackMethods(forecasts);
  trials = [];
  for (const estimator of estimators) {
    trials.push(await forecastFold(await estimator.fit(panel, trial!.train, { seed: 1 }), panel, trial!));
  }
}, 120_000);

/** Root mean squared error of the expected return in folds after the first. */
function error(all: readonly FoldForecast[]): number {
  const squares = all
    .slice(1)
    .flatMap(({ predicted, fold }) =>
      Array.from(predicted, (value, at) => (value - expected[fold.test.start * panel.assets.length + at]) ** 2),
    );
  return Math.sqrt(squares.reduce((sum, x) => sum + x, 0) / squares.length);
}

describe('stackMethods', () => {
  it('gives every asset of every fit weights of 0 and more that sum to 1, no exposure counted', () => {
    for (const fit of [...folds.map(({ index }) => index), 'final' as const]) {
      for (let asset = 0; asset < panel.assets.length; asset++) {
        const own = stack.filter((choice) => choice.fit === fit && choice.asset === asset);
        expect(own.length).toBeGreaterThan(0);
        expect(own.every(({ weight }) => weight > 0)).toBe(true);
        const sum = own.reduce((total, { weight }) => total + weight, 0);
        expect(Math.abs(sum - 1)).toBeLessThan(SMALLEST + ROUNDING);
        expect(new Set(own.map(({ method }) => method)).size).toBe(own.length);
      }
    }
  });

  it('knows nothing before the first fold, and takes no exposure', () => {
    const first = stack.filter(({ fit }) => fit === 0);
    expect(first).toHaveLength(panel.assets.length);
    expect(first.every(({ method, weight }) => method === 'zero' && weight === 1)).toBe(true);
  });

  it('with a trial has weights before the first fold, and they know no row of that fold', () => {
    const known = [...trials, ...forecasts];
    const first = (choices: readonly Choice[]) => choices.filter(({ fit }) => fit === 0);
    const before = first(stackMethods(known));
    expect(before.filter(({ method }) => method !== 'zero').length).toBeGreaterThan(0.9 * panel.assets.length);
    expect(before[0].reason).toMatch(/^stacked over the trial: r2 \d\.\d{3} \+- \d\.\d{3}$/);
    const shifted = (from: number) =>
      known.map((forecast) => ({
        ...forecast,
        realised: forecast.realised.map((r, at) =>
          forecast.fold.test.start + Math.floor(at / panel.assets.length) >= from ? r + 1000 : r,
        ),
      }));
    expect(first(stackMethods(shifted(folds[0].train.end)))).toEqual(before);
    expect(first(stackMethods(shifted(folds[0].train.end - 1)))).not.toEqual(before);
    expect(stackMethods(known).some(({ fit }) => fit === TRIAL)).toBe(false);
    expect(chosenForecasts(known, stackMethods(known)).map(({ fold }) => fold.index)).toEqual(
      folds.map(({ index }) => index),
    );
  });

  it('takes weights times what the error that all assets share leaves of the gain', () => {
    // The same asset in every column, and twice what least squares expect: the best weight lies below 1.
    const alike = forecasts
      .filter(({ method }) => method !== 'ewm_ols')
      .map((forecast) => {
        const same = (values: Float64Array) => values.map((_, at) => values[at - (at % panel.assets.length)]);
        const trainingMean = forecast.trainingMean.map(() => 0);
        return {
          ...forecast,
          realised: same(forecast.realised),
          predicted: same(forecast.predicted.map((x) => 2 * x)),
          trainingMean,
        };
      });
    const of = (method: MethodId, field: 'predicted' | 'realised') =>
      alike.filter((forecast) => forecast.method === method).flatMap((forecast) => Array.from(forecast[field]));
    const [d, y] = [of('ols', 'predicted'), of('ols', 'realised')];
    const slope = d.reduce((sum, x, i) => sum + x * y[i], 0) / d.reduce((sum, x) => sum + x * x, 0);
    const [choice] = stackMethods(alike, { shrinkage: 0 }).filter(({ fit }) => fit === 'final');
    const [, gain, se] = /r2 (\S+) \+- (\S+)$/.exec(choice.reason)!.map(Number);
    expect(se).toBeGreaterThan(0.01);
    const trust = gain ** 2 / (gain ** 2 + (se / 2) ** 2);
    expect(trust).toBeLessThan(0.97);
    // Gain and error are read off the reason, to three digits: 1 % of an error of .05, 2 % of what is held back.
    expect(Math.abs(choice.weight / slope - trust)).toBeLessThan(0.05 * (1 - trust));
  });

  it('is at most 5 % worse than the best single method, as the choice aims to be', () => {
    const single = estimators.map(({ method }) => error(forecasts.filter((forecast) => forecast.method === method)));
    expect(error(chosenForecasts(forecasts, stack))).toBeLessThanOrEqual(1.05 * Math.min(...single));
  });

  it('draws assets to the pool the more the stronger the shrinkage', () => {
    const spread = (shrinkage: number) => {
      const weights = stackMethods(forecasts, { shrinkage }).filter(
        ({ fit, method }) => fit === 'final' && method === 'ewm_ols',
      );
      const all = panel.assets.map((_, asset) => weights.find((choice) => choice.asset === asset)?.weight ?? 0);
      const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
      return all.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    };
    expect(spread(0)).toBeGreaterThan(spread(8));
    expect(spread(8)).toBeGreaterThan(spread(1e9) - ROUNDING);
    expect(spread(1e9)).toBeLessThan(ROUNDING);
  });

  it('leaves an asset that a method explains wholly its own weights, however strong the pool', () => {
    const same = forecasts.map((forecast) => {
      const exact = forecasts.find(
        ({ method, fold }) => method === 'ols' && fold.index === forecast.fold.index,
      )!.predicted;
      const realised = forecast.realised.map((r, at) => (at % panel.assets.length === 0 ? exact[at] : r));
      return { ...forecast, realised };
    });
    const own = stackMethods(same).filter(({ fit, asset }) => fit === 'final' && asset === 0);
    expect(own.find(({ method }) => method === 'ols')!.weight).toBeGreaterThan(1 - 2 * SMALLEST);
  });

  it('of a fold looks at earlier folds alone', () => {
    const shifted = forecasts.map((forecast) =>
      forecast.fold.index < 2 ? forecast : { ...forecast, realised: forecast.realised.map((r) => r + 1000) },
    );
    const early = (choices: readonly Choice[]) => choices.filter(({ fit }) => fit !== 'final' && fit <= 2);
    expect(early(stackMethods(shifted))).toEqual(early(stack));
    expect(stackMethods(shifted)).not.toEqual(stack);
  });
});

describe('chosenForecasts', () => {
  it('is the weighted sum of the methods, with the training mean for what has no exposure', () => {
    const [fold] = folds;
    const line = (method: Choice['method'], weight: number): Choice[] =>
      panel.assets.map((_, asset) => ({ asset, fit: 0, method, weight, score: Number.NaN, reason: '' }));
    const of = (method: string) => forecasts.find((f) => f.method === method && f.fold.index === fold.index)!;
    const [mix] = chosenForecasts(forecasts, [...line('ols', 0.25), ...line('zero', 0.75)]);
    const at = 3 * panel.assets.length + 7;
    expect(mix.predicted[at]).toBeCloseTo(0.25 * of('ols').predicted[at] + 0.75 * of('ols').trainingMean[7], 12);
    expect(mix.hedged[at]).toBeCloseTo(0.25 * of('ols').hedged[at] + 0.75 * of('ols').realised[at], 12);
  });
});
