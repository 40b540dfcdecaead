import { type FactorPanel, formatIsoDate, InputError, type Panel, slicePanel, type TimeAxis } from '@macrograd/core';
import { alignTo, laggedAxis } from './align.js';
import { coverageNotes, splitNotes } from './assetNotes.js';
import { excessReturns, type PreparedAsset, prepareAsset, readAssets } from './assets.js';
import { readHolidays } from './businessDays.js';
import { releasedColumn } from './calendar.js';
import { type PreparedFactor, prepareFactors, readFactors } from './factors.js';
import { checkReturnUnits } from './plausible.js';
import { cachingReader } from './reader.js';
import { commonFrequency, spanAxis } from './span.js';
import type { PanelSpec, Timing } from './spec.js';
import type { Series, Table } from './table.js';
import { knownColumn } from './vintages.js';

/** A panel and what its making should tell. */
export interface BuiltPanel {
  readonly panel: Panel;
  /** Files read, each once: name, hash and layout go into a run's record. */
  readonly tables: readonly Table[];
  /** What was done that the owner of the data should know. */
  readonly notes: readonly string[];
}

/** Factors alone, as for predicting from new data. */
export interface BuiltFactorPanel {
  readonly inputs: FactorPanel;
  readonly tables: readonly Table[];
  readonly notes: readonly string[];
}

/**
 * Reads, transforms and aligns macro series and asset returns into one panel.
 *
 * A series is transformed at its own frequency (after it was brought down to the panel's, where higher), then aligned:
 * a value enters at its own period's end, or `releaseLag` periods later under `available`, never before. Returns are in
 * excess of the risk-free rate where one is given. Rows at the ends without any return or any factor are left out.
 *
 * @throws InputError for everything in the files or the spec that can't be used.
 *
 * @example
 * const { panel } = await buildPanel({
 *   factors: [{ file: 'macro.csv', series: { RATE10: { column: 'GS10', transform: 'diff' } } }],
 *   assets: [{ file: 'returns.csv', unit: 'decimal' }],
 * });
 */
export async function buildPanel(spec: PanelSpec): Promise<BuiltPanel> {
  const { read, tables } = await readerOf(spec);
  const factorSources = await readFactors(spec.factors, read);
  const factorTables = [...new Set(factorSources.map(({ table }) => table))];
  const assetSources = await readAssets(spec.assets, factorTables, read, spec.currency);
  const frequency = spec.frequency ?? commonFrequency(factorSources, assetSources);
  const factors = prepareFactors(factorSources, frequency, spec.timing ?? 'reference');
  const assets = assetSources.map((source) => prepareAsset(source, frequency));
  const notes = checkReturnUnits(assets);
  const axis = spanAxis(
    spec.span ?? {},
    frequency,
    factors.map(reach),
    assets.map(({ returns }) => returns),
  );
  const panel = joined(spec, axis, factors, assets);
  // Files of all vintages are read apart.
  const files = [...new Set([...(await tables()), ...factorTables])];
  const known = vintageNotes(factors, panel.axis);
  return {
    panel,
    tables: files,
    notes: [
      ...files.flatMap(fileNotes),
      ...notes,
      ...known,
      ...splitNotes(assets),
      ...coverageNotes(panel),
      ...emptyAssets(panel),
    ],
  };
}

/**
 * Reads, transforms and aligns macro series alone, on the rows that the spec's span or else the series cover.
 *
 * @throws InputError like {@link buildPanel}.
 */
export async function buildFactorPanel(
  spec: Pick<PanelSpec, 'factors' | 'timing' | 'span' | 'frequency' | 'calendar'>,
): Promise<BuiltFactorPanel> {
  const { read, tables } = await readerOf(spec);
  const sources = await readFactors(spec.factors, read);
  const frequency = spec.frequency ?? commonFrequency(sources, []);
  const factors = prepareFactors(sources, frequency, spec.timing ?? 'reference');
  const series = factors.map(reach);
  const inputs = alignFactors(factors, spanAxis(spec.span ?? {}, frequency, series, []), spec.timing ?? 'reference');
  const files = await tables();
  return { inputs, tables: files, notes: [...files.flatMap(fileNotes), ...vintageNotes(factors, inputs.axis)] };
}

async function readerOf({ calendar }: Pick<PanelSpec, 'calendar'>) {
  return cachingReader(calendar === undefined ? undefined : await readHolidays(calendar));
}

/** A factor with the dates that it speaks about: of its newest vintage also the day on which it was known, and none to
 * which values are carried alone. */
