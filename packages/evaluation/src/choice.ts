import type { MethodId } from '@macrograd/core';
import { modelConfidenceSet } from './confidence_set.js';
import type { FoldForecast } from './forecast.js';
import { hacLags, mean, varianceOfMean } from './loss_tests.js';
import { forecastsOf, lossSeries } from './scores.js';

/** The method that one asset's exposures of one fit come from. */
export interface Choice {
  readonly asset: number;
  /** Fold number, or `final`: the fit on the whole span. */
  readonly fit: number | 'final';
  readonly method: MethodId;
  /** 1 where one method was chosen; less where methods are stacked. */
  readonly weight: number;
  /** The method's score shrunk to the pool; NaN for the prior choice and in a stack. */
  readonly score: number;
  readonly reason: string;
}

export interface ChoiceOptions {
  /** Choice where no earlier fold has been scored; default `zero`, or the first method where that was not run. */
  readonly prior?: MethodId;
  /**
   * Level of a model confidence set, .1 say: a method is chosen only for assets where no exposure at all has left the set.
   * Default: none, the best shrunk score above 0 wins.
   */
  readonly confidence?: number;
}

/** A method's record for one asset over the folds that may be looked at. */
interface Candidate {
  readonly method: MethodId;
  /** r2_oos over those folds. */
  readonly own: number;
  /** Its sampling variance. */
  readonly variance: number;
}

/** Test rows an asset needs before a method's record counts for it. */
const SMALLEST_RECORD = 12;

/**
 * Chooses a method per asset for every fold and for the final fit, with scores known before: fold k looks at test rows
 * of earlier folds that its own training span covers, `final` at all.
 *
 * A method's score for an asset is its r2_oos there, shrunk towards the method's mean over assets by empirical Bayes:
 * score_i = mu + tau^2 / (tau^2 + v_i) (r2_i - mu), v_i the HAC variance of r2_i, tau^2 = max(0, Var(r2) - mean v)
 * (Hedges' moment estimator of between-asset variance). The highest score wins if it is above 0; otherwise, and in the
 * first fold, no exposure at all: `zero` does no harm.
 */
export function chooseMethods(forecasts: readonly FoldForecast[], options: ChoiceOptions = {}): Choice[] {
  const methods = [...new Set(forecasts.map((forecast) => forecast.method))];
  if (methods.length === 0) return [];
  const fallback = methods.includes('zero') ? 'zero' : methods[0];
  const prior = options.prior ?? fallback;
  const folds = [...new Map(forecasts.map(({ fold }) => [fold.index, fold])).values()];
  folds.sort((a, b) => a.index - b.index);
  const { assets } = forecasts[0];
  const choose = (fit: number | 'final', known: readonly FoldForecast[], endRow: number): Choice[] => {
    const records = methods
      .filter((method) => method !== 'zero')
      .map((method) => shrunkScores(method, forecastsOf(known, method), assets, endRow));
    const seen = new Set(known.map(({ fold }) => fold.index)).size;
    return Array.from({ length: assets }, (_, asset) => {
      const candidates = records.flatMap((record) => record[asset] ?? []);
      const best = decide(candidates, { prior, fallback, seen });
      const kept = provable(best, candidates, { known, asset, endRow, fallback, confidence: options.confidence });
      return { asset, fit, weight: 1, ...kept };
    });
  };
  const perFold = folds.flatMap((fold) =>
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

interface Scored extends Candidate {
  readonly shrunk: number;
  readonly pool: number;
}

/** The shrunk score of a method for every asset; undefined where its record is too short. */
function shrunkScores(
  method: MethodId,
  forecasts: readonly FoldForecast[],
  assets: number,
  endRow: number,
): (Scored | undefined)[] {
  const records = Array.from({ length: assets }, (_, asset) => record(method, forecasts, asset, endRow));
  const present = records.filter((candidate) => candidate !== undefined);
  const own = Float64Array.from(present, (candidate) => candidate.own);
  const pool = mean(own);
  const spread = own.length > 1 ? own.reduce((sum, x) => sum + (x - pool) ** 2, 0) / (own.length - 1) : 0;
  const between = Math.max(0, spread - mean(Float64Array.from(present, (candidate) => candidate.variance)));
  return records.map((candidate) => {
    if (candidate === undefined) return undefined;
    const total = between + candidate.variance;
    const trust = total > 0 ? between / total : 0;
    return { ...candidate, pool, shrunk: pool + trust * (candidate.own - pool) };
  });
}

function record(
  method: MethodId,
  forecasts: readonly FoldForecast[],
  asset: number,
  endRow: number,
): Candidate | undefined {
  const losses = lossSeries(forecasts, asset, endRow);
  const n = losses.benchmark.length;
  if (n < SMALLEST_RECORD) return undefined;
  const scale = mean(losses.benchmark);
  const gains = losses.benchmark.map((loss, t) => (loss - losses.method[t]) / scale);
  return { method, own: mean(gains), variance: varianceOfMean(gains, hacLags(n, forecasts[0].horizon)) };
}

function decide(
  candidates: readonly Scored[],
  { prior, fallback, seen }: { prior: MethodId; fallback: MethodId; seen: number },
): Decision {
  const over = `${seen} ${seen === 1 ? 'fold' : 'folds'}`;
  if (candidates.length === 0) {
    const why = seen === 0 ? 'no fold before this one' : `too few test rows for this asset in ${over}`;
    return { method: prior, score: Number.NaN, reason: `${why}: the prior choice` };
  }
  const best = candidates.reduce((a, b) => (b.shrunk > a.shrunk ? b : a));
  const figures = `r2_oos ${signed(best.own)} here, ${signed(best.pool)} in the pool, ${signed(best.shrunk)} shrunk`;
  if (best.shrunk > 0) {
    return {
      method: best.method,
      score: best.shrunk,
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
