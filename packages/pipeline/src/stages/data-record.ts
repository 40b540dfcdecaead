import type { Panel, Role } from '@macrograd/core';
import { type ColumnFacts, describePanel } from '@macrograd/data';
import type { AssetCoverageRecord, DataSheetRecord, SeriesRecord } from '@macrograd/store';
import type { DataSheet } from '../datasheet.js';

/** Groups of assets that are listed, and names that stand for each. */
const GROUPS = 12;
const EXAMPLES = 5;

/**
 * The data sheet of a panel as it stands in `run.json` and in what `macrograd check` says: coverage, what becomes of gaps,
 * and what tests say.
 *
 * @param sheet - of the same panel's inputs.
 */
export function dataSheetRecord(panel: Panel, sheet: DataSheet): DataSheetRecord {
  const { rows, series, assets } = describePanel(panel);
  return {
    series: series.map(({ name, role, unit, transform, releaseLag, ...facts }, column): SeriesRecord => {
      const { unitRoot, stationary, breakAt, inflation } = sheet.series[column];
      return {
        name,
        role,
        unit,
        transform,
        release_lag: releaseLag,
        first: facts.first ?? null,
        last: facts.last ?? null,
        observed: facts.observed,
        gaps: facts.gaps,
        gap_policy: gapPolicy(role, rows - facts.observed),
        unit_root_p: orNull(unitRoot),
        stationary_p: orNull(stationary),
        break_at: breakAt ?? null,
        variance_inflation: orNull(inflation),
      };
    }),
    condition_number: orNull(sheet.conditionNumber),
    advice: sheet.advice,
    assets: grouped(assets),
  };
}

function gapPolicy(role: Role, missing: number): string {
  if (missing === 0) return 'none missing';
  const stands = `${missing} row${missing === 1 ? '' : 's'} missing: the mean stands in, marked as such`;
  return role === 'factor' ? `${stands}; no exposure there` : stands;
}

/** Assets by coverage, most first. */
function grouped(assets: readonly ColumnFacts[]): AssetCoverageRecord[] {
  const groups = new Map<string, ColumnFacts[]>();
  for (const asset of assets) {
    const key = `${asset.first} ${asset.last} ${asset.gaps}`;
    const group = groups.get(key) ?? [];
    group.push(asset);
    groups.set(key, group);
  }
  const sorted = [...groups.values()].sort((a, b) => b.length - a.length);
  return sorted.slice(0, GROUPS).map((group) => ({
    first: group[0].first ?? null,
    last: group[0].last ?? null,
    gaps: group[0].gaps,
    assets: group.length,
    examples: group.slice(0, EXAMPLES).map(({ name }) => name),
  }));
}

/** JSON has no NaN and no infinity. */
function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
