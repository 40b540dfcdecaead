import type { Choice } from './choice.js';
import { TRIAL } from './folds.js';
import type { FoldForecast } from './forecast.js';
import type { AssetShare } from './mixed_fits.js';

/** Forecasts of what was chosen or stacked, one a fold, oldest first: weighted sums over methods, `zero` = the training mean. */
export function chosenForecasts(forecasts: readonly FoldForecast[], choices: readonly Choice[]): FoldForecast[] {
  const scored = forecasts.filter(({ fold }) => fold.index !== TRIAL);
  return mixFolds(scored, (index) => choices.filter(({ fit }) => fit === index));
}

/** What mixes would have forecast in every fold, the trial too, oldest first. */
export function mixFolds(
  forecasts: readonly FoldForecast[],
  sharesOf: (fold: number) => readonly AssetShare[],
): FoldForecast[] {
  const indices = [...new Set(forecasts.map(({ fold }) => fold.index))].sort((a, b) => a - b);
  return indices.map((index) =>
    mixForecasts(
      forecasts.filter(({ fold }) => fold.index === index),
      sharesOf(index),
    ),
  );
}

/** Weighted sums of the forecasts that methods made for one fold. */
function mixForecasts(forecasts: readonly FoldForecast[], choices: readonly AssetShare[]): FoldForecast {
  const byMethod = new Map(forecasts.map((forecast) => [forecast.method, forecast]));
  const [like] = forecasts;
  const perAsset: Pick<Choice, 'method' | 'weight'>[][] = Array.from({ length: like.assets }, () => []);
  for (const choice of choices) perAsset[choice.asset].push(choice);
  const mix = (field: 'predicted' | 'hedged', nothing: (at: number) => number) =>
    like[field].map((_, at) => {
      const own = perAsset[at % like.assets];
      // One method alone is taken as it is, missing values included.
      if (own.length === 1 && own[0].weight === 1) return byMethod.get(own[0].method)?.[field][at] ?? nothing(at);
      return own.reduce(
        (sum, { method, weight }) => sum + weight * (byMethod.get(method)?.[field][at] ?? nothing(at)),
        0,
      );
    });
  return {
    ...like,
    predicted: mix('predicted', (at) => like.trainingMean[at % like.assets]),
    hedged: mix('hedged', (at) => like.realised[at]),
  };
}
