import { ArgumentError, type MethodId } from '@macrograd/core';
import type { FoldForecast } from './forecast.js';
import { clarkWest, dieboldMariano } from './loss_tests.js';

/** Scores of a method against no exposure at all (the training mean). */
export interface Scores {
  /** Test observations that count. */
  readonly n: number;
  /** 1 - SSE / SSE of the training mean: attribution given realised factors at horizon 0, forecast from horizon 1. */
  readonly r2Oos: number;
  /** 1 - Var(r_t - b_{t-1}'u_t) / Var(r_t); NaN from horizon 1 on. */
  readonly hedgeVarianceReduction: number;
  /** Diebold-Mariano against the training mean; positive: the method loses less. */
  readonly dmStat: number;
  readonly dmPValue: number;
  /** Clark-West against the training mean, which every method nests. */
  readonly cwStat: number;
  readonly cwPValue: number;
}

/** One line of the evaluation table. */
export interface EvaluationRow extends Scores {
  /** Index of the asset; `all` weighs every asset's loss by the inverse of its benchmark loss. */
  readonly asset: number | 'all';
  readonly method: MethodId;
  /** Number of the fold, or `all` test rows together. */
  readonly fold: number | 'all';
  readonly horizon: number;
}

/** Test rows of one asset or of the universe, observed ones only, oldest first. */
export interface LossSeries {
  /** Squared error of the training mean. */
  readonly benchmark: Float64Array;
  /** Squared error of the method. */
  readonly method: Float64Array;
  /** Squared distance of the two forecasts. */
  readonly spread: Float64Array;
}

/**
 * Scores of every method, asset and fold, and pooled over folds and assets.
 *
 * Rows are ordered by method as given, then asset (the universe last), then fold (all folds last).
 */
export function scoreForecasts(forecasts: readonly FoldForecast[]): EvaluationRow[] {
  const methods = [...new Set(forecasts.map((forecast) => forecast.method))];
  return methods.flatMap((method) => scoreMethod(method, forecastsOf(forecasts, method)));
}

/** The forecasts of one method, oldest fold first. */
export function forecastsOf(forecasts: readonly FoldForecast[], method: MethodId): FoldForecast[] {
  return forecasts.filter((forecast) => forecast.method === method).sort((a, b) => a.fold.index - b.fold.index);
}

function scoreMethod(method: MethodId, forecasts: readonly FoldForecast[]): EvaluationRow[] {
  const { assets, horizon } = forecasts[0];
  const groups = [
    ...forecasts.map((forecast) => ({ fold: forecast.fold.index, parts: [forecast] })),
    { fold: 'all' as const, parts: forecasts },
  ];
  const perAsset = groups.map(({ parts }) => Array.from({ length: assets }, (_, asset) => scoreAsset(parts, asset)));
  const rows: EvaluationRow[] = [];
  for (let asset = 0; asset < assets; asset++) {
    groups.forEach(({ fold }, g) => {
      rows.push({ asset, method, fold, horizon, ...perAsset[g][asset] });
    });
  }
  groups.forEach(({ fold, parts }, g) => {
    rows.push({ asset: 'all', method, fold, horizon, ...scoreUniverse(parts, perAsset[g]) });
  });
  return rows;
}

function scoreAsset(forecasts: readonly FoldForecast[], asset: number): Scores {
  return {
    ...lossScores(lossSeries(forecasts, asset), forecasts[0].horizon),
    hedgeVarianceReduction: varianceReduction(forecasts, asset),
  };
}

function scoreUniverse(forecasts: readonly FoldForecast[], assets: readonly Scores[]): Scores {
  const reductions = assets.map((scores) => scores.hedgeVarianceReduction).filter((x) => !Number.isNaN(x));
  return {
    ...lossScores(universeSeries(forecasts), forecasts[0].horizon),
    n: assets.reduce((sum, scores) => sum + scores.n, 0),
    hedgeVarianceReduction: reductions.length
      ? reductions.reduce((sum, x) => sum + x, 0) / reductions.length
      : Number.NaN,
  };
}

function lossScores(series: LossSeries, horizon: number): Omit<Scores, 'hedgeVarianceReduction'> {
  const { benchmark, method, spread } = series;
  const differences = benchmark.map((loss, t) => beyondRounding(loss - method[t], loss));
  const dm = dieboldMariano(differences, horizon);
  const cw = clarkWest(
    differences.map((difference, t) => difference + beyondRounding(spread[t], benchmark[t])),
    horizon,
  );
  return {
    n: benchmark.length,
    r2Oos: benchmark.length > 0 ? 1 - sum(method) / sum(benchmark) : Number.NaN,
    dmStat: dm.statistic,
    dmPValue: dm.pValue,
    cwStat: cw.statistic,
    cwPValue: cw.pValue,
  };
}

/** 0 for a difference that only the order of summation makes: two means of the same returns are no forecast contest. */
function beyondRounding(difference: number, loss: number): number {
  return Math.abs(difference) <= 1e-12 * loss ? 0 : difference;
}

