import { fitScaler, type Panel } from '@macrograd/core';
import { type Choice, scoreForecasts, type WalkForward } from '@macrograd/evaluation';
import { type CheckRecord, writeTable } from '@macrograd/store';
import type { RunConfig } from '../config/config.js';
import { diagnosticsTable } from '../tables/diagnostics.js';
import type { ExposureSection } from '../tables/exposure-layout.js';
import type { ExposureTable } from '../tables/exposures.js';
import {
  chosenTable,
  evaluationTable,
  factorsTable,
  interactionsTable,
  lagsTable,
  type ScoreRow,
  summaryTable,
} from '../tables/results.js';
import { knownTruthChecks } from './checks.js';
import { addChosenExposures, chooseAsConfigured, scoreChosen } from './choose.js';
import type { Collector } from './collect.js';
import type { InteractionRow } from './interactions.js';
import { screeningTable } from './screening.js';
import { summaryCells } from './summary.js';

/** What the run record takes from the tables. */
export interface TableResults {
  readonly scores: readonly ScoreRow[];
  readonly checks: readonly CheckRecord[];
  readonly choices: readonly Choice[];
}

/** Scores, chooses, summarises, and writes every table of the result. */
export function writeTables(
  dir: string,
  config: RunConfig,
  panel: Panel,
  { folds }: WalkForward,
  collector: Collector,
  exposures: ExposureTable,
  interactions: readonly InteractionRow[],
): TableResults {
  const { forecasts, trials, profiles, summaries } = collector;
  const choices = chooseAsConfigured(config, [...trials, ...forecasts]);
  const scores: ScoreRow[] = [...scoreForecasts(forecasts), ...scoreChosen(forecasts, choices)];
  const cells = summaryCells(summaries, choices, panel.assets);
  addChosenExposures(exposures, panel, folds, choices);
  const columns = panel.inputs.factors.length;
  const scalers = [
    ...folds.map(({ index, train }) => ({ fit: index, scaler: fitScaler(panel.inputs.values, columns, train) })),
    {
      fit: 'final' as const,
      scaler: fitScaler(panel.inputs.values, columns, { start: 0, end: panel.axis.dates.length }),
    },
  ];
  writeTable(dir, 'exposures', exposures.finish(wantedSections(config, exposures.layout.rows)));
  writeTable(dir, 'lags', lagsTable(profiles, panel.assets));
  writeTable(dir, 'summary', summaryTable(cells));
  const further = screeningTable(panel, collector.screen, config);
  if (further) writeTable(dir, 'screening', further);
  writeTable(dir, 'interactions', interactionsTable(interactions));
  writeTable(dir, 'evaluation', evaluationTable(scores, panel.assets));
  writeTable(dir, 'diagnostics', diagnosticsTable(collector.diagnostics, panel.assets));
  writeTable(dir, 'chosen', chosenTable(choices, panel.assets));
  writeTable(dir, 'factors', factorsTable(panel.inputs, scalers));
  return { scores, checks: knownTruthChecks(config, cells), choices };
}

/** Rows up to which the exposures of all methods are written; above, those of the chosen mix and the LSTM. */
export const ALL_METHODS_ROWS = 20_000_000;

function wantedSections({ output }: RunConfig, rows: number): (section: ExposureSection) => boolean {
  const all = output.exposures === 'all' || (output.exposures === 'auto' && rows <= ALL_METHODS_ROWS);
  return ({ method }) => all || method === 'chosen' || method === 'lstm';
}
