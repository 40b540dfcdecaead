import type { Panel } from '@macrograd/core';
import { type Choice, type Fold, type FoldForecast, scoreForecasts } from '@macrograd/evaluation';
import { kindsOf } from '../tables/exposure-layout.js';
import type { ExposureTable } from '../tables/exposures.js';
import type { ScoreRow } from '../tables/results.js';

/** Scores of what was chosen for every asset and fold before that fold. */
export function scoreChosen(forecasts: readonly FoldForecast[], choices: readonly Choice[], folds: readonly Fold[]) {
  const mix = folds.map((fold) => {
    const mine = forecasts.filter((forecast) => forecast.fold.index === fold.index);
    const chosen = choices
      .filter(({ fit }) => fit === fold.index)
      .map(({ method }) => mine.find((forecast) => forecast.method === method)!);
    return mixForecasts(mine[0], chosen);
  });
  // The mix is scored as one method of its own; its name is put on afterwards.
  return scoreForecasts(mix).map((row): ScoreRow => ({ ...row, method: 'chosen' }));
}

/** One forecast whose asset a is taken from `chosen[a]`. */
function mixForecasts(like: FoldForecast, chosen: readonly FoldForecast[]): FoldForecast {
  const take = (field: 'predicted' | 'hedged') => like[field].map((_, i) => chosen[i % like.assets][field][i]);
  return { ...like, predicted: take('predicted'), hedged: take('hedged') };
}

/** Fills the chosen mix's sections of the exposures table. */
export function addChosenExposures(
  table: ExposureTable,
  panel: Panel,
  folds: readonly Fold[],
  choices: readonly Choice[],
): void {
  const rows = panel.axis.dates.length;
  for (const { asset, fit, method } of choices) {
    const fits = fit === 'final' ? 'final' : 'folds';
    // Dates before the first fold are read with the first fit.
    const span = fit === 'final' ? { start: 0, end: rows } : { ...folds[fit].test, ...(fit === 0 ? { start: 0 } : {}) };
    for (const kind of kindsOf('chosen')) {
      const own = kindsOf(method).includes(kind) ? kind : 'contemporaneous';
      const from = table.layout.section(method, own, fits);
      table.addChosen(table.layout.section('chosen', kind, fits), asset, span, from);
    }
  }
}
