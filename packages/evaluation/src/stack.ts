import type { MethodId } from '@macrograd/core';
import type { Choice } from './choice.js';
import { describeFolds, type FoldForecast, scoredFolds } from './forecast.js';
import { mixFolds } from './mix.js';
import { recordsOf } from './records.js';

export interface StackOptions {
  /**
   * Weight of the pool in the stack of an asset that nothing explains, in units of an average asset's own test rows; default 8.
   */
  readonly shrinkage?: number;
}

/** Weights below this are not worth a method. */
const LEAST_WEIGHT = 0.01;

/** Second moments of what methods add to the training mean, and of what returns do beyond it. */
interface Moments {
  /** [method][method]. */
  readonly own: Float64Array;
  /** [method]. */
  readonly cross: Float64Array;
  /** [method]: without a finite forecast, hence without moments. */
  readonly silent: readonly boolean[];
  readonly rows: number;
}

/**
 * Stacks methods per asset for every fold and for the final fit (Breiman 1996, "Stacked regressions"), with forecasts known
 * before: fold k looks at the test rows of earlier folds, and of the trial before them, that its own training span covers, `final` at all.
 *
 * Weights w are non-negative and sum to at most 1, the rest is no exposure. Over the known rows they minimise
 * sum (y - sum_m w_m d_m)^2, y being an asset's returns less its training mean and d_m what method m expects beyond it: for
 * all assets together first (each in units of its own benchmark loss), then for each asset with a penalty
 * k s (w - w_pool)'A (w - w_pool), A the average asset's second moments and s the share of its variance that the asset's own
 * best stack leaves, that draws it to the pool. Last, each asset's weights are taken times g^2 / (g^2 + se^2 / 4), g being the
 * stack's gain over the known rows, shrunk to the pool's, and se the error that it shares with all assets ({@link recordsOf}): a
 * forecast that explains little is preshrunk to the mean (Copas 1983; half of se, since a gain 2 w c - w^2 a errs by twice what
 * its slope c does). An asset has no exposure where nothing is known, and where its gain is not above 0. A method that never said anything finite about
 * an asset with known rows has no weight there.
 */
export function stackMethods(forecasts: readonly FoldForecast[], options: StackOptions = {}): Choice[] {
  const { shrinkage = 8 } = options;
  const methods = [...new Set(forecasts.map(({ method }) => method))].filter((method) => method !== 'zero');
  if (forecasts.length === 0) return [];
  const stack = (fit: number | 'final', known: readonly FoldForecast[], endRow: number): Choice[] => {
    const { assets } = forecasts[0];
    const each = Array.from({ length: assets }, (_, asset) => momentsOf(known, methods, asset, endRow));
    const mean = pooled(each);
    const pool = boundedWeights(mean.own, mean.cross);
    const weights = each.map((moments) =>
      moments.rows === 0 ? pool : shrunkWeights(moments, mean, pool, shrinkage * unexplained(moments)),
    );
    const over = `stacked over ${describeFolds(known)}`;
    const lines = weights.flatMap((own, asset) => asChoices(asset, fit, methods, own, over));
    if (known.length === 0) return lines;
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
  };
  const before = (index: number) => forecasts.filter(({ fold }) => fold.index < index);
  const perFold = scoredFolds(forecasts).flatMap(({ index, train }) => stack(index, before(index), train.end));
  return [...perFold, ...stack('final', forecasts, Number.POSITIVE_INFINITY)];
}

/**
 * Moments of one asset in units of its benchmark loss. Rows that some method lacks are left out; a method that lacks all of
 * them has no moments, hence no weight.
 */
