import type { DayNumber, Frequency } from './calendar.js';
import { ArgumentError } from './errors.js';

/** Half-open range of rows of a panel's time axis: start <= row < end. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Half-open range of a panel's assets. */
export interface AssetRange {
  readonly start: number;
  readonly end: number;
}

/** Period-end dates of a panel, ascending, without gaps at the panel's frequency. */
export interface TimeAxis {
  readonly frequency: Frequency;
  readonly dates: Int32Array;
}

/**
 * What a series does in the model. A `factor` gets exposures and is screened; a `state` conditions the exposures
 * and has none of its own; a `control` is in every regression and is not screened.
 */
export type Role = 'factor' | 'state' | 'control';

/** Names, unit and origin of one macro series after its transform. */
export interface FactorMeta {
  readonly name: string;
  readonly role: Role;
  /** Unit of the transformed series: `pp`, `log-%`, `%`, ... (see units). */
  readonly unit: string;
  readonly transform: string;
  /** Periods between the reference period's end and publication. */
  readonly releaseLag: number;
  readonly source: string;
}

/** Name and labels of one asset. */
export interface AssetMeta {
  readonly name: string;
  readonly source: string;
  /** Caveats that belong beside every number of this asset: `survivor`, `price index`, `computed`. */
  readonly labels: readonly string[];
}

/** Macro series on one time axis, transformed, in their own units (not standardised). NaN = missing. */
export interface FactorPanel {
  readonly axis: TimeAxis;
  readonly factors: readonly FactorMeta[];
  /** [date][factor], row-major. */
  readonly values: Float64Array;
}

/** Macro series and asset returns on one time axis. */
export interface Panel {
  readonly axis: TimeAxis;
  readonly inputs: FactorPanel;
  readonly assets: readonly AssetMeta[];
  /** [date][asset], row-major, excess return of the period as a decimal fraction. NaN = missing. */
  readonly returns: Float64Array;
  /** 0: return of the factor's own period; h: return over the h periods after. */
  readonly horizon: number;
}

/** Predicted returns of a block of assets. */
export interface ReturnMatrix {
  readonly span: Span;
  readonly assets: AssetRange;
  /** [date][asset], decimal per period; NaN where it can't be predicted. */
  readonly values: Float64Array;
}

/** Mean and standard deviation of every series over the training rows where it is observed. */
export interface Scaler {
  readonly mean: Float64Array;
  /** Sample standard deviation (n - 1); 1 for a constant or never-observed series, so that standardising is defined. */
  readonly sd: Float64Array;
  /** Observed training rows of each series. */
  readonly count: Int32Array;
}

/** Spread relative to the mean below which a column counts as constant; a computed constant varies by some 1e-15. */
const ROUNDING = 1e-12;

/** Mean and SD per column of a row-major [rows][columns] matrix over a span of rows, skipping NaN. */
export function fitScaler(values: Float64Array, columns: number, span: Span): Scaler {
  const mean = new Float64Array(columns);
  const sd = new Float64Array(columns);
  const count = new Int32Array(columns);
  for (let row = span.start; row < span.end; row++) {
    for (let j = 0; j < columns; j++) {
      const x = values[row * columns + j];
      if (Number.isNaN(x)) continue;
      // Welford's update: no cancellation when the mean is large against the spread.
      count[j]++;
      const delta = x - mean[j];
      mean[j] += delta / count[j];
      sd[j] += delta * (x - mean[j]);
    }
  }
  for (let j = 0; j < columns; j++) {
    const variance = count[j] > 1 ? sd[j] / (count[j] - 1) : 0;
    const spread = Math.sqrt(variance);
    // What rounding leaves of a constant is no spread: dividing by it would turn noise into a factor.
    sd[j] = spread > ROUNDING * Math.abs(mean[j]) ? spread : 1;
  }
  return { mean, sd, count };
}

/** (x - mean) / sd for every row of a row-major [rows][columns] matrix; NaN stays NaN. */
export function standardise(values: Float64Array, scaler: Scaler): Float64Array {
  const columns = scaler.mean.length;
  const out = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const j = i % columns;
    out[i] = (values[i] - scaler.mean[j]) / scaler.sd[j];
  }
  return out;
}

/** Row indexes of a span as a fresh panel of factors (copied). */
export function sliceFactors(inputs: FactorPanel, span: Span): FactorPanel {
  checkSpan(span, inputs.axis.dates.length);
  const k = inputs.factors.length;
  return {
    axis: { frequency: inputs.axis.frequency, dates: inputs.axis.dates.slice(span.start, span.end) },
    factors: inputs.factors,
    values: inputs.values.slice(span.start * k, span.end * k),
  };
}

/** A panel whose rows are the given span (copied). */
export function slicePanel(panel: Panel, span: Span): Panel {
  checkSpan(span, panel.axis.dates.length);
  const n = panel.assets.length;
  const inputs = sliceFactors(panel.inputs, span);
  return { ...panel, axis: inputs.axis, inputs, returns: panel.returns.slice(span.start * n, span.end * n) };
}

/** Indexes of the series with one of the given roles, in panel order. */
export function indexesOfRole(inputs: FactorPanel, ...roles: readonly Role[]): number[] {
  return inputs.factors.flatMap((factor, index) => (roles.includes(factor.role) ? [index] : []));
}

/** The chosen columns of a row-major [rows][columns] matrix, in the given order. */
export function selectColumns(values: Float64Array, columns: number, chosen: readonly number[]): Float64Array {
  const rows = values.length / columns;
  const out = new Float64Array(rows * chosen.length);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < chosen.length; j++) out[row * chosen.length + j] = values[row * columns + chosen[j]];
  }
  return out;
}

/** Row of the axis whose date is the given day, or -1. */
export function rowOfDate(axis: TimeAxis, day: DayNumber): number {
  let low = 0;
  let high = axis.dates.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (axis.dates[middle] === day) return middle;
    if (axis.dates[middle] < day) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function checkSpan(span: Span, rows: number): void {
  if (!(span.start >= 0 && span.start <= span.end && span.end <= rows)) {
    throw new ArgumentError(`span ${span.start}..${span.end} does not lie in a panel of ${rows} rows`);
  }
}
