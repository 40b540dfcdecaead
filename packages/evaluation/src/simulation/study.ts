import type { Estimator, Fitted } from '@macrograd/core';
import {
  distributedLagEstimator,
  kalmanEstimator,
  olsEstimator,
  splineEstimator,
  zeroEstimator,
} from '@macrograd/linear';
import { blendEstimator, lstmEstimator } from '@macrograd/model';
import { stackEstimator } from '../stack_estimator.js';
import { FACTOR_MEAN, INFLATION } from './macro_process.js';
import { oracleEstimator } from './oracle.js';
import type { ProcessId } from './processes.js';
import { type RecoveryScore, recoveryScore } from './recovery.js';
import { simulateWorld, type World } from './world.js';

/** One world of a study. */
export interface StudyCell {
  readonly process: ProcessId;
  readonly seed: number;
  readonly r2: number;
  /** Rows: months, weeks of the market-like world. */
  readonly months: number;
  readonly assets: number;
}

/**
 * Ways to estimate exposures in a study. `kalman` and `lstm_kalman` (and the oracle of coefficients that walk) read
 * returns up to each row, with everything else learned on the first 70 %; the others are frozen there. `components` is
 * the spline as it is by default, `spline` the one with a coefficient of every asset on every feature, `blend` the weighted
 * mean of `components` and `lstm_kalman`, its weight learned within the 70 %, and `stack` what a run serves: no exposure,
 * `ols`, `kalman`, `components` and `lstm_kalman` stacked per asset by forecasts within the 70 %, from fits frozen before each.
 */
export type StudyMethod = (typeof STUDY_METHODS)[number];

const STUDY_METHODS = [
  'ols',
  'kalman',
  'distributed_lag',
  'spline',
  'components',
  'lstm',
  'lstm_kalman',
  'blend',
  'stack',
  'oracle',
] as const;

/** How one method did on one world. */
export interface StudyRow extends StudyCell, RecoveryScore {
  readonly method: StudyMethod;
  /** Share of training months on the rarer side of the threshold in inflation; NaN where the process has none. */
  readonly regimeShare: number;
}

/** Share of rows to learn from; the rest is scored. */
const TRAIN_SHARE = 0.7;
const PROCESSES: readonly ProcessId[] = [
  'const',
  'random_walk',
  'threshold',
  'lags',
  'interaction',
  'mixed',
  'path',
  'market',
  'drawdown',
  'uncertainty',
];
/** Histories that were looked at while the methods were built, and histories that never were. */
const SEEN_SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
/** The one history of the quick form: a check of the build and no evidence, so that it may be one that was looked at. */
const QUICK_SEED = 1;
/** Methods of the quick form. */
export const QUICK_METHODS: readonly StudyMethod[] = ['ols', 'spline', 'lstm_kalman', 'oracle'];
const NEW_SEEDS = Array.from({ length: 20 }, (_, i) => 101 + i);
const FEW_SEEDS = NEW_SEEDS.slice(0, 4);
/** Inflation in % at which effects with a threshold turn. */
const TURNING_POINT = 5;
const THRESHOLD_PROCESSES: readonly ProcessId[] = ['threshold', 'mixed', 'path'];
/** Every scored coefficient walks, so that the oracle too goes on to read returns. */
const DRIFTING: readonly ProcessId[] = ['random_walk', 'market'];

/** The worlds that claims rest on. */
export function studyCells(): StudyCell[] {
  const rows = (process: ProcessId) => (process === 'market' ? 1000 : 600);
  const main = PROCESSES.flatMap((process) =>
    [...NEW_SEEDS, ...SEEN_SEEDS].map((seed) => cell(process, seed, 0.3, rows(process), 200)),
  );
  const others = PROCESSES.flatMap((process) =>
    FEW_SEEDS.flatMap((seed) => [
      ...[0.03, 0.1, 0.6].map((r2) => cell(process, seed, r2, rows(process), 200)),
      ...[240, 2500].map((months) => cell(process, seed, 0.3, months, 200)),
    ]),
  );
  return [...main, ...others];
}

/** One small world a process, of one history: a quick check that the build still does what it did. */
export function quickCells(seed = QUICK_SEED): StudyCell[] {
  return PROCESSES.map((process) => cell(process, seed, 0.3, 400, 100));
}

/** Whether the methods were built without a look at this history. */
export function isNewSeed(seed: number): boolean {
  return seed > 100;
}

export interface StudyCellOptions {
  /** Default all but `stack`, whose three early fits a method take half as much time again. */
  readonly methods?: readonly StudyMethod[];
  readonly signal?: AbortSignal;
  /** Of one LSTM fit; default all cores. */
  readonly threads?: number;
}

