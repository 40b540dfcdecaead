import type { MethodId } from '@macrograd/core';
import { modelConfidenceSet } from './confidence_set.js';
import { describeFolds, type FoldForecast, scoredFolds } from './forecast.js';
import { type AssetRecord, ONE_STANDARD_ERROR, recordsOf } from './records.js';
import { forecastsOf, lossSeries } from './scores.js';

/** The method that one asset's exposures of one fit come from. */
export interface Choice {
  readonly asset: number;
  /** Fold number, or `final`: the fit on the whole span. */
  readonly fit: number | 'final';
  readonly method: MethodId;
  /** 1 where one method was chosen; less where methods are stacked. */
  readonly weight: number;
  /** The method's score shrunk to the pool, less the error common to all assets; NaN for the prior choice and in a stack. */
  readonly score: number;
  readonly reason: string;
}

export interface ChoiceOptions {
  /** Choice where neither a trial nor an earlier fold is known; default `zero`, or the first method where that was not run. */
  readonly prior?: MethodId;
  /**
   * Level of a model confidence set, .1 say: a method is chosen only for assets where no exposure at all has left the set.
   * Default: none, the best shrunk score above 0 wins.
   */
  readonly confidence?: number;
  /** Standard errors common to all assets that are taken off a score; default 1. */
  readonly caution?: number;
}

interface Candidate extends AssetRecord {
  readonly method: MethodId;
}

/**
 * Chooses a method per asset for every fold and for the final fit, with scores known before: fold k looks at test rows
 * of earlier folds, and of the trial before them, that its own training span covers, `final` at all.
 *
 * A method's score for an asset is its r2_oos there, shrunk towards the method's mean over assets, less one standard error
 * of what all assets have in common ({@link recordsOf}). The highest score wins if it is above 0; otherwise, and where
 * nothing is known, no exposure at all: `zero` does no harm.
 */
export function chooseMethods(forecasts: readonly FoldForecast[], options: ChoiceOptions = {}): Choice[] {
  const methods = [...new Set(forecasts.map((forecast) => forecast.method))];
  if (methods.length === 0) return [];
  const fallback = methods.includes('zero') ? 'zero' : methods[0];
  const { prior = fallback, caution = ONE_STANDARD_ERROR } = options;
  const { assets } = forecasts[0];
  const choose = (fit: number | 'final', known: readonly FoldForecast[], endRow: number): Choice[] => {
    const records = methods
      .filter((method) => method !== 'zero')
      .map((method) => ({ method, ...recordsOf(forecastsOf(known, method), endRow, caution) }));
    const over = known.length > 0 ? describeFolds(known) : undefined;
    return Array.from({ length: assets }, (_, asset) => {
      const candidates = records.flatMap(({ method, assets: own }): Candidate[] => {
        const record = own[asset];
        return record ? [{ method, ...record }] : [];
      });
      const best = decide(candidates, { prior, fallback, over });
      const kept = provable(best, candidates, { known, asset, endRow, fallback, confidence: options.confidence });
      return { asset, fit, weight: 1, ...kept };
    });
  };
  const perFold = scoredFolds(forecasts).flatMap((fold) =>
    choose(
      fold.index,
      forecasts.filter((forecast) => forecast.fold.index < fold.index),
      fold.train.end,
    ),
  );
  return [...perFold, ...choose('final', forecasts, Number.POSITIVE_INFINITY)];
}

/** Share of assets for which each method was chosen in a fit. */
export function sharesWon(choices: readonly Choice[], fit: number | 'final'): Map<MethodId, number> {
  const mine = choices.filter((choice) => choice.fit === fit).map((choice) => choice.method);
  const share = (method: MethodId) => mine.filter((chosen) => chosen === method).length / mine.length;
  return new Map([...new Set(mine)].map((method) => [method, share(method)]));
}

type Decision = Pick<Choice, 'method' | 'score' | 'reason'>;

/** The decision, or no exposure where the model confidence set of the methods still holds it. */
function provable(
  best: Decision,
  candidates: readonly Candidate[],
  {
    known,
    asset,
    endRow,
    fallback,
    confidence,
  }: {
    readonly known: readonly FoldForecast[];
    readonly asset: number;
    readonly endRow: number;
    readonly fallback: MethodId;
    readonly confidence: number | undefined;
  },
): Decision {
  if (confidence === undefined || best.method === fallback || candidates.length === 0) return best;
  const series = candidates.map(({ method }) => lossSeries(forecastsOf(known, method), asset, endRow));
  const chosen = series[candidates.findIndex(({ method }) => method === best.method)];
  // Methods with a record on the same rows as the chosen one compete; others can't be paired with it.
  const paired = series.filter(({ method }) => method.length === chosen.method.length).map(({ method }) => method);
  const [none] = modelConfidenceSet([chosen.benchmark, ...paired]);
  if (none < confidence) return best;
  const level = `${Math.round(100 * (1 - confidence))} %`;
  const reason = `no exposure stays in the ${level} model confidence set (p ${none.toFixed(2)}): ${best.reason}`;
  return { method: fallback, score: fallback === 'zero' ? 0 : Number.NaN, reason };
}

function decide(
  candidates: readonly Candidate[],
  { prior, fallback, over }: { prior: MethodId; fallback: MethodId; over: string | undefined },
): Decision {
  if (candidates.length === 0) {
    const why = over === undefined ? 'no fold before this one' : `too few test rows for this asset in ${over}`;
    return { method: prior, score: Number.NaN, reason: `${why}: the prior choice` };
  }
  const best = candidates.reduce((a, b) => (b.score > a.score ? b : a));
  const figures = `r2_oos ${signed(best.own)} here, ${signed(best.pool)} in the pool, ${signed(best.score)} shrunk and less the common error`;
  if (best.score > 0) {
    return {
      method: best.method,
      score: best.score,
      reason: `best of ${candidates.length + 1} over ${over}: ${figures}`,
    };
  }
  return {
    method: fallback,
    score: fallback === 'zero' ? 0 : Number.NaN,
    reason: `nothing beats no exposure over ${over}: ${best.method} comes closest, ${figures}`,
  };
}

function signed(x: number): string {
  return `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(3)}`;
}
