import { type Fitted, fitScaler, type MethodId, type Panel } from '@macrograd/core';
import { type Fold, TRIAL } from './folds.js';
import { type HedgeOptions, hedgedReturns } from './hedge.js';

/** What one fit said about the rows of its fold, beside what happened. Matrices are [date][asset], row-major. */
export interface FoldForecast {
  readonly method: MethodId;
  readonly fold: Fold;
  readonly assets: number;
  readonly horizon: number;
  /** Realised returns, decimal; NaN where missing. */
  readonly realised: Float64Array;
  /** Expected returns given the factors; NaN where the method can't say. */
  readonly predicted: Float64Array;
  /** [asset]: mean return of the training rows, the forecast of no exposure at all. */
  readonly trainingMean: Float64Array;
  /** Returns after the hedge of {@link hedgedReturns}; NaN everywhere from horizon 1 on. */
  readonly hedged: Float64Array;
}

/**
 * Applies a fit to the test rows of its fold.
 *
 * Row t of the panel pairs the inputs of t with the return that they are to explain, at every horizon. The fit must
 * have been made on `fold.train` alone; `options` say how the hedge reads it. Everything the scores need is kept, so that the fit itself can be dropped.
 */
export async function forecastFold(
  fitted: Fitted,
  panel: Panel,
  fold: Fold,
  options: HedgeOptions = {},
): Promise<FoldForecast> {
  const forecast = await forecastReturns(fitted, panel, fold);
  if (panel.horizon > 0) return forecast;
  return { ...forecast, hedged: await hedgedReturns(fitted, panel.inputs, fold, forecast.realised, options) };
}

/** {@link forecastFold} without its hedge: `hedged` is NaN. */
export async function forecastReturns(fitted: Fitted, panel: Panel, fold: Fold): Promise<FoldForecast> {
  const assets = panel.assets.length;
  const { test } = fold;
  const realised = panel.returns.slice(test.start * assets, test.end * assets);
  const { values } = await fitted.predict(panel.inputs, test);
  return {
    method: fitted.method,
    fold,
    assets,
    horizon: panel.horizon,
    realised,
    predicted: values,
    trainingMean: trainingMeans(panel, fold),
    hedged: new Float64Array(realised.length).fill(Number.NaN),
  };
}

/** The folds that forecasts are for, oldest first, without the trial: it is known before all of them and never scored. */
export function scoredFolds(forecasts: readonly FoldForecast[]): Fold[] {
  const folds = [...new Map(forecasts.map(({ fold }) => [fold.index, fold])).values()];
  return folds.filter(({ index }) => index !== TRIAL).sort((a, b) => a.index - b.index);
}

/** What the forecasts cover, in words: `2 folds`, `the trial`, `the trial and 1 fold`. */
export function describeFolds(forecasts: readonly FoldForecast[]): string {
  const count = scoredFolds(forecasts).length;
  const folds = `${count} ${count === 1 ? 'fold' : 'folds'}`;
  if (forecasts.every(({ fold }) => fold.index !== TRIAL)) return folds;
  return count === 0 ? 'the trial' : `the trial and ${folds}`;
}

function trainingMeans(panel: Panel, fold: Fold): Float64Array {
  const { mean, count } = fitScaler(panel.returns, panel.assets.length, fold.train);
  return mean.map((value, asset) => (count[asset] > 0 ? value : Number.NaN));
}
