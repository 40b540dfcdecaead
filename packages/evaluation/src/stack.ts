import type { MethodId } from '@macrograd/core';
import type { Choice } from './choice.js';
import { describeFolds, type FoldForecast, scoredFolds } from './forecast.js';
import { mixFolds } from './mixed_forecasts.js';
import { recordsOf } from './records.js';
import { lessCommonError, type StackRows, stackRows } from './stack_rows.js';
import {
  averageMoments,
  boundedWeights,
  gainOf,
  levelled,
  momentsOf,
  shrunkWeights,
  unexplained,
} from './stack_weights.js';

/** Options of {@link stackMethods}. */
export interface StackOptions {
  /**
   * Weight of the pool in the stack of an asset that nothing explains, in units of an average asset's own test rows.
   * `validated` (default): 8, 32 or 128, whichever would have lost least in the folds known so far, each with weights of the
   * rows before it; 32 where none is known.
   */
  readonly shrinkage?: number | 'validated';
}

/** Weights below this are not worth a method. */
const LEAST_WEIGHT = 0.01;

/** Weights of the pool that are tried; the first where nothing is known. */
const SHRINKAGES = [32, 8, 128];

/** One fit that weights are for, and what may be looked at. */
interface Stage {
  readonly fit: number | 'final';
  readonly known: readonly FoldForecast[];
  readonly endRow: number;
}

/**
 * Stacks methods per asset for every fold and for the final fit (Breiman 1996, "Stacked regressions"), with forecasts known
 * before: fold k looks at the test rows of earlier folds, and of the trial before them, that its own training span covers, `final` at all.
 *
 * Weights w are non-negative and sum to at most 1, the rest is no exposure. Over the known rows they minimise
 * sum (y - sum_m w_m d_m)^2, y being an asset's returns less its training mean and d_m what method m expects beyond it: for
 * all assets together first (each in units of its own benchmark loss), then for each asset with a penalty
 * k s (w - w_pool)'A (w - w_pool), A the average asset's second moments and s the share of its variance that the asset's own
 * best stack leaves, that draws it to the pool. These rows are less an error that all assets share ({@link lessCommonError}), which tells
 * methods apart by how assets differ; how much of them all there is, the rows themselves say ({@link levelled}). Last, each asset's weights are taken times g^2 / (g^2 + se^2 / 4), g being the
 * stack's gain over the known rows, shrunk to the pool's, and se the error that it shares with all assets ({@link recordsOf}): a
 * forecast that explains little is preshrunk to the mean (Copas 1983; half of se, since a gain 2 w c - w^2 a errs by twice what
 * its slope c does). An asset has no exposure where nothing is known, and where its gain is not above 0. A method that never said anything finite about
 * an asset with known rows has no weight there.
 */
export function stackMethods(forecasts: readonly FoldForecast[], options: StackOptions = {}): Choice[] {
  if (forecasts.length === 0) return [];
  const methods = [...new Set(forecasts.map(({ method }) => method))].filter((method) => method !== 'zero');
  const { assets } = forecasts[0];
  const { shrinkage = 'validated' } = options;
  const tried = shrinkage === 'validated' ? SHRINKAGES : [shrinkage];
  const gained = tried.map(() => 0);
  let before: Float64Array[][] | undefined;
  return stagesOf(forecasts).flatMap(({ fit, known, endRow }) => {
    const rows = stackRows(known, methods, assets, endRow);
    const shares = lessCommonError(rows, boundedWeights(averageMoments(momentsOf(rows, methods.length))));
    before?.forEach((weights, i) => {
      gained[i] += latestGain(rows, weights);
    });
    before = known.length === 0 ? undefined : weightsAt(rows, shares, methods.length, tried);
    const weights = before?.[gained.indexOf(Math.max(...gained))];
    return weights ? heldBack({ fit, known, endRow }, methods, weights) : nothingKnown(fit, methods, assets);
  });
}

function stagesOf(forecasts: readonly FoldForecast[]): Stage[] {
  const folds = scoredFolds(forecasts).map(({ index, train }) => ({
    fit: index,
    known: forecasts.filter(({ fold }) => fold.index < index),
    endRow: train.end,
  }));
  return [...folds, { fit: 'final', known: forecasts, endRow: Number.POSITIVE_INFINITY }];
}

/** [shrinkage][asset][method]: in the proportions that `shares` tell, at the level that the rows do. */
function weightsAt(
  rows: StackRows,
  shares: StackRows,
  methods: number,
  shrinkages: readonly number[],
): Float64Array[][] {
  const each = momentsOf(shares, methods);
  const mean = averageMoments(each);
  const pool = boundedWeights(mean);
  const left = each.map(unexplained);
  const levels = momentsOf(rows, methods);
  return shrinkages.map((k) => {
    const drawn = each.map((moments, asset) =>
      moments.rows === 0 ? pool : shrunkWeights(moments, rows.silent[asset], mean, pool, k * left[asset]),
    );
    return levelled(
      drawn,
      levels,
      left.map((share) => k * share),
    );
  });
}

/** What weights learned before the latest fold gained in it, all assets together. */
function latestGain(rows: StackRows, weights: readonly Float64Array[]): number {
  const latest = momentsOf(rows, weights[0].length, rows.folds.length - 1);
  return latest.reduce((sum, moments, asset) => sum + gainOf(moments, weights[asset]), 0);
}

/** Weights times what the error that all assets share leaves of the gain. */
function heldBack(
  { fit, known, endRow }: Stage,
  methods: readonly MethodId[],
  weights: readonly Float64Array[],
): Choice[] {
  const over = `stacked over ${describeFolds(known)}`;
  const lines = weights.flatMap((own, asset) => asChoices(asset, fit, methods, own, over));
  const gains = recordsOf(
    mixFolds(known, () => lines),
    endRow,
    0,
  );
  return weights.flatMap((own, asset) => {
    const gain = gains.assets[asset]?.score ?? gains.pool;
    const trust = gain > 0 ? gain ** 2 / (gain ** 2 + (gains.se / 2) ** 2) : 0;
    const trusted = own.map((weight) => trust * weight);
    return asChoices(asset, fit, methods, trusted, `${over}: r2 ${gain.toFixed(3)} +- ${gains.se.toFixed(3)}`);
  });
}

function nothingKnown(fit: number | 'final', methods: readonly MethodId[], assets: number): Choice[] {
  const none = new Float64Array(methods.length);
  const reason = `stacked over ${describeFolds([])}`;
  return Array.from({ length: assets }).flatMap((_, asset) => asChoices(asset, fit, methods, none, reason));
}

/** A line a method with weight; the rest, or everything, is no exposure. */
function asChoices(
  asset: number,
  fit: number | 'final',
  methods: readonly MethodId[],
  weights: Float64Array,
  reason: string,
): Choice[] {
  const line = (method: MethodId, weight: number): Choice => ({
    asset,
    fit,
    method,
    weight,
    score: Number.NaN,
    reason,
  });
  const used = methods.flatMap((method, k) => (weights[k] >= LEAST_WEIGHT ? [line(method, weights[k])] : []));
  const rest = 1 - used.reduce((sum, { weight }) => sum + weight, 0);
  return rest >= LEAST_WEIGHT || used.length === 0 ? [...used, line('zero', used.length === 0 ? 1 : rest)] : used;
}