/** Losses of one asset over the given folds, rows before `endRow` of the panel only. */
export function lossSeries(
  forecasts: readonly FoldForecast[],
  asset: number,
  endRow = Number.POSITIVE_INFINITY,
): LossSeries {
  const rows = forecasts.reduce((sum, { realised, assets }) => sum + realised.length / assets, 0);
  const benchmark = new Float64Array(rows);
  const method = new Float64Array(rows);
  const spread = new Float64Array(rows);
  let n = 0;
  for (const { realised, predicted, trainingMean, assets, fold } of forecasts) {
    const end = Math.min(realised.length, (endRow - fold.test.start) * assets);
    for (let i = asset; i < end; i += assets) {
      const e0 = realised[i] - trainingMean[asset];
      const e1 = realised[i] - predicted[i];
      if (Number.isNaN(e0) || Number.isNaN(e1)) continue;
      benchmark[n] = e0 * e0;
      method[n] = e1 * e1;
      spread[n] = (e0 - e1) ** 2;
      n++;
    }
  }
  return { benchmark: benchmark.subarray(0, n), method: method.subarray(0, n), spread: spread.subarray(0, n) };
}

/** Mean over assets, date by date, of the losses in units of each asset's mean benchmark loss, rows before `endRow` only. */
export function universeSeries(forecasts: readonly FoldForecast[], endRow = Number.POSITIVE_INFINITY): LossSeries {
  const { assets } = forecasts[0];
  const scale = Float64Array.from({ length: assets }, (_, asset) => {
    const { benchmark } = lossSeries(forecasts, asset, endRow);
    return benchmark.length > 0 ? benchmark.length / sum(benchmark) : Number.NaN;
  });
  const dates = forecasts.flatMap(({ realised, predicted, trainingMean, fold }) =>
    Array.from({ length: Math.max(0, Math.min(realised.length / assets, endRow - fold.test.start)) }, (_, t) => {
      const totals = { count: 0, benchmark: 0, method: 0, spread: 0 };
      for (let asset = 0; asset < assets; asset++) {
        const i = t * assets + asset;
        const e0 = realised[i] - trainingMean[asset];
        const e1 = realised[i] - predicted[i];
        if (Number.isNaN(e0 + e1)) continue;
        totals.count++;
        totals.benchmark += e0 * e0 * scale[asset];
        totals.method += e1 * e1 * scale[asset];
        totals.spread += (e0 - e1) ** 2 * scale[asset];
      }
      return totals;
    }),
  );
  const seen = dates.filter((date) => date.count > 0);
  return {
    benchmark: Float64Array.from(seen, (date) => date.benchmark / date.count),
    method: Float64Array.from(seen, (date) => date.method / date.count),
    spread: Float64Array.from(seen, (date) => date.spread / date.count),
  };
}

function varianceReduction(forecasts: readonly FoldForecast[], asset: number): number {
  const raw: number[] = [];
  const hedged: number[] = [];
  for (const forecast of forecasts) {
    for (let i = asset; i < forecast.realised.length; i += forecast.assets) {
      if (Number.isNaN(forecast.realised[i]) || Number.isNaN(forecast.hedged[i])) continue;
      raw.push(forecast.realised[i]);
      hedged.push(forecast.hedged[i]);
    }
  }
  return raw.length > 1 ? 1 - sumOfSquares(hedged) / sumOfSquares(raw) : Number.NaN;
}

/** Diebold-Mariano of one method against another, pooled over the folds that both have. */
export interface Comparison {
  readonly asset: number | 'all';
  readonly method: MethodId;
  readonly against: MethodId;
  readonly n: number;
  /** Positive: `method` loses less than `against`. */
  readonly dmStat: number;
  readonly dmPValue: number;
}

/** Compares two methods asset by asset, the universe last (losses weighed as in {@link scoreForecasts}). */
export function compareMethods(forecasts: readonly FoldForecast[], method: MethodId, against: MethodId): Comparison[] {
  const first = forecastsOf(forecasts, method);
  const second = forecastsOf(forecasts, against);
  if (first.length === 0 || first.length !== second.length) {
    throw new ArgumentError(`${method} and ${against} were not scored on the same folds`);
  }
  const pairs = first.map((forecast, f) => commonRows(forecast, second[f]));
  const { assets, horizon } = first[0];
  const compare = (asset: number | 'all', a: LossSeries, b: LossSeries): Comparison => {
    const dm = dieboldMariano(
      a.method.map((loss, t) => b.method[t] - loss),
      horizon,
    );
    return { asset, method, against, n: a.method.length, dmStat: dm.statistic, dmPValue: dm.pValue };
  };
  const a = pairs.map((pair) => pair[0]);
  const b = pairs.map((pair) => pair[1]);
  const rows = Array.from({ length: assets }, (_, asset) => compare(asset, lossSeries(a, asset), lossSeries(b, asset)));
  return [...rows, compare('all', universeSeries(a), universeSeries(b))];
}

/** Two forecasts of one fold, with rows blanked that either lacks. */
function commonRows(a: FoldForecast, b: FoldForecast): [FoldForecast, FoldForecast] {
  const realised = a.realised.map((r, i) => (Number.isNaN(a.predicted[i] + b.predicted[i]) ? Number.NaN : r));
  return [
    { ...a, realised },
    { ...b, realised },
  ];
}

/** The method of the given ones with the highest pooled r2_oos over the universe. */
export function bestMethod(rows: readonly EvaluationRow[], methods: readonly MethodId[]): MethodId | undefined {
  const pooled = rows.filter((row) => row.asset === 'all' && row.fold === 'all' && methods.includes(row.method));
  return pooled.sort((a, b) => b.r2Oos - a.r2Oos)[0]?.method;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const x of values) total += x;
  return total;
}

function sumOfSquares(values: readonly number[]): number {
  const centre = values.reduce((total, x) => total + x, 0) / values.length;
  return values.reduce((total, x) => total + (x - centre) ** 2, 0);
}
