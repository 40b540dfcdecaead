import type { AssetMeta, FactorMeta, FactorPanel, FitStatus, Scaler } from '@macrograd/core';
import type { Choice, EvaluationRow } from '@macrograd/evaluation';
import type { LagProfile } from '@macrograd/exposure';
import { TableBuilder, type TableData } from '@macrograd/store';
import type { InteractionRow } from '../stages/interactions.js';
import type { SummaryCell } from '../stages/summary.js';
import type { TableMethod } from './exposure-layout.js';

/** Name under which the evaluation table pools all assets. */
export const UNIVERSE = 'all';

/** One line of the evaluation table, of a method or of the chosen mix. */
export type ScoreRow = Omit<EvaluationRow, 'method'> & { readonly method: TableMethod };

/** Lag profiles of one fit. */
export interface FitProfile {
  readonly fit: number | 'final';
  readonly profile: LagProfile;
  /** [asset] */
  readonly status: readonly FitStatus[];
}

/** `lags`: ordered by profile as given, asset, factor, lag. */
export function lagsTable(profiles: readonly FitProfile[], assets: readonly AssetMeta[]): TableData<'lags'> {
  const table = new TableBuilder('lags');
  for (const { fit, profile, status } of profiles) {
    const { lags, factors } = profile;
    for (let i = 0; i < profile.exposure.length; i++) {
      const cell = Math.floor(i / lags);
      const asset = profile.assets.start + Math.floor(cell / factors.length);
      const missing = status[asset] === 'ok' && Number.isNaN(profile.exposure[i]);
      table.append({
        asset: assets[asset].name,
        factor: factors[cell % factors.length].name,
        method: profile.method,
        fit: String(fit),
        lag: i % lags,
        exposure: profile.exposure[i],
        unit_exposure: profile.unitExposure[i],
        lo: profile.lo[i],
        hi: profile.hi[i],
        status: missing ? 'no_data' : status[asset],
      });
    }
  }
  return table.finish();
}

/** `summary`: ordered as given. */
export function summaryTable(cells: readonly SummaryCell[]): TableData<'summary'> {
  const table = new TableBuilder('summary');
  for (const cell of cells) {
    table.append({
      asset: cell.asset,
      factor: cell.factor,
      method: cell.method,
      fit: 'final',
      mean_exposure: cell.meanExposure,
      latest_exposure: cell.latestExposure,
      unit_exposure: cell.unitExposure,
      lo: cell.lo,
      hi: cell.hi,
      sign: cell.sign,
      p_value: cell.pValue,
      q_value: cell.qValue,
      selected: cell.selected,
      status: cell.status,
      peak_lag: orNull(cell.peakLag),
      peak_lag_lo: orNull(cell.lagInterval.peakLo),
      peak_lag_hi: orNull(cell.lagInterval.peakHi),
      half_life: cell.halfLife,
      half_life_lo: cell.lagInterval.halfLo,
      half_life_hi: cell.lagInterval.halfHi,
      // What is not provable is null, never a made-up number.
      threshold: cell.states.threshold?.level ?? Number.NaN,
      threshold_lo: cell.states.threshold?.lo ?? Number.NaN,
      threshold_hi: cell.states.threshold?.hi ?? Number.NaN,
      threshold_variable: cell.states.thresholdVariable ?? null,
      threshold_unit: cell.states.thresholdUnit ?? null,
      threshold_p_value: cell.states.thresholdPValue,
      top_interaction: cell.states.topInteraction ?? null,
      in_regime: cell.states.inRegime,
    });
  }
  return table.finish();
}

/** A whole number, or null where there is none. */
function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** `interactions`: ordered as given. */
export function interactionsTable(rows: readonly InteractionRow[]): TableData<'interactions'> {
  const table = new TableBuilder('interactions');
  for (const row of rows) {
    table.append({
      asset: row.asset,
      factor: row.factor,
      partner: row.partner,
      product: row.product,
      lo: row.lo,
      hi: row.hi,
      p_value: row.pValue,
      q_value: row.qValue,
      selected: row.selected,
      method: row.method ?? null,
      cross_partial: row.crossPartial,
      joint_shock: row.jointShock,
    });
  }
  return table.finish();
}

/** `evaluation`: ordered by method, asset (the universe last), fold (all folds last). */
export function evaluationTable(rows: readonly ScoreRow[], assets: readonly AssetMeta[]): TableData<'evaluation'> {
  const table = new TableBuilder('evaluation');
  for (const row of rows) {
    table.append({
      asset: row.asset === 'all' ? UNIVERSE : assets[row.asset].name,
      method: row.method,
      fold: String(row.fold),
      horizon: row.horizon,
      n: row.n,
      r2_oos: row.r2Oos,
      hedge_variance_reduction: row.hedgeVarianceReduction,
      dm_stat: row.dmStat,
      dm_p_value: row.dmPValue,
      cw_stat: row.cwStat,
      cw_p_value: row.cwPValue,
    });
  }
  return table.finish();
}

/** `chosen`: ordered by fit, asset. */
export function chosenTable(choices: readonly Choice[], assets: readonly AssetMeta[]): TableData<'chosen'> {
  const table = new TableBuilder('chosen');
  for (const { asset, fit, method, weight, reason } of choices) {
    table.append({ asset: assets[asset].name, fit: String(fit), method, weight, reason });
  }
  return table.finish();
}

/** `factors`: every series with its scaling, ordered by fit, then as in the panel. */
export function factorsTable(
  inputs: FactorPanel,
  fits: readonly { readonly fit: number | 'final'; readonly scaler: Scaler }[],
): TableData<'factors'> {
  const table = new TableBuilder('factors');
  for (const { fit, scaler } of fits) {
    inputs.factors.forEach((meta: FactorMeta, column) => {
      table.append({
        factor: meta.name,
        fit: String(fit),
        role: meta.role,
        unit: meta.unit,
        transform: meta.transform,
        mean: scaler.count[column] > 0 ? scaler.mean[column] : Number.NaN,
        sd: scaler.count[column] > 0 ? scaler.sd[column] : Number.NaN,
        release_lag: meta.releaseLag,
        source: meta.source,
      });
    });
  }
  return table.finish();
}