function momentsOf(
  forecasts: readonly FoldForecast[],
  methods: readonly MethodId[],
  asset: number,
  endRow: number,
): Moments {
  const m = methods.length;
  const own = new Float64Array(m * m);
  const cross = new Float64Array(m);
  let [rows, loss] = [0, 0];
  const silent = methods.map((method) => isSilent(forecasts, method, asset, endRow));
  const known = silent.every((none) => none) ? [] : forecasts;
  for (const index of new Set(known.map(({ fold }) => fold.index))) {
    const mine = methods.map((method) => forecasts.find((f) => f.fold.index === index && f.method === method));
    if (mine.some((forecast) => forecast === undefined)) continue;
    const [first] = mine as FoldForecast[];
    const { realised, assets, trainingMean, fold } = first;
    for (let t = 0; t < realised.length / assets && fold.test.start + t < endRow; t++) {
      const at = t * assets + asset;
      const y = realised[at] - trainingMean[asset];
      const d = (mine as FoldForecast[]).map(({ predicted }, k) =>
        silent[k] ? 0 : predicted[at] - trainingMean[asset],
      );
      if (![y, ...d].every(Number.isFinite)) continue;
      rows++;
      loss += y * y;
      for (let k = 0; k < m; k++) {
        cross[k] += d[k] * y;
        for (let l = 0; l < m; l++) own[k * m + l] += d[k] * d[l];
      }
    }
  }
  const scale = loss > 0 ? rows / loss : 0;
  return { own: own.map((x) => x * scale), cross: cross.map((x) => x * scale), silent, rows };
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

function pooled(each: readonly Moments[]): Moments {
  const m = each[0].cross.length;
  const count = Math.max(1, each.filter(({ rows }) => rows > 0).length);
  const own = new Float64Array(m * m);
  const cross = new Float64Array(m);
  let rows = 0;
  for (const part of each) {
    part.own.forEach((value, i) => {
      own[i] += value / count;
    });
    part.cross.forEach((value, i) => {
      cross[i] += value / count;
    });
    rows += part.rows / count;
  }
  return { own, cross, silent: each[0].silent.map(() => false), rows };
}

/** Share of the benchmark loss that an asset's own best stack leaves: what its weights are to be estimated against. */
function unexplained({ own, cross, rows }: Moments): number {
  const w = boundedWeights(own, cross);
  const m = w.length;
  let gain = 0;
  for (let k = 0; k < m; k++) {
    gain += 2 * cross[k] * w[k];
    for (let l = 0; l < m; l++) gain -= w[k] * own[k * m + l] * w[l];
  }
  return Math.max(0, 1 - gain / rows);
}

function shrunkWeights(
  { own, cross, silent }: Moments,
  pool: Moments,
  weights: Float64Array,
  shrinkage: number,
): Float64Array {
  const m = cross.length;
  const target = cross.map((value, k) => {
    if (silent[k]) return 0;
    let drawn = 0;
    for (let l = 0; l < m; l++) drawn += pool.own[k * m + l] * weights[l];
    return value + shrinkage * drawn;
  });
  return boundedWeights(
    own.map((value, i) => (silent[Math.floor(i / m)] ? 0 : value + shrinkage * pool.own[i])),
    target,
  );
}

/** Minimises w'Aw / 2 - c'w over w >= 0 with sum w <= 1: coordinate descent, the bound by bisection on its multiplier. */
function boundedWeights(a: Float64Array, c: Float64Array): Float64Array {
  const free = nonNegative(a, c, 0);
  if (sumOf(free) <= 1) return free;
  let [low, high] = [0, c.reduce((largest, value) => Math.max(largest, value), 0)];
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (sumOf(nonNegative(a, c, middle)) > 1) low = middle;
    else high = middle;
  }
  return nonNegative(a, c, high);
}

function nonNegative(a: Float64Array, c: Float64Array, multiplier: number): Float64Array {
  const m = c.length;
  const w = new Float64Array(m);
  for (let sweep = 0; sweep < 500; sweep++) {
    let moved = 0;
    for (let k = 0; k < m; k++) {
      const size = a[k * m + k];
      if (!(size > 0)) continue;
      let slope = c[k] - multiplier;
      for (let l = 0; l < m; l++) if (l !== k) slope -= a[k * m + l] * w[l];
      const next = Math.max(0, slope / size);
      moved = Math.max(moved, Math.abs(next - w[k]));
      w[k] = next;
    }
    if (moved < 1e-8) break;
  }
  return w;
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
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
