import { exposureUnit } from '@macrograd/core';
import type { Findings, PairFinding } from '@macrograd/pipeline';
import type { Command } from 'commander';
import pc from 'picocolors';
import { exitCodes } from './exit.js';
import { formatNumber } from './format.js';
import type { CommonOptions, Session } from './session.js';
import { wholeNumber } from './verbs/options.js';

/** Options of the verbs that read one question's answer from a finished run. */
export interface FindingsOptions extends CommonOptions {
  readonly method?: string;
  readonly asset?: string;
  readonly factor?: string;
  readonly limit: number;
  readonly all?: boolean;
}

/** Adds the options that choose pairs of one method of a run. */
export function findingsOptions(command: Command): Command {
  return pairOptions(command).option('--method <name>', 'method whose numbers to show', 'chosen');
}

/** Adds the options that choose pairs of a run. */
export function pairOptions(command: Command): Command {
  return command
    .argument('<dir>', 'directory that a run wrote')
    .option('--asset <name>', 'this asset only')
    .option('--factor <name>', 'this factor only')
    .option('--limit <n>', 'most lines to print', wholeNumber(1), 40)
    .option('--all', 'also what is not provable');
}

/** Lines of a run, and the run that they come from. */
interface Answers<T> {
  readonly record: Findings['record'];
  readonly pairs: readonly T[];
}

/** How a verb answers its question. */
export interface Question<T> {
  readonly read: (dir: string, options: FindingsOptions) => Promise<Answers<T>>;
  /** Whether a pair belongs to the answer, and not only to `--all`. */
  readonly proven: (pair: T) => boolean;
  /** Pairs that `--all` adds; default every one. */
  readonly tested?: (pair: T) => boolean;
  /** Ascending order of lines. */
  readonly order: (pair: T) => number;
  /** The sentence above the lines. */
  readonly title: (count: number, answers: Answers<T>) => string;
  readonly text: (pairs: readonly T[], answers: Answers<T>) => string;
}

/** Reads the findings of a method. */
export async function readPairs(dir: string, options: FindingsOptions): Promise<Findings> {
  const { readFindings } = await import('@macrograd/pipeline');
  return readFindings(dir, options);
}

/** Answers a question from a run's tables. */
export async function answer<T>(session: Session, dir: string, options: FindingsOptions, question: Question<T>) {
  const findings = await question.read(dir, options);
  const { proven, tested = () => true, order, title, text } = question;
  const answers = findings.pairs.filter(proven);
  const shown = (options.all ? findings.pairs.filter((pair) => tested(pair) || proven(pair)) : answers).toSorted(
    (a, b) => compare(order(a), order(b)),
  );
  const lines = shown.slice(0, options.limit);
  const rest = shown.length - lines.length;
  const { record } = findings;
  session.result(
    [
      `${pc.bold(record.name)}  ${title(answers.length, findings)}`,
      ...(lines.length > 0 ? ['', text(lines, findings)] : []),
      ...(rest > 0 ? ['', pc.dim(`${rest} more; --limit shows them`)] : []),
    ].join('\n'),
    {
      run: record.name,
      method: options.method,
      level: record.screening_level,
      interval_coverage: record.interval_coverage,
      horizon: record.horizon,
      timing: record.timing,
      screened: findings.pairs.length,
      proven: answers.length,
      pairs: shown,
    },
  );
  return exitCodes.done;
}

/** Missing values come last. */
function compare(a: number, b: number): number {
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || a - b;
}

/** Exposure per unit, interval and unit of a pair, three cells. */
export function exposureCells({ exposure, lo, hi, unit }: PairFinding): string[] {
  return [percent(exposure), pc.dim(interval(100 * lo, 100 * hi)), pc.dim(exposureUnit(unit))];
}

/** A decimal return in percent. */
export function percent(value: number): string {
  const text = formatNumber(100 * value, 2);
  return !Number.isFinite(value) || Number(text.replace('−', '-')) === 0 ? pc.dim(text) : text;
}

/** `1.20 to 3.40`; an end that is not known is a dash. */
export function interval(lo: number, hi: number): string {
  return `${formatNumber(lo, 2)} to ${formatNumber(hi, 2)}`;
}

/** A probability with three decimals, `<.001` below. */
export function probability(p: number): string {
  return p < 0.0005 ? '<.001' : formatNumber(p, 3);
}

/** What the dating of the numbers means: how far ahead the return lies, and which dates factors carry. */
export function timingNote({ record }: Findings): string {
  const ahead =
    record.horizon === 0 ? "returns of the factor's own period" : `returns over ${record.horizon} periods after`;
  const dated = record.timing === 'available' ? 'dated by when it was known' : 'dated by reference period';
  return `${ahead}, factors ${dated}`;
}
