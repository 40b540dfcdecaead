import { type AssetMeta, type FactorMeta, type Frequency, formatIsoDate, type Panel } from '@macrograd/core';
import type { Table } from './table.js';
import { onEveryPeriod } from './transform.js';

/** Counts and range of one column of numbers on dates. */
export interface ColumnFacts {
  readonly name: string;
  /** First and last observed date, ISO; undefined when nothing is observed. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly observed: number;
  /** Periods missing between the first and the last observed one. */
  readonly gaps: number;
  /** Of the observed values; NaN without any. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Sample standard deviation. */
  readonly sd: number;
}

/** What a file was understood to hold. */
export interface TableDescription {
  readonly file: string;
  readonly format: Table['format'];
  readonly series: readonly (ColumnFacts & { readonly frequency: Frequency })[];
  readonly notes: readonly string[];
}

/** What a panel holds. */
export interface PanelDescription {
  readonly frequency: Frequency;
  readonly rows: number;
  readonly first: string;
  readonly last: string;
  readonly horizon: number;
  /** Rows on which every series is observed: what methods that can't do with missing values have left. */
  readonly completeRows: number;
  readonly series: readonly (ColumnFacts & Pick<FactorMeta, 'role' | 'unit' | 'transform' | 'releaseLag' | 'source'>)[];
  readonly assets: readonly (ColumnFacts & Pick<AssetMeta, 'source' | 'labels'>)[];
}

/**
 * Rows, dates, frequencies and gaps of a file, for showing to its owner.
 *
 * @example
 * describeTable(await readTable('macro.csv')).series[0]; // { name: 'CPIAUCSL', frequency: 'M', first: '1947-01-31', ... }
 */
export function describeTable(table: Table): TableDescription {
  const series = [...table.series.values()].map((one) => {
    const { dates, values } = onEveryPeriod(one);
    return { ...columnFacts(one.name, dates, (row) => values[row]), frequency: one.frequency };
  });
  return { file: table.file, format: table.format, series, notes: table.notes };
}

/** Rows, dates, units, gaps and late starts of a panel's series and assets. */
export function describePanel(panel: Panel): PanelDescription {
  const { dates, frequency } = panel.axis;
  const { factors, values } = panel.inputs;
  const [k, n] = [factors.length, panel.assets.length];
  const isComplete = (_: number, row: number) => !values.subarray(row * k, (row + 1) * k).some(Number.isNaN);
  return {
    frequency,
    rows: dates.length,
    first: formatIsoDate(dates[0]),
    last: formatIsoDate(dates[dates.length - 1]),
    horizon: panel.horizon,
    completeRows: dates.filter(isComplete).length,
    series: factors.map(({ name, ...meta }, j) => ({
      ...columnFacts(name, dates, (row) => values[row * k + j]),
      ...meta,
    })),
    assets: panel.assets.map(({ name, ...meta }, i) => ({
      ...columnFacts(name, dates, (row) => panel.returns[row * n + i]),
      ...meta,
    })),
  };
}

function columnFacts(name: string, dates: Int32Array, at: (row: number) => number): ColumnFacts {
  const rows = [...dates.keys()].filter((row) => !Number.isNaN(at(row)));
  const observed = rows.length;
  const mean = rows.reduce((sum, row) => sum + at(row), 0) / observed;
  const squares = rows.reduce((sum, row) => sum + (at(row) - mean) ** 2, 0);
  const [first, last] = [rows[0], rows[observed - 1]];
  return {
    name,
    first: observed === 0 ? undefined : formatIsoDate(dates[first]),
    last: observed === 0 ? undefined : formatIsoDate(dates[last]),
    observed,
    gaps: observed === 0 ? 0 : last - first + 1 - observed,
    min: rows.reduce((low, row) => Math.min(low, at(row)), observed === 0 ? Number.NaN : Number.POSITIVE_INFINITY),
    max: rows.reduce((high, row) => Math.max(high, at(row)), observed === 0 ? Number.NaN : Number.NEGATIVE_INFINITY),
    mean,
    sd: observed > 1 ? Math.sqrt(squares / (observed - 1)) : Number.NaN,
  };
}
