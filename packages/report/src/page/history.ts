import { deflateRawSync } from 'node:zlib';
import { formatIsoDate } from '@macrograd/core';
import { stringAt, type TableData } from '@macrograd/store';
import { BandWriter } from '../band-codec.js';
import type { Band, PageFactor, PageRegion, SeriesKey } from '../page-data.js';
import { codesTo, headlineFit } from './index-of.js';

/** Exposures through time and by lag, packed one blob an asset. */
export interface HistoryPart {
  readonly dates: readonly string[];
  readonly regions: readonly PageRegion[];
  readonly seriesKeys: readonly SeriesKey[];
  readonly lagMethods: readonly string[];
  readonly lagCount: number;
  readonly blobs: readonly (string | null)[];
}

/** What is packed, and for which assets first. */
export interface HistoryRequest {
  readonly exposures: TableData<'exposures'>;
  readonly lags: TableData<'lags'>;
  readonly assets: readonly string[];
  readonly factors: readonly PageFactor[];
  /** Asset indexes, most interesting first: the budget is spent in this order. */
  readonly order: readonly number[];
  /** Characters that all blobs together may take. */
  readonly budget: number;
}

/** Packs the walk-forward exposures (every fit but `final`) and the lag profiles; bands are in % per one unit. */
export function historyPart(request: HistoryRequest): HistoryPart {
  const { exposures, lags, assets, factors } = request;
  const rows = walkForwardRows(exposures);
  const { days, regions } = timeline(exposures, rows);
  const seriesKeys = keysOf(exposures, rows);
  const lagFit = lags.columns.fit.values.indexOf(headlineFit(lags.columns.fit));
  const { method: lagMethod, lag } = lags.columns;
  // A method without a lag beyond 0 has no profile to show.
  const beyond = new Set(rowsWhere(lags.rows, (row) => lag[row] > 0).map((row) => lagMethod.codes[row]));
  const lagRows = rowsWhere(
    lags.rows,
    (row) => lags.columns.fit.codes[row] === lagFit && beyond.has(lagMethod.codes[row]),
  );
  const lagMethods = [...new Set(Array.from(lagRows, (row) => stringAt(lagMethod, row) as string))];
  const lagCount = lagRows.reduce((most, row) => Math.max(most, lag[row] + 1), 0);
  const rowsOfAsset = groupBy(
    rows,
    codesTo(exposures.columns.asset, assets),
    exposures.columns.asset.codes,
    assets.length,
  );
  const lagsOfAsset = groupBy(lagRows, codesTo(lags.columns.asset, assets), lags.columns.asset.codes, assets.length);
  const pack = { exposures, lags, factors, days, seriesKeys, lagMethods, lagCount };
  const blobs: (string | null)[] = assets.map(() => null);
  let left = request.budget;
  for (const asset of request.order) {
    const blob = packAsset(pack, rowsOfAsset[asset], lagsOfAsset[asset]);
    if (blob.length > left) break;
    left -= blob.length;
    blobs[asset] = blob;
  }
  return { dates: Array.from(days, formatIsoDate), regions, seriesKeys, lagMethods, lagCount, blobs };
}

interface Pack {
  readonly exposures: TableData<'exposures'>;
  readonly lags: TableData<'lags'>;
  readonly factors: readonly PageFactor[];
  readonly days: Int32Array;
  readonly seriesKeys: readonly SeriesKey[];
  readonly lagMethods: readonly string[];
  readonly lagCount: number;
}

