import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { InputError } from '@macrograd/core';
import type { RecoveryRow, RecoverySummary, RecoveryTableOptions } from '@macrograd/evaluation';
import pc from 'picocolors';
import { exitCodes } from '../exit.js';
import { formatNumber, formatTable } from '../format.js';
import type { Session } from '../session.js';

/** Scores methods on several processes and histories; with a file, what it holds is not run again. */
export async function recoveryTable(session: Session, options: RecoveryTableOptions, file?: string): Promise<number> {
  const { runRecoveryTable, summariseRecovery } = await import('@macrograd/evaluation');
  const kept = file === undefined ? {} : { known: readRows(file), onRow: (row: RecoveryRow) => keep(file, row) };
  const rows = await runRecoveryTable({
    ...options,
    ...kept,
    signal: session.signal,
    onProgress: session.progress().update,
  });
  const summaries = summariseRecovery(rows);
  session.result(tableText(summaries), { rows, summaries });
  return exitCodes.done;
}

/** One JSON object a line; a last line that an interrupt cut off is left out. */
function readRows(file: string): RecoveryRow[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  const complete = lines.slice(0, -1).filter((line) => line.trim() !== '');
  return complete.map((line, at): RecoveryRow => {
    try {
      // JSON has no NaN: it was written as null.
      return JSON.parse(line, (_, value: unknown) => value ?? Number.NaN) as RecoveryRow;
    } catch {
      throw new InputError('not a score of "macrograd simulate"', {
        place: { file, line: at + 1 },
        remedy: 'give the file of an earlier --resume, or a new one',
      });
    }
  });
}

function keep(file: string, row: RecoveryRow): void {
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** Methods down, processes across: mean score, SD over histories, and the correlation within assets where there is one. */
function tableText(summaries: readonly RecoverySummary[]): string {
  const processes = [...new Set(summaries.map(({ process }) => process))];
  const methods = [...new Set(summaries.map(({ method }) => method))];
  const best = new Map(
    processes.map((process) => [
      process,
      Math.min(...summaries.filter((own) => own.process === process).map(({ score }) => score)),
    ]),
  );
  const cell = (own: RecoverySummary | undefined) => {
    if (!own) return '';
    const score = formatNumber(own.score, 2);
    const spread = Number.isNaN(own.spread) ? '' : pc.dim(` ±${formatNumber(own.spread, 2)}`);
    const within = Number.isNaN(own.withinCorrelation) ? '' : pc.dim(` w${formatNumber(own.withinCorrelation, 2)}`);
    return `${own.score === best.get(own.process) ? pc.green(score) : score}${spread}${within}`;
  };
  const lines = methods.map((method) => [
    method,
    ...processes.map((process) => cell(summaries.find((own) => own.process === process && own.method === method))),
  ]);
  const [{ histories }] = summaries;
  return [
    formatTable(
      [['method', ...processes].map((name) => pc.dim(name)), ...lines],
      ['left', ...processes.map(() => 'right' as const)],
    ),
    pc.dim(
      `  RMSE over the SD of the true exposures: mean and SD over ${histories} histories; w: correlation over time within assets`,
    ),
  ].join('\n');
}
