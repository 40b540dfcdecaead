import type { MethodId } from '@macrograd/core';
import type { FoldForecast } from './forecast.js';

/** One fold's rows in units of each asset's benchmark RMS; NaN in `y` where a return or a forecast is missing. */
interface FoldRows {
  readonly index: number;
  /** [row][asset]: returns beyond the training mean. */
  readonly y: Float64Array;
  /** [method][row][asset]: what each method expects beyond the training mean. */
  readonly d: readonly Float64Array[];
}

/** Rows on which all methods can be held against what happened. */
export interface StackRows {
  readonly assets: number;
  /** Oldest first. */
  readonly folds: readonly FoldRows[];
  /** [asset][method]: without a finite forecast. */
  readonly silent: readonly (readonly boolean[])[];
}

/** Largest share of the common error that is taken off: assets that are all alike would keep nothing. */
const MOST_TAKEN_OFF = 0.98;

/**
 * Rows before `endRow` of the folds that all methods forecast. An asset's rows that some method lacks are left out; a
 * method that lacks all of them counts as silent there.
 */
export function stackRows(
  forecasts: readonly FoldForecast[],
  methods: readonly MethodId[],
  assets: number,
  endRow: number,
): StackRows {
  const silent = Array.from({ length: assets }, (_, asset) =>
    methods.map((method) => isSilent(forecasts, method, asset, endRow)),
  );
  const indices = [...new Set(forecasts.map(({ fold }) => fold.index))].sort((a, b) => a - b);
  const folds = indices.flatMap((index): FoldRows[] => {
    const mine = methods.flatMap((method) =>
      forecasts.filter((forecast) => forecast.fold.index === index && forecast.method === method),
    );
    return mine.length < methods.length ? [] : [foldRows(mine, silent, endRow)];
  });
  const [squares, rows] = [new Float64Array(assets), new Float64Array(assets)];
  for (const { y } of folds) {
    y.forEach((value, at) => {
      if (Number.isNaN(value)) return;
      squares[at % assets] += value * value;
      rows[at % assets]++;
    });
  }
  const scale = squares.map((sum, asset) => (sum > 0 ? Math.sqrt(rows[asset] / sum) : 0));
  const scaled = (values: Float64Array) => values.map((value, at) => value * scale[at % assets]);
  return { assets, silent, folds: folds.map(({ index, y, d }) => ({ index, y: scaled(y), d: d.map(scaled) })) };
}

function foldRows(mine: readonly FoldForecast[], silent: StackRows['silent'], endRow: number): FoldRows {
  const [{ realised, assets, trainingMean, fold }] = mine;
  const size = Math.max(0, Math.min(realised.length, (endRow - fold.test.start) * assets));
  const beyond = (values: Float64Array) =>
    values.subarray(0, size).map((value, at) => value - trainingMean[at % assets]);
  const d = mine.map(({ predicted }, k) => beyond(predicted).map((value, at) => (silent[at % assets][k] ? 0 : value)));
  const y = beyond(realised).map((value, at) => {
    if (silent[at % assets].every((none) => none)) return Number.NaN;
    return Number.isFinite(value) && d.every((values) => Number.isFinite(values[at])) ? value : Number.NaN;
  });
  return { index: fold.index, y, d };
}

/** Whether a method has no finite forecast for an asset before `endRow`. */
function isSilent(forecasts: readonly FoldForecast[], method: MethodId, asset: number, endRow: number): boolean {
  return forecasts.every(({ method: own, predicted, assets, fold: { test } }) => {
    if (own !== method) return true;
    for (let row = test.start, at = asset; row < Math.min(test.end, endRow); row++, at += assets) {
      if (Number.isFinite(predicted[at])) return false;
    }
    return true;
  });
}

/**
 * The rows less what one error common to all assets, as a market's is, does to them: with e_it the residuals of y at
 * `weights`, e_t their mean over the N_t assets of a date and b_i an asset's slope on it,
 *
 *     y_it - lambda_t b_i y_t,   d_it - lambda_t b_i d_t,   lambda_t = 1 - sqrt(s^2 / (s^2 + N_t c^2)),
 *
 * s^2 being the variance of e_it around e_t and c^2 that of the common error. With b_i = 1 these are the random effects of
 * Fuller and Battese (1974): least squares on such rows weigh what all assets share by how little it is known.
 */
export function lessCommonError(rows: StackRows, weights: Float64Array): StackRows {
  const { assets } = rows;
  const residuals = rows.folds.map(({ y, d }) =>
    y.map((value, at) => d.reduce((left, values, k) => left - weights[k] * values[at], value)),
  );
  const means = residuals.map((values) => byDate(values, values, assets));
  const { own, common } = variances(residuals, means, assets);
  if (!(common > 0)) return rows;
  const slopes = slopesOn(residuals, means, assets);
  const less = (values: Float64Array, among: Float64Array) => {
    const { mean, count } = byDate(values, among, assets);
    return values.map((value, at) => {
      const t = Math.floor(at / assets);
      const share = Math.min(MOST_TAKEN_OFF, 1 - Math.sqrt(own / (own + count[t] * common)));
      return value - share * slopes[at % assets] * mean[t];
    });
  };
  const folds = rows.folds.map(({ index, y, d }) => ({ index, y: less(y, y), d: d.map((values) => less(values, y)) }));
  return { ...rows, folds };
}

/** Means by date over the assets where `among` is known, and how many these are. */
function byDate(
  values: Float64Array,
  among: Float64Array,
  assets: number,
): { mean: Float64Array; count: Float64Array } {
  const mean = new Float64Array(values.length / assets);
  const count = new Float64Array(mean.length);
  values.forEach((value, at) => {
    if (Number.isNaN(among[at])) return;
    mean[Math.floor(at / assets)] += value;
    count[Math.floor(at / assets)]++;
  });
  return { mean: mean.map((sum, t) => (count[t] > 0 ? sum / count[t] : 0)), count };
}

/** Variance of residuals around their mean by date, and of what all have in common (analysis of variance). */
function variances(
  residuals: readonly Float64Array[],
  means: readonly ReturnType<typeof byDate>[],
  assets: number,
): { own: number; common: number } {
  let [within, freedom, between, dates, total] = [0, 0, 0, 0, 0];
  residuals.forEach((values, fold) => {
    const { mean, count } = means[fold];
    values.forEach((value, at) => {
      if (!Number.isNaN(value)) within += (value - mean[Math.floor(at / assets)]) ** 2;
    });
    count.forEach((n, t) => {
      if (n === 0) return;
      freedom += n - 1;
      between += n * mean[t] ** 2;
      total += n;
      dates++;
    });
  });
  const own = freedom > 0 ? within / freedom : Number.NaN;
  return { own, common: (between - dates * own) / total };
}

/** [asset]: slope of an asset's residuals on their mean by date. */
function slopesOn(
  residuals: readonly Float64Array[],
  means: readonly ReturnType<typeof byDate>[],
  assets: number,
): Float64Array {
  const [products, squares] = [new Float64Array(assets), new Float64Array(assets)];
  residuals.forEach((values, fold) => {
    values.forEach((value, at) => {
      if (Number.isNaN(value)) return;
      const mean = means[fold].mean[Math.floor(at / assets)];
      products[at % assets] += value * mean;
      squares[at % assets] += mean * mean;
    });
  });
  return products.map((product, asset) => (squares[asset] > 0 ? product / squares[asset] : 0));
}
