import type { AssetRange, FactorMeta, FactorPanel, Fitted, JacobianBlock, MethodId, Span } from '@macrograd/core';
import { halfWidthFactor, unitDivisors } from './scale.js';

/**
 * What an exposure holds fixed and sums up: lag 0 alone or all lags, the other factors fixed (partial); or lag 0 with the
 * other factors moving as they usually do with the factor (`total`).
 */
export type ExposureKind = 'contemporaneous' | 'cumulative' | 'total';

export interface ExposureOptions {
  /** Default `contemporaneous`. */
  readonly form?: 'contemporaneous' | 'cumulative';
  /** Coverage of the normal interval; default .90. */
  readonly level?: number;
  readonly assets?: AssetRange;
  readonly signal?: AbortSignal;
}

/** Exposures of one block of assets at every date of a span. All arrays are [asset][date][factor], row-major. */
export interface ExposureCube {
  readonly method: MethodId;
  readonly kind: ExposureKind;
  readonly assets: AssetRange;
  /** Rows of the inputs that the dates are. */
  readonly span: Span;
  /** Day numbers of the span's rows. */
  readonly dates: Int32Array;
  /** The series with role `factor`, in panel order. */
  readonly factors: readonly FactorMeta[];
  /** Coverage of `lo`..`hi`. */
  readonly level: number;
  /** Decimal return per one training SD of the factor; NaN where the factor is missing. */
  readonly exposure: Float64Array;
  /** Decimal return per one unit of the factor: `exposure` over the training SD. */
  readonly unitExposure: Float64Array;
  /** Standard error of `exposure`; NaN where the method has none. */
  readonly se: Float64Array;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}

/**
 * Exposures of a fit through time, one block of assets at a time.
 *
 * Contemporaneous: d E[r_it] / d z_{j,t}, other inputs held fixed. Cumulative: the sum over lags of
 * d E[r_it] / d z_{j,t-k}. The interval is the normal one, exposure -+ z_{(1 + level)/2} se.
 *
 * @example
 * for await (const cube of exposureCube(fitted, panel.inputs, { start: 240, end: 300 }, { form: 'cumulative' })) {
 *   console.log(cube.factors[0].name, cube.unitExposure[0]);
 * }
 */
export async function* exposureCube(
  fitted: Fitted,
  inputs: FactorPanel,
  span: Span,
  options: ExposureOptions = {},
): AsyncGenerator<ExposureCube, void, undefined> {
  const { form = 'contemporaneous', level = 0.9, assets, signal } = options;
  const factors = inputs.factors.filter((factor) => factor.role === 'factor');
  const sd = unitDivisors(fitted, inputs);
  const width = halfWidthFactor(level);
  const request = { form, ...(assets ? { assets } : {}), ...(signal ? { signal } : {}) };
  for await (const block of fitted.jacobian(inputs, span, request)) {
    yield {
      method: fitted.method,
      kind: form,
      assets: block.assets,
      span: block.span,
      dates: inputs.axis.dates.slice(block.span.start, block.span.end),
      factors,
      level,
      ...intervals(block, sd, width),
    };
  }
}

/** Standard errors, unit exposures and interval ends of a block's values, in the block's own layout. */
export function intervals(block: JacobianBlock, sd: Float64Array, width: number) {
  const { values: exposure, variance, factors } = block;
  const unitExposure = exposure.map((value, i) => value / sd[i % factors]);
  const se = variance.map(Math.sqrt);
  const lo = exposure.map((value, i) => value - width * se[i]);
  const hi = exposure.map((value, i) => value + width * se[i]);
  return { exposure, unitExposure, se, lo, hi };
}
