import type { Choice } from './choice.js';
import type { FoldForecast } from './forecast.js';

/** Forecasts of what was chosen or stacked, one a fold, oldest first: weighted sums over methods, `zero` = the training mean. */
export function chosenForecasts(forecasts: readonly FoldForecast[], choices: readonly Choice[]): FoldForecast[] {
  const folds = [...new Set(forecasts.map(({ fold }) => fold.index))].sort((a, b) => a - b);
  return folds.map((index) => {
    const mine = new Map(forecasts.filter(({ fold }) => fold.index === index).map((f) => [f.method, f]));
    const [like] = mine.values();
    const perAsset: Choice[][] = Array.from({ length: like.assets }, () => []);
    for (const choice of choices) if (choice.fit === index) perAsset[choice.asset].push(choice);
    const mix = (field: 'predicted' | 'hedged', nothing: (at: number) => number) =>
      like[field].map((_, at) => {
        const own = perAsset[at % like.assets];
        // One method alone is taken as it is, missing values included.
        if (own.length === 1 && own[0].weight === 1) return mine.get(own[0].method)?.[field][at] ?? nothing(at);
        return own.reduce(
          (sum, { method, weight }) => sum + weight * (mine.get(method)?.[field][at] ?? nothing(at)),
          0,
        );
      });
    return {
      ...like,
      predicted: mix('predicted', (at) => like.trainingMean[at % like.assets]),
      hedged: mix('hedged', (at) => like.realised[at]),
    };
  });
}
