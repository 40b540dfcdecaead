import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QuickVerdict, StudyCell, StudyRow, StudySummary } from '@macrograd/evaluation';
import { InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { exitCodes } from '../exit.js';
import { formatNumber, formatTable } from '../format.js';
import type { Session } from '../session.js';

/** Share `index` of `count` of a study's worlds, from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** What {@link runStudy} does. */
export interface StudyRun {
  /** Where each finished world is kept, one line of JSON a world. */
  readonly dir: string;
  readonly shard?: Shard;
}

/** Reads `1/4` as the first of four shares. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index) - 1, count: Number(count) };
  if (!(shard.index >= 0 && shard.index < shard.count)) throw new InvalidArgumentError('Give a share such as 1/4.');
  return shard;
}

/**
 * The quick form: one small world a process, held against what the LSTM reaches on such worlds. Nothing is kept, since an
 * earlier build's worlds say nothing of this one.
 */
export async function runQuickStudy(session: Session): Promise<number> {
  const { judgeQuickStudy, QUICK_METHODS, quickCells, runStudyCell, summariseStudy } = await import(
    '@macrograd/evaluation'
  );
  const cells = quickCells();
  const progress = session.progress();
  const rows: StudyRow[] = [];
  for (const [i, cell] of cells.entries()) {
    progress.update(i / cells.length, cell.process);
    rows.push(...(await runStudyCell(cell, { methods: QUICK_METHODS, signal: session.signal })));
  }
  const verdicts = judgeQuickStudy(rows);
  const summaries = summariseStudy(rows);
  const foot = `${rows.length} fits on one history that was looked at before: a check of this build, no evidence`;
  session.result([studyText(summaries, foot), verdictText(verdicts)].join('\n\n'), { summaries, rows, verdicts });
  return verdicts.every(({ passed }) => passed) ? exitCodes.done : exitCodes.failed;
}

/** Limits of every process, and whether they were kept. */
function verdictText(verdicts: readonly QuickVerdict[]): string {
  const lines = verdicts.map(({ process, ratio, most, coverage, least, greatest, passed }) => [
    passed ? pc.green('ok') : pc.red('failed'),
    process,
    formatNumber(ratio, 2),
    pc.dim(`at most ${formatNumber(most, 2)}`),
    formatNumber(coverage, 2),
    pc.dim(`${formatNumber(least, 2)} to ${formatNumber(greatest, 2)}`),
  ]);
  const head = ['', 'process', '/oracle', 'limit', 'covered', 'limits'].map(pc.dim);
  return [pc.bold('Limits'), formatTable([head, ...lines], ['left', 'left', 'right', 'left', 'right', 'left'])].join(
    '\n',
  );
}

/** Runs what is left of the full study, keeps every world as it is done, and prints the table of all that is there. */
export async function runStudy(session: Session, { dir, shard }: StudyRun): Promise<number> {
  const { runStudyCell, studyCells, summariseStudy, isNewSeed } = await import('@macrograd/evaluation');
  mkdirSync(dir, { recursive: true });
  const { index, count } = shard ?? { index: 0, count: 1 };
  const mine = studyCells().filter((_, i) => i % count === index);
  const done = readRows(dir);
  const keys = new Set([...done.values()].map(([row]) => keyOf(row)));
  const left = mine.filter((cell) => !keys.has(keyOf(cell)));
  if (left.length < mine.length) session.note(`${mine.length - left.length} of ${mine.length} worlds are there`);
  const progress = session.progress();
  for (const [i, cell] of left.entries()) {
    progress.update(i / left.length, `${cell.process}, seed ${cell.seed}, R2 ${cell.r2}, ${cell.months} rows`);
    const rows = await runStudyCell(cell, { signal: session.signal });
    appendFileSync(join(dir, `cells-${index + 1}-of-${count}.jsonl`), `${JSON.stringify(rows)}\n`);
  }
  const rows = readRows(dir).flat();
  const unseen = rows.filter(({ seed }) => isNewSeed(seed));
  const summaries = summariseStudy(unseen);
  const foot = `${unseen.length} fits on histories that nothing was tuned on`;
  session.result(studyText(summaries, foot), { summaries, rows });
  return exitCodes.done;
}

/** The rows of every finished world in a directory; a line that an interrupt cut short counts as not done. */
function readRows(dir: string): StudyRow[][] {
  if (!existsSync(dir)) return [];
  const files = readdirSync(dir).filter((name) => /^cells-.*\.jsonl$/.test(name));
  return files.flatMap((name) =>
    readFileSync(join(dir, name), 'utf8')
      .split('\n')
      .flatMap((line): StudyRow[][] => {
        try {
          // Not a number is null in JSON.
          const revive = (_: string, value: unknown) => (value === null ? Number.NaN : value);
          return line === '' ? [] : [JSON.parse(line, revive) as StudyRow[]];
        } catch {
          return [];
        }
      }),
  );
}

function keyOf({ process, seed, r2, months, assets }: StudyCell): string {
  return [process, seed, r2, months, assets].join();
}

/** One table a size: error of every method by process, and how the LSTM's compares with the oracle's. */
function studyText(summaries: readonly StudySummary[], what: string): string {
  const sizes = [...new Set(summaries.map(({ r2, months }) => `R² ${r2}, ${months} rows`))];
  const methods = [...new Set(summaries.map(({ method }) => method))];
  const tables = sizes.map((size) => {
    const here = summaries.filter(({ r2, months }) => `R² ${r2}, ${months} rows` === size);
    const processes = [...new Set(here.map(({ process }) => process))];
    const lines = processes.map((process) => {
      const of = (method: string) => here.find((own) => own.process === process && own.method === method);
      const lstm = of('lstm_kalman');
      const oracle = of('oracle');
      return [
        process,
        ...methods.map((method) => formatNumber(of(method)?.score ?? Number.NaN, 2)),
        formatNumber(lstm && oracle ? lstm.score / oracle.score : Number.NaN, 2),
        formatNumber(lstm?.withinCorrelation ?? Number.NaN, 2),
        formatNumber(lstm?.coverage ?? Number.NaN, 2),
        String(lstm?.count ?? 0),
      ];
    });
    const head = ['process', ...methods, '/oracle', 'within', 'covered', 'histories'].map(pc.dim);
    return [
      pc.bold(size),
      formatTable(
        [head, ...lines],
        head.map((_, i) => (i === 0 ? 'left' : 'right')),
      ),
    ].join('\n');
  });
  const foot = [
    `  ${what}; error: RMSE over the SD of the true exposures, geometric mean`,
    '  /oracle, within, covered: of lstm_kalman, the LSTM whose heads use returns to date',
  ];
  return [...tables, ...foot.map(pc.dim)].join('\n');
}
