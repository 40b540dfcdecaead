import { type RunRecord, readRunRecord, readTable, stringAt, type TableData } from '@macrograd/store';
import type { TableMethod } from './tables/exposure-layout.js';
import { UNIVERSE } from './tables/results.js';

/** How one method did out of sample. */
export interface MethodHeadline {
  readonly method: TableMethod;
  /** Median over assets of 1 - SSE / SSE of the training mean, over all folds. */
  readonly medianR2: number;
  /** Over all assets together. */
  readonly pooledR2: number;
  /** Median over assets. */
  readonly medianHedge: number;
  /** Mean over assets of the method's weight in the mix of the fit on the whole span; NaN for `chosen`. */
  readonly shareWon: number;
}

/** An exposure that passed the false-discovery control. */
export interface Finding {
  readonly asset: string;
  readonly factor: string;
  readonly unit: string;
  /** The method that it comes from. */
  readonly method: string;
  /** Decimal return per one unit of the factor. */
  readonly unitExposure: number;
  /** Decimal return per one training SD of the factor, with its interval. */
  readonly exposure: number;
  readonly lo: number;
  readonly hi: number;
  readonly qValue: number;
}

/** What a finished run says in one screen. */
export interface Headline {
  readonly record: RunRecord;
  readonly methods: readonly MethodHeadline[];
  /** Number of selected exposures of the chosen mix, and the number looked at. */
  readonly selected: number;
  readonly screened: number;
  /** The selected exposures with the largest size in their standard errors, one a factor. */
  readonly strongest: readonly Finding[];
}

/** Reads a result directory's headline. */
export async function readHeadline(dir: string): Promise<Headline> {
  const record = readRunRecord(dir);
  const [evaluation, summary, chosen, factors] = await Promise.all([
    readTable(dir, 'evaluation'),
    readTable(dir, 'summary'),
    readTable(dir, 'chosen'),
    readTable(dir, 'factors'),
  ]);
  const findings = findingsOf(summary, chosen, factors);
  return {
    record,
    methods: methodsOf(evaluation, chosen),
    selected: findings.length,
    screened: rowsWhere(summary.rows, (row) => stringAt(summary.columns.method, row) === 'chosen').length,
    // A test may reject where the mean over dates has no sure sign: such a line would puzzle.
    strongest: onePerFactor(findings.filter(({ lo, hi }) => lo * hi > 0)),
  };
}

function methodsOf({ rows, columns }: TableData<'evaluation'>, chosen: TableData<'chosen'>): MethodHeadline[] {
  const whole = rowsWhere(rows, (row) => stringAt(columns.fold, row) === 'all');
  const methods = [...new Set(whole.map((row) => stringAt(columns.method, row) as TableMethod))];
  return methods.map((method) => {
    const mine = whole.filter((row) => stringAt(columns.method, row) === method);
    const assets = mine.filter((row) => stringAt(columns.asset, row) !== UNIVERSE);
    const universe = mine.find((row) => stringAt(columns.asset, row) === UNIVERSE)!;
    return {
      method,
      medianR2: median(assets.map((row) => columns.r2_oos[row])),
      pooledR2: columns.r2_oos[universe],
      medianHedge: median(assets.map((row) => columns.hedge_variance_reduction[row])),
      shareWon: method === 'chosen' ? Number.NaN : shareWon(chosen, method),
    };
  });
}

function shareWon({ rows, columns }: TableData<'chosen'>, method: string): number {
  const finals = rowsWhere(rows, (row) => stringAt(columns.fit, row) === 'final');
  const weightOf = (of: readonly number[]) => of.reduce((sum, row) => sum + columns.weight[row], 0);
  return weightOf(finals.filter((row) => stringAt(columns.method, row) === method)) / weightOf(finals);
}

function findingsOf(
  { rows, columns }: TableData<'summary'>,
  chosen: TableData<'chosen'>,
  factors: TableData<'factors'>,
): Finding[] {
  const units = new Map(
    Array.from({ length: factors.rows }, (_, row) => [
      stringAt(factors.columns.factor, row),
      stringAt(factors.columns.unit, row) ?? '',
    ]),
  );
  // The heaviest that claims an exposure, as in the summary.
  const claims = rowsWhere(
    chosen.rows,
    (row) => stringAt(chosen.columns.fit, row) === 'final' && stringAt(chosen.columns.method, row) !== 'zero',
  ).sort((a, b) => chosen.columns.weight[a] - chosen.columns.weight[b]);
  const origin = new Map(
    claims.map((row) => [stringAt(chosen.columns.asset, row), stringAt(chosen.columns.method, row) ?? '']),
  );
  const selected = rowsWhere(rows, (row) => stringAt(columns.method, row) === 'chosen' && columns.selected[row] === 1);
  const findings = selected.map((row) => {
    const asset = stringAt(columns.asset, row) ?? '';
    const factor = stringAt(columns.factor, row) ?? '';
    return {
      asset,
      factor,
      unit: units.get(factor) ?? '',
      method: origin.get(asset) ?? '',
      unitExposure: columns.unit_exposure[row],
      exposure: columns.mean_exposure[row],
      lo: columns.lo[row],
      hi: columns.hi[row],
      qValue: columns.q_value[row],
    };
  });
  return findings.sort((a, b) => sizeInErrors(b) - sizeInErrors(a));
}

/** Up to a constant, the exposure over its standard error. */
function sizeInErrors({ exposure, lo, hi }: Finding): number {
  return Math.abs(exposure) / (hi - lo);
}

function onePerFactor(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ factor }) => !seen.has(factor) && seen.add(factor));
}

function rowsWhere(rows: number, holds: (row: number) => boolean): number[] {
  return Array.from({ length: rows }, (_, row) => row).filter(holds);
}

function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
