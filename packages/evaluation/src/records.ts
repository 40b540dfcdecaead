import type { FoldForecast } from './forecast.js';
import { hacLags, mean, varianceOfMean } from './loss_tests.js';
import { lossSeries, universeSeries } from './scores.js';

/** A method's record for one asset over the rows that may be looked at. */
export interface AssetRecord {
  /** r2_oos over those rows. */
  readonly own: number;
  /** Mean of `own` over assets. */
  readonly pool: number;
  /** `own` shrunk to the pool, less the error that all assets have in common. */
  readonly score: number;
}

/** Records of one method, or of a mix. */
export interface Records {
  /** [asset]; undefined where the record is too short. */
  readonly assets: readonly (AssetRecord | undefined)[];
  /** Score of an asset without a record of its own; NaN where none has one. */
  readonly pool: number;
  /** HAC standard error of the mean gain by date, in units of r2_oos: what all assets' records have in common. */
  readonly se: number;
}

/** Caution by default: the one-standard-error rule (Breiman, Friedman, Olshen and Stone 1984). */
export const ONE_STANDARD_ERROR = 1;

/** Test rows an asset needs before a record counts for it. */
const SMALLEST_RECORD = 12;

/**
 * What forecasts of one method, oldest first, gained over no exposure, on rows before `endRow` of the panel.
 *
 * r2_i is shrunk to its mean over assets by empirical Bayes, mu + tau^2 / (tau^2 + v_i) (r2_i - mu), v_i its HAC variance and
 * tau^2 = max(0, Var(r2) - mean v) (Hedges' moment estimator). What moves all assets at once is not averaged away over
 * assets: `caution` HAC standard errors of the mean gain by date are taken off.
 */
export function recordsOf(forecasts: readonly FoldForecast[], endRow: number, caution: number): Records {
  if (forecasts.length === 0) return { assets: [], pool: Number.NaN, se: Number.NaN };
  const [{ assets, horizon }] = forecasts;
  const each = Array.from({ length: assets }, (_, asset) => {
    const { benchmark, method } = lossSeries(forecasts, asset, endRow);
    return benchmark.length < SMALLEST_RECORD ? undefined : gain(benchmark, method, horizon);
  });
  const present = each.filter((record) => record !== undefined);
  if (present.length === 0) return { assets: each.map(() => undefined), pool: Number.NaN, se: Number.NaN };
  const own = Float64Array.from(present, (record) => record.mean);
  const pool = mean(own);
  const spread = own.length > 1 ? own.reduce((sum, x) => sum + (x - pool) ** 2, 0) / (own.length - 1) : 0;
  const between = Math.max(0, spread - mean(Float64Array.from(present, ({ variance }) => variance)));
  const universe = universeSeries(forecasts, endRow);
  const se = Math.sqrt(gain(universe.benchmark, universe.method, horizon).variance);
  const less = caution * se;
  return {
    assets: each.map((record) => {
      if (record === undefined) return undefined;
      const total = between + record.variance;
      const trust = total > 0 ? between / total : 0;
      return { own: record.mean, pool, score: pool + trust * (record.mean - pool) - less };
    }),
    pool: pool - less,
    se,
  };
}

/** Mean of the loss avoided, in units of the mean benchmark loss, and its HAC variance. */
function gain(benchmark: Float64Array, method: Float64Array, horizon: number): { mean: number; variance: number } {
  const scale = mean(benchmark);
  const gains = benchmark.map((loss, t) => (loss - method[t]) / scale);
  return { mean: mean(gains), variance: varianceOfMean(gains, hacLags(gains.length, horizon)) };
}
