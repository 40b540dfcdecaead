import { type Fitted, formatIsoDate, type MethodId, type Panel } from '@macrograd/core';
import type { Fold } from '@macrograd/evaluation';
import { BARELY_SEEN_SHARE, benjaminiHochberg, monitorExposures, regimeShare, type Screen } from '@macrograd/exposure';
import type { RunConfig } from '../config/config.js';
import type { ScoreRow } from '../tables/results.js';

/** What to know about the data before believing any number made from them. */
export function dataWarnings(config: RunConfig, panel: Panel): string[] {
  return [...sourceNotes(config), ...labelled(panel), ...partlyObserved(panel), ...rareState(panel)];
}

function sourceNotes({ raw }: RunConfig): string[] {
  return [...raw.factors, ...raw.assets].flatMap(({ file, note }) => (note === undefined ? [] : `${file}: ${note}`));
}

function labelled({ assets }: Panel): string[] {
  const survivors = assets.filter(({ labels }) => labels.includes('survivor'));
  if (survivors.length === 0) return [];
  return [
    `${count(survivors.length, 'asset')} (${some(survivors.map(({ name }) => name))}) were picked knowing that they survived: averages over them flatter`,
  ];
}

/** Series that start after the span's first date or end before its last; those alike on one line. */
function partlyObserved({ inputs, axis }: Panel): string[] {
  const { dates } = axis;
  const columns = inputs.factors.length;
  const groups = new Map<string, string[]>();
  inputs.factors.forEach(({ name }, column) => {
    const seen = Array.from(dates.keys()).filter((row) => !Number.isNaN(inputs.values[row * columns + column]));
    const extent = extentText(dates, seen);
    if (extent !== undefined) groups.set(extent, [...(groups.get(extent) ?? []), name]);
  });
  const span = `${formatIsoDate(dates[0])} to ${formatIsoDate(dates[dates.length - 1])}`;
  return [...groups].map(
    ([extent, names]) =>
      `${names.join(', ')}: observed ${extent} only, of a span from ${span}; no exposure elsewhere, and a mean value enters`,
  );
}

/** The part of the dates that a series covers; undefined for all of them. */
function extentText(dates: Int32Array, seen: readonly number[]): string | undefined {
  if (seen.length === 0) return 'nowhere';
  const [first, last] = [seen[0], seen[seen.length - 1]];
  // The one row that a difference costs is not worth a line.
  const from = first > 1 ? `from ${formatIsoDate(dates[first])}` : '';
  const to = last < dates.length - 1 ? `to ${formatIsoDate(dates[last])}` : '';
  return [from, to].filter(Boolean).join(' ') || undefined;
}

function rareState({ inputs, axis }: Panel): string[] {
  const rows = axis.dates.length;
  const { share, variable } = regimeShare(inputs, { start: 0, end: rows }, rows - 1);
  if (variable === undefined || !(share < BARELY_SEEN_SHARE)) return [];
  return [
    `today's ${variable} was seen in ${percent(share)} of the periods only: exposures that depend on it are uncertain`,
  ];
}

/** Fits that went wrong, by method and reason. */
export function statusWarnings(panel: Panel, finals: ReadonlyMap<MethodId, Fitted>): string[] {
  return [...finals].flatMap(([method, { diagnostics }]) => {
    const groups = new Map<string, string[]>();
    diagnostics.status.forEach(({ status, remedy }, asset) => {
      if (status === 'ok') return;
      const reason = `${status.replaceAll('_', ' ')}${remedy ? `; ${remedy}` : ''}`;
      groups.set(reason, [...(groups.get(reason) ?? []), panel.assets[asset].name]);
    });
    return [...groups].map(([reason, names]) => `${method} on ${some(names)}: ${reason}`);
  });
}

/** Exposures that provably changed at some date, so that the past speaks less of today. */
export function breakWarnings(
  { axis, assets }: Panel,
  { breakPValue, breakRow, factors }: Screen,
  level: number,
): string[] {
  const { selected, count: found } = benjaminiHochberg(breakPValue, level);
  if (found === 0) return [];
  const names = Array.from(selected.keys())
    .filter((cell) => selected[cell] === 1)
    .sort((a, b) => breakPValue[a] - breakPValue[b])
    .map((cell) => {
      const [asset, factor] = [Math.floor(cell / factors.length), cell % factors.length];
      return `${assets[asset].name} on ${factors[factor].name} (${formatIsoDate(axis.dates[breakRow[cell]]).slice(0, 7)})`;
    });
  return [
    `${count(found, 'linear exposure')} changed at some date, most surely ${some(names)}: the past says less of them`,
  ];
}

/** Linear exposures that left, in the last fold and row by row as it came, what the rows before it had shown. */
export function alarmWarnings(panel: Panel, folds: readonly Fold[], level: number): string[] {
  const last = folds[folds.length - 1];
  const { row } = monitorExposures(panel, last.train, last.test, { level });
  const factors = panel.inputs.factors.filter(({ role }) => role === 'factor');
  const alarms = Array.from(row.keys())
    .filter((cell) => row[cell] >= 0)
    .map((cell) => {
      const [asset, factor] = [Math.floor(cell / factors.length), cell % factors.length];
      const since = formatIsoDate(panel.axis.dates[row[cell]]).slice(0, 7);
      return `${panel.assets[asset].name} on ${factors[factor].name} (${since})`;
    });
  if (alarms.length === 0) return [];
  return [
    `alarm: ${count(alarms.length, 'linear exposure')} left in the last fold what was known before it, ${some(alarms)}; a false alarm over all pairs has the probability ${level}`,
  ];
}

/** Intervals that say less than they seem to: of networks whose heads are trained with them. */
export function intervalWarnings({ methods, lstm: { mode, heads, members } }: RunConfig): string[] {
  if (!methods.includes('lstm') || (mode === 'pooled' && heads !== 'learned')) return [];
  const what = mode === 'per_asset' ? 'a network for every asset' : 'the LSTM with learned heads';
  if (members === 1) return [`${what} has no intervals with one member`];
  return [
    `intervals of ${what} are the spread of its ${members} members alone, which holds the truth less often than it says`,
  ];
}

/** Methods that did worse out of sample than no exposure at all. */
export function scoreWarnings(rows: readonly ScoreRow[]): string[] {
  const pooled = rows.filter(({ asset, fold, method }) => asset === 'all' && fold === 'all' && method !== 'zero');
  const lost = pooled.filter(({ r2Oos }) => r2Oos < 0);
  if (lost.length === 0) return [];
  const list = lost.map(({ method, r2Oos }) => `${method} (${percent(r2Oos)})`).join(', ');
  return [`out of sample ${list} explained less than no exposure at all, pooled over assets`];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1).replace('-', '−')} %`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function some(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
