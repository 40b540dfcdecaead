import { exposureUnit } from '@macrograd/core';
import type { Headline, RunEstimate } from '@macrograd/pipeline';
import type { BillRecord, DriftRecord } from '@macrograd/store';
import pc from 'picocolors';
import { formatBytes, formatCount, formatDuration, formatNumber, formatTable } from './format.js';

/** Strongest exposures shown. */
const SHOWN_FINDINGS = 8;

/** A finished run on one screen. */
export function summaryText(headline: Headline): string {
  const { record } = headline;
  const { start, end } = record.span;
  const explained = record.horizon === 0 ? "explained given the factors' moves" : 'forecast';
  return [
    `${pc.bold(record.name)}  ${record.assets.length} assets, ${start} to ${end}, ${record.folds} folds out of sample`,
    '',
    `${pc.bold('Out of sample')}, against no exposure at all ${pc.dim(`(returns ${explained})`)}`,
    methodTable(headline),
    '',
    findingsText(headline),
    ...(record.checks.length > 0 ? ['', checksText(headline)] : []),
    ...driftLines(record.drift ?? []),
    ...(record.look_ahead_bill === undefined ? [] : ['', billText(record.look_ahead_bill)]),
    ...(record.warnings.length > 0 ? ['', warningsText(headline)] : []),
  ].join('\n');
}

function methodTable({ methods }: Headline): string {
  const rows = methods.map(({ method, medianR2, pooledR2, medianHedge, shareWon }) => [
    method === 'chosen' ? pc.bold(method) : method,
    coloured(100 * medianR2, 1),
    coloured(100 * pooledR2, 1),
    coloured(100 * medianHedge, 1),
    Number.isNaN(shareWon) ? '' : `${formatNumber(100 * shareWon, 0)} %`,
  ]);
  const head = ['method', 'R² median %', 'R² pooled %', 'variance hedged %', 'in the mix'].map(pc.dim);
  return formatTable([head, ...rows], ['left', 'right', 'right', 'right', 'right']);
}

function findingsText({ strongest, selected, screened, record }: Headline): string {
  const q = record.screening_level;
  if (selected === 0) {
    return `${pc.bold('Exposures')}: none of ${formatCount(screened)} is provable at a false-discovery rate of ${q}`;
  }
  const coverage = Math.round(100 * record.interval_coverage);
  const found = `${pc.bold('Exposures')}: ${formatCount(selected)} of ${formatCount(screened)} selected at a false-discovery rate of ${q}`;
  if (strongest.length === 0) {
    return `${found}; no mean exposure has a sure sign: every ${coverage} % interval holds 0`;
  }
  const rows = strongest.slice(0, SHOWN_FINDINGS).map((finding) => {
    const { asset, factor, unit, method, unitExposure, exposure, lo, hi, qValue } = finding;
    // unitExposure / exposure = 1 / SD of the factor
    const percent = (value: number) => formatNumber((100 * value * unitExposure) / exposure, 2);
    return [
      asset,
      factor,
      coloured(100 * unitExposure, 2),
      pc.dim(`${percent(lo)} to ${percent(hi)}`),
      pc.dim(exposureUnit(unit)),
      qValue < 0.0005 ? '<.001' : formatNumber(qValue, 3),
      pc.dim(method),
    ];
  });
  const head = ['asset', 'factor', 'exposure', `${coverage} % interval`, '', 'q', 'method'].map(pc.dim);
  return [
    `${found}; the surest of each factor`,
    formatTable([head, ...rows], ['left', 'left', 'right', 'right', 'left', 'right', 'left']),
  ].join('\n');
}

function checksText({ record }: Headline): string {
  const rows = record.checks.map(({ name, expected, measured, tolerance, unit, passed }) => [
    passed ? pc.green('ok') : pc.red('missed'),
    name,
    formatNumber(100 * measured, 2),
    pc.dim(`expected ${formatNumber(100 * expected, 2)} ± ${formatNumber(100 * tolerance, 2)}`),
    pc.dim(unit.replace('decimal return', '%')),
  ]);
  return [pc.bold('Known truths'), formatTable(rows, ['left', 'left', 'right', 'left', 'left'])].join('\n');
}

/** How far exposures move from one refit to the next, and with another seed; all pairs together. */
function driftLines(records: readonly DriftRecord[]): string[] {
  const rows = records
    .filter(({ to }) => to === 'all')
    .map(({ method, kind, outside, change }) => [
      method,
      kind === 'refit' ? 'from fold to fold' : 'with another seed',
      `${formatNumber(100 * outside, 0)} %`,
      formatNumber(change, 2),
    ]);
  if (rows.length === 0) return [];
  const head = ['method', 'fitted anew', 'out of interval', 'change / SE'].map(pc.dim);
  return [
    '',
    `${pc.bold('Drift')} of exposures between two fits, read at the same date`,
    formatTable([head, ...rows], ['left', 'left', 'right', 'right']),
  ];
}

/** What looking ahead would have earned. */
function billText({ methods, horizon }: BillRecord): string {
  const percent = (value: number | null) => (value === null ? '' : formatNumber(100 * value, 1));
  const rows = methods.map(({ method, revised, lagged, real_time, total }) => [
    method === 'chosen' ? pc.bold(method) : method,
    ...[revised, lagged, real_time].map(percent),
    total === null ? '' : pc.bold(percent(total)),
  ]);
  const head = ['method', 'revised %', 'revised, lagged %', 'as known %', 'looking ahead'].map(pc.dim);
  const ahead = horizon === 1 ? 'the period ahead' : `${horizon} periods ahead`;
  return [
    `${pc.bold('Look-ahead bill')}, pooled R² of forecasts of ${ahead} on today's figures and on what was known`,
    formatTable([head, ...rows], ['left', 'right', 'right', 'right', 'right']),
  ].join('\n');
}

function warningsText({ record }: Headline): string {
  return [pc.bold('Warnings'), ...record.warnings.map((warning) => `  ${pc.yellow('!')} ${warning}`)].join('\n');
}

function coloured(value: number, decimals: number): string {
  const text = formatNumber(value, decimals);
  if (Number.isNaN(value) || Number(value.toFixed(decimals)) === 0) return pc.dim(text);
  return value > 0 ? pc.green(text) : pc.red(text);
}

/** What a job would cost. */
export function planText(estimate: RunEstimate): string {
  const { rows, assets, factors, folds, fits, exposureRows, seconds, bytes, threads, reused } = estimate;
  return [
    `${pc.bold('Plan')}  ${formatCount(rows)} rows, ${formatCount(assets)} assets, ${factors} factors, ${folds} folds`,
    `  fits            ${formatCount(fits)}, ${threads} at a time`,
    `  exposure rows   ${formatCount(exposureRows)}, about ${formatBytes(bytes)} on disk`,
    `  time            about ${formatDuration(seconds)}`,
    ...(reused ? ['  the result is there already: a run would use it'] : []),
  ].join('\n');
}
