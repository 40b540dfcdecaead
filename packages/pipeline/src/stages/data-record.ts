import { type FactorMeta, formatIsoDate, type Panel } from '@macrograd/core';
import type { AssetCoverageRecord, DataSheetRecord, SeriesRecord } from '@macrograd/store';
import type { DataSheet } from '../datasheet.js';

/** Groups of assets that are listed, and names that stand for each. */
const GROUPS = 12;
const EXAMPLES = 5;

/** The data sheet of a panel as it stands in `run.json`: coverage, what becomes of gaps, and what tests say. */
export function dataSheetRecord(panel: Panel, sheet: DataSheet): DataSheetRecord {
  const { axis, inputs, assets } = panel;
  const coverage = (values: Float64Array, width: number, column: number) =>
    coverageOf(axis.dates, (row) => values[row * width + column]);
  return {
    series: inputs.factors.map((meta, column): SeriesRecord => {
      const own = coverage(inputs.values, inputs.factors.length, column);
      const { unitRoot, stationary, breakAt, inflation } = sheet.series[column];
      return {
        name: meta.name,
        role: meta.role,
        unit: meta.unit,
        transform: meta.transform,
        release_lag: meta.releaseLag,
        ...own,
        gap_policy: gapPolicy(meta, axis.dates.length - own.observed),
        unit_root_p: orNull(unitRoot),
        stationary_p: orNull(stationary),
        break_at: breakAt ?? null,
        variance_inflation: orNull(inflation),
      };
    }),
    condition_number: orNull(sheet.conditionNumber),
    advice: sheet.advice,
    assets: grouped(assets.map(({ name }, column) => ({ name, ...coverage(panel.returns, assets.length, column) }))),
  };
}

interface Coverage {
  readonly first: string | null;
  readonly last: string | null;
  readonly observed: number;
  readonly gaps: number;
}

function coverageOf(dates: Int32Array, at: (row: number) => number): Coverage {
  const rows = Array.from(dates.keys()).filter((row) => !Number.isNaN(at(row)));
  if (rows.length === 0) return { first: null, last: null, observed: 0, gaps: 0 };
  const [first, last] = [rows[0], rows[rows.length - 1]];
  const gaps = last - first + 1 - rows.length;
  return { first: formatIsoDate(dates[first]), last: formatIsoDate(dates[last]), observed: rows.length, gaps };
}

function gapPolicy({ role }: FactorMeta, missing: number): string {
  if (missing === 0) return 'none missing';
  const stands = `${missing} row${missing === 1 ? '' : 's'} missing: the mean stands in, marked as such`;
  return role === 'factor' ? `${stands}; no exposure there` : stands;
}

/** Assets by coverage, most first. */
function grouped(assets: readonly (Coverage & { readonly name: string })[]): AssetCoverageRecord[] {
  const groups = new Map<string, (Coverage & { readonly name: string })[]>();
  for (const asset of assets) {
    const key = `${asset.first} ${asset.last} ${asset.gaps}`;
    const group = groups.get(key) ?? [];
    group.push(asset);
    groups.set(key, group);
  }
  const sorted = [...groups.values()].sort((a, b) => b.length - a.length);
  return sorted.slice(0, GROUPS).map((group) => ({
    first: group[0].first,
    last: group[0].last,
    gaps: group[0].gaps,
    assets: group.length,
    examples: group.slice(0, EXAMPLES).map(({ name }) => name),
  }));
}

/** JSON has no NaN and no infinity. */
function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
