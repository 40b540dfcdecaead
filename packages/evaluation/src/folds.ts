import { InputError, type Span } from '@macrograd/core';

/** One step of a walk-forward evaluation: fit on `train`, score on `test`. */
export interface Fold {
  /** Counts from 0, the `fit` and `fold` number of the output tables; {@link TRIAL} for the one before them. */
  readonly index: number;
  /** Expanding: starts at row 0 and ends `purge` rows before the test rows. */
  readonly train: Span;
  readonly test: Span;
}

export interface WalkForwardOptions {
  /** Training periods of the first fold; default 240, or less where the panel is short. */
  readonly initial?: number;
  /** Test periods of a fold; default 60, or less where the panel is short. */
  readonly step?: number;
  /** Rows left out between training and test; `auto` (default) = horizon - 1, so that no training target overlaps a test target. */
  readonly purge?: number | 'auto';
  /** Horizon of the panel's returns; default 0. */
  readonly horizon?: number;
}

/** The folds and the settings that they were cut with. */
export interface WalkForward {
  readonly folds: readonly Fold[];
  /** A fold inside the first training span, for the choice of methods alone; undefined where that span is too short. */
  readonly trial: Fold | undefined;
  readonly initial: number;
  readonly step: number;
  readonly purge: number;
  /** What was made smaller for want of rows, in words for the user; undefined where nothing was. */
  readonly note: string | undefined;
}

const DEFAULT_INITIAL = 240;
const DEFAULT_STEP = 60;
/** Fewer rows than this estimate neither a regression on half a dozen factors nor a score. */
const SMALLEST_INITIAL = 36;
/** A last fold with fewer test rows than this is dropped: its scores would be noise. */
const SMALLEST_TEST = 12;
/** Number of the trial, before fold 0. */
export const TRIAL = -1;
/** Share of the first training span that the trial trains on. */
const TRIAL_SHARE = 0.75;

/**
 * Cuts a panel of `rows` periods into expanding-window folds; a last partial fold is kept from 12 rows on.
 *
 * Defaults shrink on a panel with fewer than 300 rows: `initial` to 60 % of the rows (at least 36), `step` to 12. Values
 * that the caller names are never changed.
 *
 * @throws InputError when not one fold fits, with the sizes that would.
 *
 * @example
 * walkForwardFolds(500).folds[0]; // { index: 0, train: { start: 0, end: 240 }, test: { start: 240, end: 300 } }
 */
export function walkForwardFolds(rows: number, options: WalkForwardOptions = {}): WalkForward {
  const short = rows < DEFAULT_INITIAL + DEFAULT_STEP;
  const initial = options.initial ?? (short ? Math.max(SMALLEST_INITIAL, Math.floor(0.6 * rows)) : DEFAULT_INITIAL);
  const step = options.step ?? (short ? SMALLEST_TEST : DEFAULT_STEP);
  const purge = purgeRows(options);
  checkSizes(rows, initial, step, purge);
  const folds: Fold[] = [];
  for (let start = initial; start + SMALLEST_TEST <= rows || (start < rows && start + step <= rows); start += step) {
    folds.push({
      index: folds.length,
      train: { start: 0, end: start - purge },
      test: { start, end: Math.min(start + step, rows) },
    });
  }
  const shrunk = short && (options.initial === undefined || options.step === undefined);
  const note = shrunk
    ? `the panel has ${rows} periods, fewer than ${DEFAULT_INITIAL} + ${DEFAULT_STEP}: the first fold trains on ${initial}, each tests on ${step}`
    : undefined;
  return { folds, trial: trialBefore(folds[0], purge), initial, step, purge, note };
}

/** Trains on the first three quarters of the first fold's training rows and tests on the rest of them. */
function trialBefore({ train }: Fold, purge: number): Fold | undefined {
  const start = Math.floor(TRIAL_SHARE * train.end);
  if (start - purge < SMALLEST_INITIAL || train.end - start < SMALLEST_TEST) return undefined;
  return { index: TRIAL, train: { start: 0, end: start - purge }, test: { start, end: train.end } };
}

function purgeRows({ purge = 'auto', horizon = 0 }: WalkForwardOptions): number {
  return purge === 'auto' ? Math.max(0, horizon - 1) : purge;
}

function checkSizes(rows: number, initial: number, step: number, purge: number): void {
  const whole = [initial, step, purge].every(Number.isInteger);
  if (!whole || initial < 1 || step < 1 || purge < 0) {
    throw new InputError(`evaluation sizes initial ${initial}, step ${step}, purge ${purge} make no sense`, {
      code: 'bad_config',
      remedy: 'give whole numbers: initial and step from 1, purge from 0',
    });
  }
  if (initial - purge < SMALLEST_INITIAL) {
    throw new InputError(`the first fold would train on ${initial - purge} periods`, {
      code: 'bad_config',
      remedy: `train on ${SMALLEST_INITIAL} at least: raise evaluation.initial, or lower the purge`,
    });
  }
  if (rows < initial + Math.min(step, SMALLEST_TEST)) {
    throw new InputError(
      `${rows} periods are too few to train on ${initial} and test on ${Math.min(step, SMALLEST_TEST)}`,
      { remedy: 'use a longer span, a higher frequency, or a smaller evaluation.initial' },
    );
  }
}
