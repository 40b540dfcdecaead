import {
  ArgumentError,
  type Estimator,
  type FitOptions,
  type Fitted,
  fitScaler,
  type Panel,
  type Span,
} from '@macrograd/core';
import { type LstmEstimatorOptions, lstmEstimator } from './estimator.js';

/** Options of {@link guardedLstmEstimator}. */
export interface GuardedLstmOptions extends LstmEstimatorOptions {
  /** What the network builds on: exponentially weighted regressions shrunk to the cross-section, say. */
  readonly base: Estimator;
  /** Last share of the training rows that decides whether the network is kept; default .25. */
  readonly validationShare?: number;
}

/**
 * An LSTM on what a plain method leaves, kept only where it has earned its place: base, and base plus network, are fitted
 * on the first rows, and the network stays when it explains the last rows better by more than a standard error, all
 * assets together. Otherwise the base alone is the fit. `facts.network_kept` says which, `facts.network_gain` the fall of
 * the squared error as a share of it.
 *
 * @example
 * const estimator = guardedLstmEstimator({ base: ewmOlsEstimator({ halfLife: 104 }), lookback: 26, hiddenSize: 8 });
 */
export function guardedLstmEstimator(options: GuardedLstmOptions): Estimator {
  const { base, validationShare, ...own } = options;
  return guarded(base, lstmEstimator(own), validationShare);
}

/** A network on a base, kept where it explains the last rows of the span better. */
export function guarded(base: Estimator, network: Estimator, validationShare = 0.25): Estimator {
  if (!(validationShare > 0 && validationShare < 1)) {
    throw new ArgumentError(`validationShare is ${validationShare}`, 'give a share between 0 and 1');
  }
  return {
    method: 'lstm',
    async fit(panel, span, fit) {
      const cut = span.end - Math.round(validationShare * (span.end - span.start));
      const { kept, gain } = await judge(panel, { start: span.start, end: cut }, span.end, fit, base, network);
      const fitted = kept
        ? await network.fit(panel, span, { ...fit, base: [base] })
        : await base.fit(panel, span, { ...fit, base: [] });
      const facts = { ...fitted.diagnostics.facts, network_kept: kept ? 1 : 0, network_gain: gain };
      return asLstm(fitted, facts);
    },
  };
}

async function judge(panel: Panel, early: Span, end: number, fit: FitOptions, base: Estimator, network: Estimator) {
  const { onProgress: _, ...quiet } = fit;
  const later = { start: early.end, end };
  const plain = await base.fit(panel, early, { ...quiet, base: [] });
  const full = await network.fit(panel, early, { ...quiet, base: [base] });
  const one = await plain.predict(panel.inputs, later);
  const other = await full.predict(panel.inputs, later);
  const { sd } = fitScaler(panel.returns, panel.assets.length, early);
  const assets = panel.assets.length;
  const rows = later.end - later.start;
  const gains = new Float64Array(rows);
  let loss = 0;
  for (let i = 0; i < rows * assets; i++) {
    const y = panel.returns[later.start * assets + i];
    const [before, after] = [one.values[i], other.values[i]].map((x) => ((y - x) / sd[i % assets]) ** 2);
    if (!Number.isFinite(before) || !Number.isFinite(after)) continue;
    loss += before;
    gains[Math.floor(i / assets)] += before - after;
  }
  const total = gains.reduce((sum, x) => sum + x, 0);
  const mean = total / rows;
  const error = Math.sqrt(gains.reduce((sum, x) => sum + (x - mean) ** 2, 0));
  return { kept: total > error, gain: loss > 0 ? total / loss : 0 };
}

/** The fit under the name of the method that was asked for, with these facts. */
export function asLstm(fitted: Fitted, facts: Readonly<Record<string, number>>): Fitted {
  return {
    method: 'lstm',
    predict: (inputs, span, assets) => fitted.predict(inputs, span, assets),
    jacobian: (inputs, span, options) => fitted.jacobian(inputs, span, options),
    parameters: () => fitted.parameters(),
    diagnostics: { ...fitted.diagnostics, facts },
    ...(fitted.knownAhead && { knownAhead: true }),
  };
}