function packAsset(pack: Pack, rows: readonly number[], lagRows: readonly number[]): string {
  const { factors, days, seriesKeys, lagMethods, lagCount } = pack;
  const k = factors.length;
  const series = emptyBands(seriesKeys.length * k, days.length);
  const c = pack.exposures.columns;
  const factorAt = codesTo(
    c.factor,
    factors.map(({ name }) => name),
  );
  const dayAt = new Map(Array.from(days, (day, i) => [day, i]));
  const keyAt = new Map(seriesKeys.map(({ method, kind }, i) => [`${method}/${kind}`, i]));
  for (const row of rows) {
    const key = keyAt.get(`${stringAt(c.method, row)}/${stringAt(c.kind, row)}`);
    const factor = factorAt[c.factor.codes[row]];
    if (key === undefined || factor < 0) continue;
    setPoint(series[key * k + factor], dayAt.get(c.date[row]) as number, c, row, factors[factor].sd);
  }
  const lagBands = emptyBands(lagMethods.length * k, lagCount);
  const l = pack.lags.columns;
  const lagFactorAt = codesTo(
    l.factor,
    factors.map(({ name }) => name),
  );
  const lagMethodAt = codesTo(l.method, lagMethods);
  for (const row of lagRows) {
    const factor = lagFactorAt[l.factor.codes[row]];
    if (factor < 0) continue;
    setPoint(lagBands[lagMethodAt[l.method.codes[row]] * k + factor], l.lag[row], l, row, factors[factor].sd);
  }
  const writer = new BandWriter();
  for (const band of [...series, ...lagBands]) writer.write(band);
  return deflateRawSync(writer.bytes(), { level: 9 }).toString('base64');
}

/** Puts a row's exposure and interval into a band, in % per one unit. */
function setPoint(
  band: Band,
  at: number,
  columns: Pick<TableData<'exposures'>['columns'], 'exposure' | 'unit_exposure' | 'lo' | 'hi'>,
  row: number,
  sd: number | null,
): void {
  const exposure = columns.exposure[row];
  const unit = columns.unit_exposure[row];
  // The interval is per training SD of its own fit, which the row's two exposures reveal.
  const perUnit = 100 * (exposure !== 0 && Number.isFinite(unit) ? unit / exposure : 1 / (sd ?? 1));
  band.value[at] = 100 * unit;
  band.lo[at] = columns.lo[row] * perUnit;
  band.hi[at] = columns.hi[row] * perUnit;
}

function emptyBands(count: number, length: number): Band[] {
  const missing = () => new Float64Array(length).fill(Number.NaN);
  return Array.from({ length: count }, () => ({ value: missing(), lo: missing(), hi: missing() }));
}

/** Rows of walk-forward fits; `zero` has nothing to draw. */
function walkForwardRows(table: TableData<'exposures'>): Int32Array {
  const { fit, method } = table.columns;
  const final = fit.values.indexOf('final');
  const zero = method.values.indexOf('zero');
  return rowsWhere(table.rows, (row) => fit.codes[row] !== final && method.codes[row] !== zero);
}

function rowsWhere(rows: number, keep: (row: number) => boolean): Int32Array {
  const out = new Int32Array(rows);
  let n = 0;
  for (let row = 0; row < rows; row++) if (keep(row)) out[n++] = row;
  return out.subarray(0, n);
}

/** Methods and kinds that have rows, methods in the order of the table. */
function keysOf(table: TableData<'exposures'>, rows: Int32Array): SeriesKey[] {
  const { method, kind } = table.columns;
  const seen = new Set<number>();
  for (const row of rows) seen.add(method.codes[row] * kind.values.length + kind.codes[row]);
  return [...seen]
    .sort((a, b) => a - b)
    .map((code) => ({
      method: method.values[Math.floor(code / kind.values.length)],
      kind: kind.values[code % kind.values.length],
    }));
}

/** Dates that have rows, ascending, and the stretches that are read with one fit. */
function timeline(table: TableData<'exposures'>, rows: Int32Array): { days: Int32Array; regions: PageRegion[] } {
  const { date, fit, in_sample: inSample } = table.columns;
  const rowOfDay = new Map<number, number>();
  for (const row of rows) if (!rowOfDay.has(date[row])) rowOfDay.set(date[row], row);
  const days = Int32Array.from(rowOfDay.keys()).sort();
  const regions: { start: number; end: number; fit: string; inSample: boolean }[] = [];
  days.forEach((day, i) => {
    const row = rowOfDay.get(day) as number;
    const here = { fit: stringAt(fit, row) as string, inSample: inSample[row] === 1 };
    const last = regions.at(-1);
    if (last && last.fit === here.fit && last.inSample === here.inSample) last.end = i + 1;
    else regions.push({ start: i, end: i + 1, ...here });
  });
  return { days, regions };
}

function groupBy(rows: Int32Array, placeOfCode: Int32Array, codes: Int32Array, groups: number): number[][] {
  const out: number[][] = Array.from({ length: groups }, () => []);
  for (const row of rows) out[placeOfCode[codes[row]]].push(row);
  return out;
}