function reach({ series, editions, ends }: PreparedFactor): Series {
  if (ends !== undefined) return { ...series, dates: series.dates.filter((date) => date <= ends) };
  const known = editions?.at(-1)?.known ?? Number.NEGATIVE_INFINITY;
  return known > (series.dates.at(-1) ?? 0) ? { ...series, dates: Int32Array.of(...series.dates, known) } : series;
}

function joined(
  spec: PanelSpec,
  axis: TimeAxis,
  factors: readonly PreparedFactor[],
  assets: readonly PreparedAsset[],
): Panel {
  const timing = spec.timing ?? 'reference';
  const horizon = spec.horizon ?? (timing === 'available' ? 1 : 0);
  if (!Number.isInteger(horizon) || horizon < 0) {
    throw new InputError(`the horizon is ${horizon}`, { code: 'bad_config', remedy: 'give a whole number from 0' });
  }
  const inputs = alignFactors(factors, axis, timing, spec.revised);
  const columns = assets.map((asset) => excessReturns(asset, axis, horizon));
  const returns = interleave(columns, axis.dates.length);
  return trimmed({ axis, inputs, assets: assets.map(({ meta }) => meta), returns, horizon });
}

function alignFactors(
  factors: readonly PreparedFactor[],
  axis: TimeAxis,
  timing: Timing,
  revised = false,
): FactorPanel {
  const columns = factors.map(({ meta, series, editions, releases }) => {
    if (editions !== undefined) return knownColumn(axis, editions, revised ? series : undefined).values;
    if (releases !== undefined) return releasedColumn(axis, series, releases);
    return alignTo(timing === 'available' ? laggedAxis(axis, meta.releaseLag) : axis, series);
  });
  const empty = factors.find((_, j) => columns[j].every(Number.isNaN));
  if (empty) {
    throw new InputError(`the series ${empty.meta.name} (${empty.meta.source}) has no value in the span`, {
      code: 'bad_config',
      remedy: 'leave it out or widen the span',
    });
  }
  return { axis, factors: factors.map(({ meta }) => meta), values: interleave(columns, axis.dates.length) };
}

/** Columns of equal length as one row-major [rows][columns] matrix. */
function interleave(columns: readonly Float64Array[], rows: number): Float64Array {
  const out = new Float64Array(rows * columns.length);
  columns.forEach((column, j) => {
    for (let row = 0; row < rows; row++) out[row * columns.length + j] = column[row];
  });
  return out;
}

/** Leaves out rows at both ends without any factor or any return; the last `horizon` rows, whose returns lie ahead, stay. */
function trimmed(panel: Panel): Panel {
  const rows = [...panel.axis.dates.keys()];
  const observed = (values: Float64Array, columns: number, row: number) =>
    values.subarray(row * columns, (row + 1) * columns).some((value) => !Number.isNaN(value));
  const hasFactor = (row: number) => observed(panel.inputs.values, panel.inputs.factors.length, row);
  const hasReturn = (row: number) => observed(panel.returns, panel.assets.length, row);
  const start = rows.findIndex((row) => hasFactor(row) && hasReturn(row));
  const lastReturn = rows.findLastIndex(hasReturn);
  const end = rows.findLastIndex((row) => hasFactor(row) && row <= lastReturn + panel.horizon) + 1;
  if (start >= 0) return slicePanel(panel, { start, end });
  throw new InputError('no date has both a factor and a return', {
    remedy: 'check that factors and assets cover the same years, and the span',
  });
}

function fileNotes(table: Table): string[] {
  return table.notes.map((note) => `${table.file}: ${note}`);
}

/** How many rows of which series are not real-time ones. */
function vintageNotes(factors: readonly PreparedFactor[], axis: TimeAxis): string[] {
  const groups = new Map<string, string[]>();
  for (const { meta, editions } of factors) {
    if (editions === undefined) continue;
    const { revised } = knownColumn(axis, editions);
    if (revised === 0) continue;
    const text = `${revised} rows before the first vintage (${formatIsoDate(editions[0].known)}) hold that vintage's values`;
    groups.set(text, [...(groups.get(text) ?? []), meta.name]);
  }
  return [...groups].map(([text, names]) => `${names.join(', ')}: ${text}, which nobody knew then`);
}

function emptyAssets(panel: Panel): string[] {
  const n = panel.assets.length;
  const seen = new Uint8Array(n);
  panel.returns.forEach((r, at) => {
    if (!Number.isNaN(r)) seen[at % n] = 1;
  });
  const empty = panel.assets.filter((_, i) => seen[i] === 0);
  return empty.map(({ name, source }) => `${source}: "${name}" has no return in the span`);
}
