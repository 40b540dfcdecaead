import { type MethodId, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { type FoldForecast, stackMethods, TRIAL } from '../src/index.js';

const ASSETS = 40;
const STEP = 60;
const FOLDS = [TRIAL, 0, 1, 2];
/** Standard deviation of a signal beside an asset's own error of 1. */
const SIGNAL = 0.4;

interface Setting {
  /** Weight of the first method's signal in an asset's return; the second's is the rest. */
  readonly share: (asset: number) => number;
  /** Standard deviation of an error common to all assets but the last. */
  readonly market: number;
  /** Standard deviation of the part of the signals that moves all assets at once; default 0. */
  readonly together?: number;
  readonly seed: number;
}

/** Two methods with signals of their own, and returns that are a mix of these, an error of the market and own errors. */
function forecastsOf({ share, market, together = 0, seed }: Setting): FoldForecast[] {
  const random = new Random(seed);
  const draw = (scale: number) => scale * random.normal();
  return FOLDS.flatMap((index) => {
    const start = 240 + STEP * index;
    const fold = { index, train: { start: 0, end: start }, test: { start, end: start + STEP } };
    const signals = ['ols', 'kalman'].map(() => {
      const shared = Float64Array.from({ length: STEP }, () => draw(together));
      return Float64Array.from({ length: STEP * ASSETS }, (_, at) => draw(SIGNAL) + shared[Math.floor(at / ASSETS)]);
    });
    const common = Float64Array.from({ length: STEP }, () => draw(market));
    const realised = signals[0].map((first, at) => {
      const own = share(at % ASSETS);
      const shared = at % ASSETS === ASSETS - 1 ? 0 : common[Math.floor(at / ASSETS)];
      return own * first + (1 - own) * signals[1][at] + shared + draw(1);
    });
    const like = {
      fold,
      assets: ASSETS,
      horizon: 0,
      realised,
      hedged: realised,
      trainingMean: new Float64Array(ASSETS),
    };
    return signals.map(
      (predicted, m): FoldForecast => ({ ...like, method: (['ols', 'kalman'] as const)[m], predicted }),
    );
  });
}

/** [asset]: a method's weight in the final fit. */
function finalWeights(forecasts: readonly FoldForecast[], method: MethodId, shrinkage?: number): number[] {
  const choices = stackMethods(forecasts, shrinkage === undefined ? {} : { shrinkage });
  const own = choices.filter((choice) => choice.fit === 'final' && choice.method === method);
  return Array.from({ length: ASSETS }, (_, asset) => own.find((choice) => choice.asset === asset)?.weight ?? 0);
}

describe('shrinkage by validation', () => {
  it('holds assets that want the same weights together, and leaves those that differ theirs', () => {
    const alike = forecastsOf({ share: () => 0.5, market: 0, seed: 1 });
    const apart = forecastsOf({ share: (asset) => asset % 2, market: 0, seed: 1 });
    expect(finalWeights(alike, 'ols')).toEqual(finalWeights(alike, 'ols', 128));
    expect(finalWeights(apart, 'ols')).toEqual(finalWeights(apart, 'ols', 8));
    expect(finalWeights(apart, 'ols', 8)).not.toEqual(finalWeights(apart, 'ols', 128));
  });

  it('is decided by rows before the fit', () => {
    const forecasts = forecastsOf({ share: (asset) => asset % 2, market: 0, seed: 2 });
    const changed = forecasts.map((forecast) =>
      forecast.fold.index < 2 ? forecast : { ...forecast, realised: forecast.realised.map((r) => r + 1000) },
    );
    const early = (all: readonly FoldForecast[]) => stackMethods(all).filter(({ fit }) => fit !== 'final' && fit <= 2);
    expect(early(changed)).toEqual(early(forecasts));
  });
});

/**
 * Standard error of a weight that differences of .4 between 40 assets on 240 dates tell, 1 / (.4 sqrt(9600)); a market of three times
 * an asset's own error lets one read off signals of 1 that all assets share err by 3 / sqrt(240) = .2.
 */
const BY_DIFFERENCES = 0.026;

describe('an error that all assets share', () => {
  it('does not keep the pool from what differences between assets tell of the methods', () => {
    const truth = 0.7;
    const errors = Array.from({ length: 6 }, (_, seed) => {
      const forecasts = forecastsOf({ share: () => truth, market: 3, together: 1, seed: 10 + seed });
      const [first, second] = (['ols', 'kalman'] as const).map((method) => finalWeights(forecasts, method, 1e6)[0]);
      return first / (first + second) - truth;
    });
    expect(Math.sqrt(errors.reduce((sum, x) => sum + x * x, 0) / errors.length)).toBeLessThan(2 * BY_DIFFERENCES);
  });
});
