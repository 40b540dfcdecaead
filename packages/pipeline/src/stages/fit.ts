import { CancelledError, type Estimator, type Fitted, type Panel, type Span } from '@macrograd/core';
import { TRIAL } from '@macrograd/evaluation';

/** One method to be fitted on one span. */
export interface FitTask {
  readonly estimator: Estimator;
  /** Fold number, {@link TRIAL}, or `final`: the whole span. */
  readonly fit: number | 'final';
  readonly train: Span;
  /** Instead of the run's seed: a fit that is held against the one with that seed, and kept nowhere. */
  readonly seed?: number;
  /** Rough cost against the other tasks, for the order of work and for progress. */
  readonly cost: number;
}

export interface FitRunOptions {
  /** Fits at a time. */
  readonly threads: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number, what: string) => void;
}

/**
 * Fits every task, some at a time, and hands each fit to `use` as soon as it is there; a fit that `use` does not keep
 * can be freed. Costly tasks start first, so that the last ones to end are short.
 *
 * Each fit depends on its own task and the seed alone: order and number of threads change nothing.
 */
export async function fitAll(
  panel: Panel,
  tasks: readonly FitTask[],
  use: (task: FitTask, fitted: Fitted) => Promise<void>,
  options: FitRunOptions,
): Promise<void> {
  const queue = [...tasks].sort((a, b) => b.cost - a.cost);
  const total = queue.reduce((sum, task) => sum + task.cost, 0);
  const fractions = new Map<FitTask, number>();
  const report = (task: FitTask, fraction: number): void => {
    fractions.set(task, fraction);
    const done = [...fractions].reduce((sum, [{ cost }, share]) => sum + cost * share, 0);
    const finished = [...fractions.values()].filter((share) => share === 1).length;
    options.onProgress?.(done / total, `${finished} of ${tasks.length} fits: ${describe(task)}`);
  };
  // One failed fit stops the others: nothing goes on in the background of a run that has ended.
  const failure = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal;
  const worker = async (): Promise<void> => {
    for (let task = queue.shift(); task; task = queue.shift()) {
      if (signal.aborted) throw new CancelledError('fitting');
      const current = task;
      report(current, 0);
      const onProgress = (fraction: number): void => report(current, fraction * 0.98);
      const seed = current.seed ?? options.seed;
      const fitted = await current.estimator.fit(panel, current.train, { seed, signal, onProgress });
      await use(current, fitted);
      report(current, 1);
    }
  };
  const workers = Array.from({ length: Math.max(1, options.threads) }, async () => {
    try {
      await worker();
    } catch (error) {
      failure.abort();
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(workers);
  const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  // The failure that came first says why; the others were only told to stop.
  const cause = reasons.find((reason) => !(reason instanceof CancelledError)) ?? reasons[0];
  if (cause !== undefined) throw cause;
}

function describe({ estimator, fit, seed }: FitTask): string {
  const drawn = seed === undefined ? '' : ` with seed ${seed}`;
  const where = fit === 'final' ? 'on the whole span' : fit === TRIAL ? 'before the trial' : `before fold ${fit + 1}`;
  return `${estimator.method} ${where}${drawn}`;
}
