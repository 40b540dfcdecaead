import type { ProcessId } from './processes.js';
import type { StudyRow } from './study.js';

/** What the LSTM with Kalman heads did in one world of the quick study, or in all of them, beside its limits. */
export interface QuickVerdict {
  readonly process: ProcessId | 'all';
  /** Its error over the oracle's, geometric mean of all; NaN where either is missing. */
  readonly ratio: number;
  readonly most: number;
  /** Share of true exposures in the 90 % interval. */
  readonly coverage: number;
  readonly least: number;
  readonly greatest: number;
  readonly passed: boolean;
}

/** Largest error over the oracle's, and least and greatest coverage. */
type Limits = readonly [most: number, least: number, greatest: number];

/**
 * Mean and three SDs over histories 1 to 4 at the quick form's size, coverage at most .99 and its range never narrower than
 * the aim of .87 to .93 (`node tools/science/quick-limits.mjs`; docs/methods/evaluation.md). The history judged is one of
 * them, fits repeat to the bit on one instruction set and differ by rounding between them: what leaves these limits is a
 * change of the method. The threshold's are loose, because two of the histories hardly saw the regime in training, those of
 * drawdown and uncertainty because 280 months show few turns of either.
 */
const LIMITS: Readonly<Record<ProcessId, Limits>> = {
  const: [0.93, 0.87, 0.98],
  random_walk: [1.19, 0.67, 0.99],
  threshold: [4.87, 0.79, 0.99],
  lags: [1.36, 0.74, 0.99],
  interaction: [1.05, 0.87, 0.99],
  mixed: [1.58, 0.83, 0.99],
  path: [2.7, 0.48, 0.99],
  market: [1.53, 0.87, 0.99],
  drawdown: [3.12, 0.35, 0.99],
  uncertainty: [2.42, 0.37, 0.93],
};

/** The same of all processes together, which single hard histories move less. */
const ALL_LIMITS: Limits = [1.43, 0.77, 0.93];

/** Holds a quick study against its limits: a verdict a process and one of all, failed where a row is missing or no number. */
export function judgeQuickStudy(rows: readonly StudyRow[]): QuickVerdict[] {
  const verdicts = (Object.entries(LIMITS) as [ProcessId, Limits][]).map(([process, limits]) => {
    const of = (method: string) => rows.find((row) => row.process === process && row.method === method);
    const lstm = of('lstm_kalman');
    const ratio = (lstm?.score ?? Number.NaN) / (of('oracle')?.score ?? Number.NaN);
    return verdict(process, ratio, lstm?.coverage ?? Number.NaN, limits);
  });
  const mean = (of: (own: QuickVerdict) => number) => verdicts.reduce((sum, own) => sum + of(own), 0) / verdicts.length;
  const ratio = Math.exp(mean((own) => Math.log(own.ratio)));
  return [
    ...verdicts,
    verdict(
      'all',
      ratio,
      mean((own) => own.coverage),
      ALL_LIMITS,
    ),
  ];
}

function verdict(
  process: QuickVerdict['process'],
  ratio: number,
  coverage: number,
  [most, least, greatest]: Limits,
): QuickVerdict {
  // Written so that NaN fails.
  const passed = ratio <= most && coverage >= least && coverage <= greatest;
  return { process, ratio, most, coverage, least, greatest, passed };
}