/** Fits every method on one world and scores its exposures on the last 30 % of the rows. */
export async function runStudyCell(cell: StudyCell, options: StudyCellOptions = {}): Promise<StudyRow[]> {
  const world = simulateWorld(cell);
  const rows = world.panel.axis.dates.length;
  const cut = Math.round(TRAIN_SHARE * rows);
  const stop = options.signal ? { signal: options.signal } : {};
  const out: StudyRow[] = [];
  const { methods = STUDY_METHODS.filter((method) => method !== 'stack') } = options;
  for (const { method, estimator, toDate } of methodsOf(world, cut, options.threads)) {
    if (!methods.includes(method)) continue;
    const span = { start: 0, end: toDate ? rows : cut };
    const fitted = await estimator.fit(world.panel, span, { seed: cell.seed, ...stop });
    const score = await recoveryScore(world, fitted, { start: cut, end: rows }, options.signal);
    out.push({ ...cell, method, regimeShare: regimeShare(world, cut), ...score });
  }
  return out;
}

function cell(process: ProcessId, seed: number, r2: number, months: number, assets: number): StudyCell {
  return { process, seed, r2, months, assets };
}

interface Entry {
  readonly method: StudyMethod;
  readonly estimator: Estimator;
  readonly toDate: boolean;
}

function methodsOf(world: World, cut: number, threads?: number): Entry[] {
  const own = threads === undefined ? {} : { threads };
  const network = remembered(lstmEstimator({ ...own, heads: 'kalman', encoderRows: cut }));
  const components = remembered(splineEstimator());
  const ols = remembered(olsEstimator());
  const kalman = remembered(kalmanEstimator({ varianceRows: cut }));
  const frozen = [zeroEstimator(), ols, components].map((estimator) => trainedOn(estimator, cut));
  const stack = stackEstimator({ estimators: [...frozen, kalman, network], rows: cut });
  return [
    { method: 'ols', estimator: ols, toDate: false },
    { method: 'kalman', estimator: kalman, toDate: true },
    { method: 'distributed_lag', estimator: distributedLagEstimator(), toDate: false },
    { method: 'spline', estimator: splineEstimator({ prior: 'empirical_bayes' }), toDate: false },
    { method: 'components', estimator: components, toDate: false },
    { method: 'lstm', estimator: standing(network), toDate: true },
    { method: 'lstm_kalman', estimator: network, toDate: true },
    { method: 'blend', estimator: blendEstimator({ first: network, second: components, rows: cut }), toDate: true },
    { method: 'stack', estimator: stack, toDate: true },
    { method: 'oracle', estimator: oracleEstimator(world), toDate: DRIFTING.includes(world.process) },
  ];
}

/** Learns from the first `rows` rows of a panel at most, whatever span it is given. */
function trainedOn(estimator: Estimator, rows: number): Estimator {
  const { method } = estimator;
  return {
    method,
    fit: (panel, span, fit) => estimator.fit(panel, { ...span, end: Math.min(span.end, rows) }, fit),
  };
}

/** Fits each span once: methods of a world share fits of the same panel and seed. */
function remembered(estimator: Estimator): Estimator {
  const fits = new Map<string, Promise<Fitted>>();
  return {
    method: estimator.method,
    fit(panel, span, fit) {
      const key = `${span.start}-${span.end}`;
      const fitted = fits.get(key) ?? estimator.fit(panel, span, fit);
      fits.set(key, fitted);
      return fitted;
    },
  };
}

/** The network of the training rows with heads that stand still. */
function standing(network: Estimator): Estimator {
  return {
    method: network.method,
    async fit(panel, span, fit) {
      const walking = await network.fit(panel, span, fit);
      return walking.standing ?? walking;
    },
  };
}

function regimeShare({ process, panel }: World, cut: number): number {
  if (!THRESHOLD_PROCESSES.includes(process)) return Number.NaN;
  const columns = FACTOR_MEAN.length;
  let above = 0;
  for (let row = 0; row < cut; row++) {
    if (panel.inputs.values[row * columns + INFLATION] > TURNING_POINT) above++;
  }
  return Math.min(above, cut - above) / cut;
}

/** Means over histories of one method on one process at one size: geometric for the error. */
export interface StudySummary {
  readonly process: ProcessId;
  readonly r2: number;
  readonly months: number;
  readonly method: StudyMethod;
  /** Histories. */
  readonly count: number;
  readonly score: number;
  /** Largest of the histories. */
  readonly worst: number;
  readonly withinCorrelation: number;
  readonly coverage: number;
}

/** Summaries of rows, in the order in which processes, sizes and methods first appear. */
export function summariseStudy(rows: readonly StudyRow[]): StudySummary[] {
  const groups = new Map<string, StudyRow[]>();
  for (const row of rows) {
    const key = [row.process, row.r2, row.months, row.method].join();
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((own) => {
    const { process, r2, months, method } = own[0];
    const mean = (of: (row: StudyRow) => number) => {
      const present = own.map(of).filter((x) => Number.isFinite(x));
      return present.reduce((sum, x) => sum + x, 0) / present.length;
    };
    return {
      process,
      r2,
      months,
      method,
      count: own.length,
      score: Math.exp(mean((row) => Math.log(row.score))),
      worst: Math.max(...own.map((row) => row.score)),
      withinCorrelation: mean((row) => row.withinCorrelation),
      coverage: mean((row) => row.coverage),
    };
  });
}
