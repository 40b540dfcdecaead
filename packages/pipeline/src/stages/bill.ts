import type { Panel } from '@macrograd/core';
import { buildPanel, lookAheadBill, type PanelSpec } from '@macrograd/data';
import { type FoldForecast, forecastFold, scoreForecasts, TRIAL } from '@macrograd/evaluation';
import type { BillRecord } from '@macrograd/store';
import type { RunConfig } from '../config/config.js';
import { UNIVERSE } from '../tables/results.js';
import { chooseAsConfigured, scoreChosen } from './choose.js';
import { estimatorsOf } from './estimators.js';
import { type FitRunOptions, fitAll } from './fit.js';
import { planFits, planFolds } from './plan.js';

/**
 * The bill of looking ahead: the methods of a config and their chosen mix, scored on what was known, on today's figures at
 * the same dates, and on today's figures dated by their periods. A forecast of at least one period.
 */
export async function billRecord(config: RunConfig, spec: PanelSpec, options: FitRunOptions): Promise<BillRecord> {
  const horizon = Math.max(1, spec.horizon ?? 1);
  let scored = 0;
  const { scores, revisions } = await lookAheadBill({ ...spec, horizon }, (panel) => {
    const share = scored++;
    const onProgress = (fraction: number, what: string) => options.onProgress?.((share + fraction) / 3, what);
    return pooledScores(config, panel, { ...options, onProgress });
  });
  return {
    horizon,
    methods: scores.map(({ name, revised, lagged, realTime }) => ({
      method: name,
      revised,
      lagged,
      real_time: realTime,
      by_dates: revised - lagged,
      by_revisions: lagged - realTime,
      total: revised - realTime,
    })),
    revisions: revisions.map(({ factor, rows, correlation, relative }) => ({ factor, rows, correlation, relative })),
  };
}

/**
 * Builds the panel of what was known, so that what can't be dated so is refused before anything is fitted.
 *
 * @throws InputError for two-sided steps and for data that can't be used
 */
export async function refuseUnbillable(config: RunConfig, spec: PanelSpec): Promise<void> {
  if (config.evaluation.lookAheadBill) await buildPanel({ ...spec, timing: 'available' });
}

/** Out-of-sample R2 over all assets and folds, by method and of the chosen mix. */
async function pooledScores(config: RunConfig, panel: Panel, options: FitRunOptions): Promise<Record<string, number>> {
  const walk = planFolds(config, panel);
  const estimators = estimatorsOf(config, 1);
  const tasks = planFits(estimators, panel, walk).filter(({ fit }) => fit !== 'final');
  const byTask = new Map<unknown, FoldForecast>();
  await fitAll(
    panel,
    tasks,
    async (task, fitted) => {
      const fold = task.fit === TRIAL ? walk.trial! : walk.folds[Number(task.fit)];
      byTask.set(task, await forecastFold(fitted, panel, fold, options.signal ? { signal: options.signal } : {}));
    },
    options,
  );
  const forecasts = tasks.flatMap((task) => byTask.get(task) ?? []);
  const scored = forecasts.filter(({ fold }) => fold.index !== TRIAL);
  const rows = [...scoreForecasts(scored), ...scoreChosen(scored, chooseAsConfigured(config, forecasts))];
  const pooled = rows.filter(({ asset, fold }) => asset === UNIVERSE && fold === 'all');
  return Object.fromEntries(pooled.map(({ method, r2Oos }) => [method, r2Oos]));
}
