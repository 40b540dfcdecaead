import type { Estimator, Panel } from '@macrograd/core';
import { type Fold, type WalkForward, walkForwardFolds } from '@macrograd/evaluation';
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

/** Cost of one training row of the LSTM against one of a regression, for progress and for the order of work. */
const LSTM_COST = 200;

/** Every method on the training rows of every fold and on the whole span. */
export function planFits(estimators: readonly Estimator[], panel: Panel, folds: readonly Fold[]): FitTask[] {
  const rows = panel.axis.dates.length;
  const spans = [
    ...folds.map(({ index, train }) => ({ fit: index, train })),
    { fit: 'final' as const, train: { start: 0, end: rows } },
  ];
  return estimators.flatMap((estimator) =>
    spans.map(({ fit, train }) => ({
      estimator,
      fit,
      train,
      cost: (train.end - train.start) * (estimator.method === 'lstm' ? LSTM_COST : 1),
    })),
  );
}
