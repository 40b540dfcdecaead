import { existsSync } from 'node:fs';
import { type RunRecord, readRunRecord, readTable, type TableData, tablePath } from '@macrograd/store';

/** Everything the report reads: the tables of one result directory and its run.json. */
export interface RunResult {
  readonly run: RunRecord;
  readonly exposures: TableData<'exposures'>;
  readonly lags: TableData<'lags'>;
  readonly summary: TableData<'summary'>;
  readonly evaluation: TableData<'evaluation'>;
  /** Absent in results of versions before it. */
  readonly diagnostics?: TableData<'diagnostics'>;
  readonly chosen: TableData<'chosen'>;
  readonly factors: TableData<'factors'>;
}

/** Reads a result directory, finished or still under its temporary name. */
export async function readResult(dir: string): Promise<RunResult> {
  const run = readRunRecord(dir);
  const [exposures, lags, summary, evaluation, chosen, factors] = await Promise.all([
    readTable(dir, 'exposures'),
    readTable(dir, 'lags'),
    readTable(dir, 'summary'),
    readTable(dir, 'evaluation'),
    readTable(dir, 'chosen'),
    readTable(dir, 'factors'),
  ]);
  const file = tablePath(dir, 'diagnostics');
  const diagnostics = existsSync(file) ? await readTable(dir, 'diagnostics') : undefined;
  return { run, ...(diagnostics && { diagnostics }), exposures, lags, summary, evaluation, chosen, factors };
}
