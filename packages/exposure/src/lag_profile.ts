import type { AssetRange, FactorMeta, FactorPanel, Fitted, JacobianBlock, MethodId, Span } from '@macrograd/core';
import { ArgumentError } from '@macrograd/core';
import { type LagInterval, lagInterval } from './lag_interval.js';
import { halfWidthFactor, unitDivisors } from './scale.js';

export interface LagProfileOptions {
  /** Coverage of the normal interval; default .90. */
  readonly level?: number;
  /** Intervals of peak lag and half-life too; default false, since they take a further reading of the Jacobian. */
  readonly intervals?: boolean;
  readonly assets?: AssetRange;
  readonly signal?: AbortSignal;
}

/** Per-lag exposures averaged over the dates of a span. Lag arrays are [asset][factor][lag], row-major. */
export interface LagProfile {
  readonly method: MethodId;
  readonly assets: AssetRange;
  readonly span: Span;
  /** The series with role `factor`, in panel order. */
  readonly factors: readonly FactorMeta[];
  /** Number of lags, from 0. */
  readonly lags: number;
  readonly level: number;
  /** Decimal return per one training SD, mean over the dates. */
  readonly exposure: Float64Array;
  /** The same per one unit of the factor. */
  readonly unitExposure: Float64Array;
  /** Standard error of the mean; NaN where the method has none. */
  readonly se: Float64Array;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  /** [asset][factor]: see {@link peakLag}. */
  readonly peakLag: Float64Array;
  /** [asset][factor]: see {@link halfLife}. */
  readonly halfLife: Float64Array;
  /** [asset][factor] intervals of both, in lags; only where they were asked for. */
  readonly intervals?: readonly LagInterval[];
}

/**
 * How fast each factor's effect arrives: the Jacobian per lag, averaged over the dates of the span.
 *
 * Factors that are year-on-year figures overlap by eleven months, so that their lag profiles mix neighbouring lags;
 * profiles are meant for one-period changes.
 */
export async function lagProfile(
  fitted: Fitted,
  inputs: FactorPanel,
  span: Span,
  options: LagProfileOptions = {},
): Promise<LagProfile> {
  const { level = 0.9, signal } = options;
  const assets = options.assets ?? { start: 0, end: fitted.diagnostics.status.length };
  const factors = inputs.factors.filter((factor) => factor.role === 'factor');
  const sd = unitDivisors(fitted, inputs);
  const width = halfWidthFactor(level);
  const blocks: JacobianBlock[] = [];
  const request = { form: 'lags', average: true, assets, ...(signal ? { signal } : {}) } as const;
  for await (const block of fitted.jacobian(inputs, span, request)) blocks.push(block);
  if (blocks.length === 0) throw new ArgumentError('a lag profile of no assets was asked for', 'ask for one at least');

  const { lags } = blocks[0];
  const cells = (assets.end - assets.start) * factors.length;
  const exposure = new Float64Array(cells * lags).fill(Number.NaN);
  const se = exposure.slice();
  for (const block of blocks) {
    const offset = (block.assets.start - assets.start) * factors.length * lags;
    transpose(block.values, exposure, offset, lags, factors.length);
    transpose(block.variance.map(Math.sqrt), se, offset, lags, factors.length);
  }
  const summary = (measure: (response: Float64Array) => number): Float64Array =>
    Float64Array.from({ length: cells }, (_, cell) => measure(exposure.subarray(cell * lags, (cell + 1) * lags)));
  const shapes = options.intervals
    ? shapeIntervals(await sumVariances(fitted, inputs, span, assets, signal), { exposure, se, lags, level })
    : undefined;
  return {
    ...(shapes && { intervals: shapes }),
    method: fitted.method,
    assets,
    span,
    factors,
    lags,
    level,
    exposure,
    unitExposure: exposure.map((value, i) => value / sd[Math.floor(i / lags) % factors.length]),
    se,
    lo: exposure.map((value, i) => value - width * se[i]),
    hi: exposure.map((value, i) => value + width * se[i]),
    peakLag: summary(peakLag),
    halfLife: summary(halfLife),
  };
}

/** Variance of the sum over lags, mean over the dates, [asset][factor]. */
async function sumVariances(
  fitted: Fitted,
  inputs: FactorPanel,
  span: Span,
  assets: AssetRange,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const out: number[] = [];
  const request = { form: 'cumulative', average: true, assets, ...(signal ? { signal } : {}) } as const;
  for await (const block of fitted.jacobian(inputs, span, request)) out.push(...block.variance);
  return Float64Array.from(out);
}

function shapeIntervals(
  sums: Float64Array,
  { exposure, se, lags, level }: Pick<LagProfile, 'exposure' | 'se' | 'lags' | 'level'>,
): LagInterval[] {
  return Array.from(sums, (sumVariance, cell) => {
    const part = (values: Float64Array) => values.subarray(cell * lags, (cell + 1) * lags);
    return lagInterval({ exposure: part(exposure), se: part(se), sumVariance }, level, cell);
  });
}

/** Lag of the largest absolute response, the earliest one of equals; NaN where the response is all zero or missing. */
export function peakLag(response: ArrayLike<number>): number {
  let best = Number.NaN;
  let largest = 0;
  for (let lag = 0; lag < response.length; lag++) {
    const size = Math.abs(response[lag]);
    if (Number.isNaN(size)) return Number.NaN;
    if (size > largest) {
      largest = size;
      best = lag;
    }
  }
  return best;
}

/**
 * First lag by which half of the total absolute response has occurred: min k with
 * sum_{l <= k} |J_l| >= half of sum_l |J_l|.
 *
 * Absolute values, because a response that changes sign has no half of its net sum. 0 for a single lag; NaN where the
 * response is all zero or missing.
 */
export function halfLife(response: ArrayLike<number>): number {
  let total = 0;
  for (let lag = 0; lag < response.length; lag++) total += Math.abs(response[lag]);
  if (!(total > 0)) return Number.NaN;
  let sum = 0;
  for (let lag = 0; lag < response.length; lag++) {
    sum += Math.abs(response[lag]);
    if (2 * sum >= total) return lag;
  }
  return response.length - 1;
}

/** Copies a block's [asset][lag][factor] to [asset][factor][lag] from `offset` on. */
function transpose(source: Float64Array, target: Float64Array, offset: number, lags: number, factors: number): void {
  const assets = source.length / (lags * factors);
  for (let asset = 0; asset < assets; asset++) {
    const base = asset * lags * factors;
    for (let lag = 0; lag < lags; lag++) {
      for (let j = 0; j < factors; j++) target[offset + base + j * lags + lag] = source[base + lag * factors + j];
    }
  }
}
