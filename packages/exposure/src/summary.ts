import type { FactorMeta, FactorPanel, FitStatus, Fitted, JacobianBlock, MethodId, Span } from '@macrograd/core';
import { exposureCube } from './cube.js';
import { adaptiveBenjaminiHochberg } from './false_discovery.js';
import { type LagProfile, lagProfile } from './lag_profile.js';
import { twoSidedNormalPValue } from './normal.js';
import { type RegimeShare, regimeShare } from './regime.js';
import { halfWidthFactor, unitDivisors } from './scale.js';

export interface SummaryOptions {
  /** Rows the fit was trained on, against which today's state is held. */
  readonly train: Span;
  /** Which exposure the headline shows; default `contemporaneous`. */
  readonly form?: 'contemporaneous' | 'cumulative';
  /** Coverage of the interval; default .90. */
  readonly level?: number;
  /** False-discovery rate over the whole assets x factors grid; default .10. */
  readonly q?: number;
  /**
   * [asset][factor], taken instead of the method's own p-values: those of a {@link screenFactors} over the same rows.
   * A pooled method's posterior is shrunk to the other assets, and tests of moving coefficients speak of the last of
   * them: neither bounds the share of false discoveries.
   */
  readonly pValues?: Float64Array;
  /** The fit's lag profile over the same span, when it has been computed before. */
  readonly profile?: LagProfile;
  readonly signal?: AbortSignal;
}

/** One line an asset and factor. All arrays are [asset][factor], row-major, over all assets of the fit. */
export interface ExposureSummary {
  readonly method: MethodId;
  readonly factors: readonly FactorMeta[];
  readonly level: number;
  /** Mean over the span's dates, decimal return per one training SD. */
  readonly meanExposure: Float64Array;
  /** At the last of the span's final twelve rows where the factor is observed. */
  readonly latestExposure: Float64Array;
  /** Mean exposure per one unit of the factor. */
  readonly unitExposure: Float64Array;
  /** Standard error and interval of the mean exposure. */
  readonly se: Float64Array;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  /** 1 or -1 where the interval excludes zero, else 0: the sign is not provable at the level. */
  readonly sign: Int8Array;
  /** As given, else the method's own test, else the normal test of the mean exposure against zero. */
  readonly pValue: Float64Array;
  readonly qValue: Float64Array;
  /** 1 where the false-discovery control selects the exposure. */
  readonly selected: Uint8Array;
  readonly status: readonly FitStatus[];
  readonly peakLag: Float64Array;
  readonly halfLife: Float64Array;
  /** How familiar the span's last state is to the training rows. */
  readonly regime: RegimeShare;
  readonly profile: LagProfile;
}

/** Rows before the end of the span that are searched for the latest observed value of a factor. */
const LATEST_ROWS = 12;

/** Headline numbers of a fit for every asset and factor: size, interval, sign, screening, speed, status. */
export async function summarise(
  fitted: Fitted,
  inputs: FactorPanel,
  span: Span,
  options: SummaryOptions,
): Promise<ExposureSummary> {
  const { form = 'contemporaneous', level = 0.9, q = 0.1, signal } = options;
  const stop = signal ? { signal } : {};
  const profile = options.profile ?? (await lagProfile(fitted, inputs, span, { level, ...stop }));
  const { factors } = profile;
  const sd = unitDivisors(fitted, inputs);
  const width = halfWidthFactor(level);
  const mean = await meanExposures(fitted, inputs, span, form, signal);
  const tail = { start: Math.max(span.start, span.end - LATEST_ROWS), end: span.end };
  const latestExposure = new Float64Array(mean.exposure.length).fill(Number.NaN);
  for await (const cube of exposureCube(fitted, inputs, tail, { form, level, ...stop })) {
    fillLatest(cube.exposure, latestExposure, cube.assets.start, cube.dates.length, factors.length);
  }
  const { exposure: meanExposure, se } = mean;
  const lo = meanExposure.map((value, i) => value - width * se[i]);
  const hi = meanExposure.map((value, i) => value + width * se[i]);
  const pValue = pValuesOf(options.pValues ?? fitted.diagnostics.pValues, meanExposure, se);
  const { qValues, selected } = adaptiveBenjaminiHochberg(pValue, q);
  return {
    method: fitted.method,
    factors,
    level,
    meanExposure,
    latestExposure,
    unitExposure: meanExposure.map((value, i) => value / sd[i % factors.length]),
    se,
    lo,
    hi,
    sign: Int8Array.from(lo, (low, i) => (low > 0 ? 1 : hi[i] < 0 ? -1 : 0)),
    pValue,
    qValue: qValues,
    selected,
    status: Array.from(meanExposure, (value, i) => cellStatus(fitted, Math.floor(i / factors.length), value)),
    peakLag: profile.peakLag,
    halfLife: profile.halfLife,
    regime: regimeShare(inputs, options.train, span.end - 1),
    profile,
  };
}

/** Mean exposure over the span and its standard error, [asset][factor]. */
async function meanExposures(
  fitted: Fitted,
  inputs: FactorPanel,
  span: Span,
  form: 'contemporaneous' | 'cumulative',
  signal: AbortSignal | undefined,
): Promise<{ exposure: Float64Array; se: Float64Array }> {
  const blocks: JacobianBlock[] = [];
  const request = { form, average: true, ...(signal ? { signal } : {}) };
  for await (const block of fitted.jacobian(inputs, span, request)) blocks.push(block);
  return {
    exposure: Float64Array.from(blocks.flatMap((block) => Array.from(block.values))),
    se: Float64Array.from(blocks.flatMap((block) => Array.from(block.variance, Math.sqrt))),
  };
}

/** Last finite value of every asset and factor of a block laid out [asset][date][factor]. */
function fillLatest(block: Float64Array, out: Float64Array, firstAsset: number, dates: number, factors: number): void {
  for (let i = 0; i < block.length; i++) {
    if (Number.isNaN(block[i])) continue;
    const asset = Math.floor(i / (dates * factors));
    // Dates ascend within an asset, so that the last write is the latest value.
    out[(firstAsset + asset) * factors + (i % factors)] = block[i];
  }
}

/** A given p-value where the exposure exists, else the normal test of its mean. */
function pValuesOf(given: Float64Array, mean: Float64Array, se: Float64Array): Float64Array {
  return mean.map((value, i) => {
    if (Number.isNaN(value)) return Number.NaN;
    if (i < given.length && !Number.isNaN(given[i])) return given[i];
    return se[i] > 0 ? twoSidedNormalPValue(value / se[i]) : Number.NaN;
  });
}

function cellStatus(fitted: Fitted, asset: number, exposure: number): FitStatus {
  const { status } = fitted.diagnostics.status[asset];
  return status === 'ok' && Number.isNaN(exposure) ? 'no_data' : status;
}
