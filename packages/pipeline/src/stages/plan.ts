import type { Estimator, Panel, Span } from '@macrograd/core';
import { type WalkForward, walkForwardFolds } from '@macrograd/evaluation';
import type { RunConfig } from '../config/config.js';
import type { FitTask } from './fit.js';

/** Cuts the panel into folds as the config asks; what it leaves open is chosen by the panel's length. */
export function planFolds(config: RunConfig, panel: Panel): WalkForward {
  const { initial, step, purge } = config.evaluation;
  return walkForwardFolds(panel.axis.dates.length, {
    horizon: panel.horizon,
    purge: purge ?? 'auto',
    ...(initial === undefined ? {} : { initial }),
    ...(step === undefined ? {} : { step }),
  });
}

/** Seeds beside the config's own with which the LSTM is fitted on the whole span: those that follow it. */
export function furtherSeeds({ seed, methods, evaluation }: RunConfig): number[] {
  const count = methods.includes('lstm') ? evaluation.seeds : 0;
  return Array.from({ length: count }, (_, i) => seed + 1 + i);
}

/** Cost of one training row of the LSTM against one of a regression, for progress and for the order of work. */
const LSTM_COST = 200;

/** Every method on the training rows of the trial, of every fold and on the whole span; the LSTM there once more with each further seed. */
export function planFits(
  estimators: readonly Estimator[],
  panel: Panel,
  { trial, folds }: Pick<WalkForward, 'trial' | 'folds'>,
  furtherSeeds: readonly number[] = [],
): FitTask[] {
  const rows = panel.axis.dates.length;
  const spans = [
    ...(trial ? [trial, ...folds] : folds).map(({ index, train }) => ({ fit: index, train })),
    { fit: 'final' as const, train: { start: 0, end: rows } },
  ];
  return estimators.flatMap((estimator) => {
    const cost = ({ start, end }: Span) => (end - start) * (estimator.method === 'lstm' ? LSTM_COST : 1);
    const drawn = estimator.method === 'lstm' ? furtherSeeds : [];
    const whole = spans[spans.length - 1];
    return [
      ...spans.map(({ fit, train }) => ({ estimator, fit, train, cost: cost(train) })),
      ...drawn.map((seed) => ({ estimator, ...whole, seed, cost: cost(whole.train) })),
    ];
  });
}
