import {
  ArgumentError,
  type Diagnostics,
  type Estimator,
  type FitOptions,
  type Fitted,
  type LstmParameters,
  type Panel,
  type Span,
} from '@macrograd/core';
import { fromParameters, type LstmEstimatorOptions, lstmEstimator } from './estimator.js';
import { asLstm, type GuardedLstmOptions, guarded } from './guarded.js';
import { FittedWithBase } from './with-base.js';

/** Units of the encoder: each is a state that may move the betas on all factors. Measured: docs/methods/lstm.md. */
const HIDDEN_SIZE = 3;
/** Rows of the window, half a year of weeks. */
const LOOKBACK = 26;

/** Options of {@link conditionalBetaEstimator}. */
export interface ConditionalBetaOptions
  extends Pick<GuardedLstmOptions, 'base' | 'validationShare'>,
    Pick<LstmEstimatorOptions, 'inputLimit' | 'members' | 'maxPatterns' | 'threads'> {
  /** Units of the encoder; default 3. */
  readonly hiddenSize?: number;
  /** Rows of a window, up to the row before the return; default 26. */
  readonly lookback?: number;
  /** Most training steps of a member; default 600. */
  readonly steps?: number;
  /**
   * Leading rows of the span that network and guard learn from, the base learning from all: a base that is fitted anew
   * every few rows keeps the network of the last fit with the same leading rows. Default all.
   */
  readonly networkRows?: number;
}

/**
 * Betas of a base that a state may move, known before the return that they hedge:
 * r_it - base_it = u_t'(c_i + C_i h_t-1) + e_it, h_t-1 the state of an LSTM over the window of factors and states that
 * ends at t-1, c_i and C_i integrated out as in {@link lstmEstimator}. The network is kept only where it explains the last
 * quarter of the training rows better than the base by more than a standard error; otherwise the base is the fit.
 * `facts.network_kept` and `facts.network_gain` as in `guardedLstmEstimator`. Conditional betas: Shanken (1990), Ferson and
 * Schadt (1996); derivation: docs/derivations/conditional_beta.md.
 *
 * `contemporaneous` exposures at t use rows up to t-1; `lags` and `cumulative` add the base's lags alone.
 *
 * @example
 * const estimator = conditionalBetaEstimator({ base: ewmOlsEstimator({ halfLife: 104 }) });
 * const fitted = await estimator.fit(panel, { start: 0, end: 156 }, { seed: 1 });
 * fitted.diagnostics.facts.network_kept; // 1 or 0
 */
export function conditionalBetaEstimator(options: ConditionalBetaOptions): Estimator {
  const { base, validationShare, steps, networkRows, ...own } = options;
  if (networkRows !== undefined && !(Number.isInteger(networkRows) && networkRows > 0)) {
    throw new ArgumentError(`networkRows is ${networkRows}`, 'give a whole number of rows, 1 or more');
  }
  const network = lstmEstimator({
    hiddenSize: HIDDEN_SIZE,
    lookback: LOOKBACK,
    ...own,
    ...(steps !== undefined && { steps, longSteps: steps }),
    form: 'conditional',
  });
  const learn = keepLast(guarded(base, network, validationShare));
  return {
    method: 'lstm',
    async fit(panel, span, fit) {
      const end = Math.min(span.end, span.start + (networkRows ?? span.end - span.start));
      const learned = await learn(panel, { start: span.start, end }, fit);
      if (end === span.end) return learned;
      const { onProgress: _, ...quiet } = fit;
      const fresh = await base.fit(panel, span, { ...quiet, base: [] });
      return onFreshBase(fresh, learned, own);
    },
  };
}

/** The fitted network, if it was kept, on a base that knows more rows. */
function onFreshBase(fresh: Fitted, learned: Fitted, run: Pick<ConditionalBetaOptions, 'threads'>): Fitted {
  const { facts } = learned.diagnostics;
  if (facts.network_kept !== 1) return asLstm(fresh, { ...fresh.diagnostics.facts, ...facts });
  const top = fromParameters(learned.parameters() as LstmParameters, run);
  const diagnostics: Diagnostics = { ...fresh.diagnostics, facts };
  return new FittedWithBase([fresh], top, diagnostics);
}

/** Fits anew only where panel, rows or seed are others than the last time: the same call has the same result. */
function keepLast(estimator: Estimator) {
  let last: { panel: Panel; span: Span; seed: number; fitted: Fitted } | undefined;
  return async (panel: Panel, span: Span, fit: FitOptions): Promise<Fitted> => {
    const isSame =
      last?.panel === panel && last.seed === fit.seed && last.span.start === span.start && last.span.end === span.end;
    if (last && isSame) return last.fitted;
    const fitted = await estimator.fit(panel, span, fit);
    last = { panel, span, seed: fit.seed, fitted };
    return fitted;
  };
}
