import { formatIsoDate, type Panel } from '@macrograd/core';
import type { PreparedAsset } from './assets.js';

/** Ratios of prices that splits and consolidations leave. */
const SPLIT_RATIOS = [2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100];

/** How near to such a ratio a move must lie: a quiet day's own move. */
const SPLIT_SLACK = 0.02;

/** Moves that look like splits that the prices were not adjusted for. */
export function splitNotes(assets: readonly PreparedAsset[]): string[] {
  const found = assets.filter(({ spec }) => spec.values === 'prices').flatMap(likelySplits);
  if (found.length === 0) return [];
  const more = found.length > 3 ? ` and ${found.length - 3} more` : '';
  return [`prices move as by a split that they are not adjusted for: ${found.slice(0, 3).join(', ')}${more}`];
}

function likelySplits({ returns, meta }: PreparedAsset): string[] {
  return [...returns.values.keys()].flatMap((t) => {
    const factor = 1 + returns.values[t];
    const ratio = factor < 1 ? 1 / factor : factor;
    const near = SPLIT_RATIOS.find((whole) => Math.abs(ratio / whole - 1) < SPLIT_SLACK);
    if (near === undefined) return [];
    const said = factor < 1 ? `1 for ${near}` : `${near} for 1`;
    return [`${meta.name} on ${formatIsoDate(returns.dates[t])} (price ratio ${said})`];
  });
}

/** What the panel does about assets that start late, end early or have holes, and how many there are. */
export function coverageNotes(panel: Panel): string[] {
  const n = panel.assets.length;
  const rows = panel.axis.dates.length - Math.max(0, panel.horizon);
  const counts = { late: 0, early: 0, holes: 0 };
  for (let i = 0; i < n; i++) {
    let first = -1;
    let last = -1;
    let observed = 0;
    for (let row = 0; row < rows; row++) {
      if (Number.isNaN(panel.returns[row * n + i])) continue;
      if (first < 0) first = row;
      last = row;
      observed++;
    }
    if (observed === 0) continue;
    if (first > 0) counts.late++;
    if (last < rows - 1) counts.early++;
    if (last - first + 1 > observed) counts.holes++;
  }
  const parts = [
    ...(counts.late > 0 ? [`${counts.late} start late`] : []),
    ...(counts.early > 0 ? [`${counts.early} end early (no delisting return is added)`] : []),
    ...(counts.holes > 0 ? [`${counts.holes} have holes`] : []),
  ];
  if (parts.length === 0) return [];
  const policy = `of ${n} assets ${parts.join(', ')}: a missing return is left missing and has no part in any fit`;
  return [policy, ...survivorNotes(panel, counts)];
}

/** Assets from which one can judge whether any ever ends. */
const ENOUGH_TO_JUDGE = 20;

/** Asks about survivors where many assets start late, as stocks do, and none ends early, as stocks would. */
function survivorNotes(
  { assets }: Panel,
  { late, early }: { readonly late: number; readonly early: number },
): string[] {
  const isLabelled = assets.every(({ labels }) => labels.includes('survivor'));
  if (isLabelled || assets.length < ENOUGH_TO_JUDGE || early > 0 || 4 * late < assets.length) return [];
  const starts = `${late} of ${assets.length} assets start late and none ends early`;
  return [`${starts}: if those that failed are left out, say \`labels: [survivor]\`, since results then flatter`];
}
