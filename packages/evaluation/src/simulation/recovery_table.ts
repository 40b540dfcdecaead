import type { MethodId } from '@macrograd/core';
import type { ProcessId } from './processes.js';
import { type RecoveryOptions, type RecoveryRow, runRecovery } from './recovery.js';

/** What a table of recovery scores runs over. */
export interface RecoveryTableOptions extends Omit<RecoveryOptions, 'process' | 'seed'> {
  readonly processes: readonly ProcessId[];
  /** One macro history and universe each. */
  readonly seeds: readonly number[];
  /** Rows of an earlier, interrupted run: what they hold is not run again. */
  readonly known?: readonly RecoveryRow[];
  /** Called with every new row, so that it can be kept. */
  readonly onRow?: (row: RecoveryRow) => void;
}

/** Recovery of one method on one process over several histories. */
export interface RecoverySummary {
  readonly process: ProcessId;
  readonly method: MethodId;
  readonly histories: number;
  /** Mean over histories of the score, and its SD over them (divisor n - 1; NaN of one). */
  readonly score: number;
  readonly spread: number;
  readonly withinCorrelation: number;
  readonly coverage: number;
}

/**
 * Scores every estimator on every process and seed, one fit after another; rows that are known already are handed back
 * as they are.
 *
 * @example
 * const rows = await runRecoveryTable({ processes: ['const', 'lags'], seeds: [1, 2, 3], estimators: [olsEstimator()] });
 * summariseRecovery(rows)[0].score; // mean over the three histories
 */
export async function runRecoveryTable(options: RecoveryTableOptions): Promise<RecoveryRow[]> {
  const { processes, seeds, estimators, known = [], onRow, onProgress, ...world } = options;
  const done = new Map(known.map((row) => [keyOf(row), row]));
  const tasks = processes.flatMap((process) =>
    seeds.flatMap((seed) => estimators.map((estimator) => ({ process, seed, estimator }))),
  );
  const rows: RecoveryRow[] = [];
  for (const [at, { process, seed, estimator }] of tasks.entries()) {
    onProgress?.(at / tasks.length, `${process}, seed ${seed}: ${estimator.method}`);
    const old = done.get(keyOf({ process, seed, method: estimator.method, ...sizes(world) }));
    if (old) {
      rows.push(old);
      continue;
    }
    const [row] = await runRecovery({ ...world, process, seed, estimators: [estimator] });
    onRow?.(row);
    rows.push(row);
  }
  onProgress?.(1, 'done');
  return rows;
}

/** Means over histories, by process and method in the order of the rows. */
export function summariseRecovery(rows: readonly RecoveryRow[]): RecoverySummary[] {
  const groups = new Map<string, RecoveryRow[]>();
  for (const row of rows) {
    const key = `${row.process}/${row.method}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((own) => {
    const mean = (of: (row: RecoveryRow) => number) => {
      const values = own.map(of).filter((value) => Number.isFinite(value));
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const score = mean((row) => row.score);
    const squares = own.reduce((sum, row) => sum + (row.score - score) ** 2, 0);
    return {
      process: own[0].process,
      method: own[0].method,
      histories: own.length,
      score,
      spread: own.length > 1 ? Math.sqrt(squares / (own.length - 1)) : Number.NaN,
      withinCorrelation: mean((row) => row.withinCorrelation),
      coverage: mean((row) => row.coverage),
    };
  });
}

type Sizes = Pick<RecoveryOptions, 'months' | 'assets' | 'r2'>;

function sizes({ months = 600, assets = 200, r2 = 0.3 }: Sizes) {
  return { months, assets, r2 };
}

/** Rows of other sizes than those asked for are other rows. */
function keyOf(row: Pick<RecoveryRow, 'process' | 'seed' | 'method' | 'months' | 'assets' | 'r2'>): string {
  return [row.process, row.seed, row.method, row.months, row.assets, row.r2].join('/');
}
