import type { Panel } from '@macrograd/core';
import {
  type Choice,
  chooseMethods,
  chosenForecasts,
  type Fold,
  type FoldForecast,
  scoreForecasts,
  stackMethods,
} from '@macrograd/evaluation';
import type { RunConfig } from '../config/config.js';
import { kindsOf } from '../tables/exposure-layout.js';
import type { ExposureTable } from '../tables/exposures.js';
import type { ScoreRow } from '../tables/results.js';

/** What serves every asset in every fit, as the config asks: the best method, or a stack of them. */
export function chooseAsConfigured({ evaluation }: Pick<RunConfig, 'evaluation'>, forecasts: readonly FoldForecast[]) {
  return evaluation.choice === 'stack' ? stackMethods(forecasts) : chooseMethods(forecasts);
}

/** Scores of what was chosen for every asset and fold before that fold. */
export function scoreChosen(forecasts: readonly FoldForecast[], choices: readonly Choice[]) {
  // The mix is scored as one method of its own; its name is put on afterwards.
  return scoreForecasts(chosenForecasts(forecasts, choices)).map((row): ScoreRow => ({ ...row, method: 'chosen' }));
}

/** Fills the chosen mix's sections of the exposures table. */
export function addChosenExposures(
  table: ExposureTable,
  panel: Panel,
  folds: readonly Fold[],
  choices: readonly Choice[],
): void {
  const rows = panel.axis.dates.length;
  const stacks = new Map<string, Choice[]>();
  for (const choice of choices) {
    const key = `${choice.asset}/${choice.fit}`;
    stacks.set(key, [...(stacks.get(key) ?? []), choice]);
  }
  for (const own of stacks.values()) {
    const { asset, fit } = own[0];
    const fits = fit === 'final' ? 'final' : 'folds';
    // Dates before the first fold are read with the first fit.
    const span = fit === 'final' ? { start: 0, end: rows } : { ...folds[fit].test, ...(fit === 0 ? { start: 0 } : {}) };
    for (const kind of kindsOf('chosen')) {
      const parts = own.map(({ method, weight }) => ({
        from: table.layout.section(method, kindsOf(method).includes(kind) ? kind : 'contemporaneous', fits),
        weight,
      }));
      table.addChosen(table.layout.section('chosen', kind, fits), asset, span, parts);
    }
  }
}
