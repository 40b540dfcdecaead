import type { AssetMeta, FitStatus, MethodId } from '@macrograd/core';
import type { Choice } from '@macrograd/evaluation';
import {
  adaptiveBenjaminiHochberg,
  type ExposureSummary,
  type LagInterval,
  NO_LAG_INTERVAL,
} from '@macrograd/exposure';
import { SCREENING_LEVEL } from '../levels.js';
import type { TableMethod } from '../tables/exposure-layout.js';
import { blendCells } from './blend.js';
import type { StateEffects } from './state-effects.js';

/** One line of the summary: an asset, a factor and a method, fitted on the whole span. */
export interface SummaryCell {
  readonly asset: string;
  readonly factor: string;
  /** Unit of the factor, as in `% per 1 pp`. */
  readonly unit: string;
  readonly method: TableMethod;
  /** The method itself where `method` is `chosen`. */
  readonly origin: MethodId;
  /** Decimal return per one training SD of the factor, mean over dates. */
  readonly meanExposure: number;
  readonly latestExposure: number;
  /** Decimal return per one unit of the factor. */
  readonly unitExposure: number;
  readonly lo: number;
  readonly hi: number;
  readonly sign: number;
  readonly pValue: number;
  readonly qValue: number;
  readonly selected: boolean;
  readonly status: FitStatus;
  readonly peakLag: number;
  readonly halfLife: number;
  readonly lagInterval: LagInterval;
  readonly states: StateEffects;
}

/** A method's summary with what the state of the economy does to its exposures, [asset][factor]. */
export interface MethodSummary extends ExposureSummary {
  readonly states: readonly StateEffects[];
}

/**
 * Summary lines of every method and of the chosen mix, ordered by method, asset, factor.
 *
 * The mix takes each asset's line from the method chosen for it, or blends those of a stack; its q-values are worked out
 * anew over its own grid of assets and factors, since it is its own family of tests.
 */
export function summaryCells(
  summaries: readonly MethodSummary[],
  choices: readonly Choice[],
  assets: readonly AssetMeta[],
): SummaryCell[] {
  const perMethod = summaries.map((summary) => cellsOf(summary, assets));
  const finals = choices.filter(({ fit }) => fit === 'final');
  const mix = assets.flatMap(({ name }, asset) => {
    const parts = finals
      .filter((choice) => choice.asset === asset)
      .map(({ method, weight }) => {
        const cells = perMethod[summaries.findIndex((summary) => summary.method === method)];
        return { cells: cells.filter((cell) => cell.asset === name), weight };
      });
    return parts.length === 0 ? [] : blendCells(parts);
  });
  // No exposure is a claim too, with nothing against it: leaving those pairs out would shrink the family to the ones
  // that already looked good.
  const { qValues, selected } = adaptiveBenjaminiHochberg(
    Float64Array.from(mix, ({ origin, pValue }) => (origin === 'zero' ? 1 : pValue)),
    SCREENING_LEVEL,
  );
  const chosen = mix.map((cell, i) => ({
    ...cell,
    method: 'chosen' as const,
    qValue: cell.origin === 'zero' ? Number.NaN : qValues[i],
    selected: selected[i] === 1,
  }));
  return [...perMethod.flat(), ...chosen];
}

function cellsOf(summary: MethodSummary, assets: readonly AssetMeta[]): SummaryCell[] {
  const { factors, method } = summary;
  return Array.from(summary.meanExposure, (meanExposure, i) => ({
    asset: assets[Math.floor(i / factors.length)].name,
    factor: factors[i % factors.length].name,
    unit: factors[i % factors.length].unit,
    method,
    origin: method,
    meanExposure,
    latestExposure: summary.latestExposure[i],
    unitExposure: summary.unitExposure[i],
    lo: summary.lo[i],
    hi: summary.hi[i],
    sign: summary.sign[i],
    pValue: summary.pValue[i],
    qValue: summary.qValue[i],
    selected: summary.selected[i] === 1,
    status: summary.status[i],
    peakLag: summary.peakLag[i],
    halfLife: summary.halfLife[i],
    lagInterval: summary.profile.intervals?.[i] ?? NO_LAG_INTERVAL,
    states: summary.states[i],
  }));
}
