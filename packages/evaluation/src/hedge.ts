import { ArgumentError, type FactorPanel, type Fitted, type JacobianBlock, Random } from '@macrograd/core';
import type { Fold } from './folds.js';
import { FactorVar } from './var1.js';

/** Where the exposures of a hedge are read. */
export interface HedgeOptions {
  /**
   * `state` (default): at the inputs of t-1. `average`: the mean over moves that the factors may make by t, from their
   * expectation, of the exposure read there; states and controls stay where they were at t-1.
   */
  readonly readAt?: 'state' | 'average';
  /** Moves of `average`, drawn from the innovations of the training rows, each with its mirror image; default 4. */
  readonly draws?: number;
  /** Of the draws; default 1. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/**
 * Returns of the fold's test rows after hedging with the fit: r_t - b_{t-1}'u_t, [date][asset].
 *
 * b_{t-1} is the contemporaneous exposure of the fit made before the fold, read as the options say, or at row t where the
 * fit says that this one is known ahead, so that no move by then matters; u_t is what the factors did beyond their
 * expectation at t-1 (a VAR(1) on the training rows): both known or tradable at t-1. A factor missing at t-1 or at t stays
 * unhedged there.
 *
 * For a return f(u) of normal innovations the positions with the least variance are E[f'(u)] (Stein 1981), which
 * `readAt: 'average'` estimates; one read at a state is right for small moves alone.
 */
export async function hedgedReturns(
  fitted: Fitted,
  inputs: FactorPanel,
  fold: Fold,
  realised: Float64Array,
  options: HedgeOptions = {},
): Promise<Float64Array> {
  const { readAt = 'state', signal } = options;
  const { test, train } = fold;
  const rows = test.end - test.start;
  const assets = realised.length / rows;
  const expectation = new FactorVar(inputs, train);
  const shocks = Array.from({ length: rows }, (_, t) => expectation.innovation(inputs, test.start + t));
  const hedged = realised.slice();
  /** Takes a share of what exposures of the test rows from `first` on would have hedged. */
  const hedge = ({ assets: range, dates, factors, values }: JacobianBlock, first: number, share: number) => {
    for (let i = 0; i < values.length; i++) {
      const t = first + (Math.floor(i / factors) % dates);
      const asset = range.start + Math.floor(i / (factors * dates));
      const move = share * values[i] * shocks[t][i % factors];
      if (!Number.isNaN(move)) hedged[t * assets + asset] -= move;
    }
  };
  const request = { form: 'contemporaneous', ...(signal ? { signal } : {}) } as const;
  if (readAt === 'state' || fitted.knownAhead) {
    const back = fitted.knownAhead ? 0 : 1;
    const before = { start: test.start - back, end: test.end - back };
    for await (const block of fitted.jacobian(inputs, before, request)) hedge(block, 0, 1);
    return hedged;
  }
  const moves = likelyMoves(expectation, inputs, fold, options);
  for (let t = 0; t < rows; t++) {
    const row = test.start + t;
    for (const move of moves) {
      const after = expectation.inputsAfter(inputs, row, move);
      const blocks = fitted.jacobian(after, { start: row, end: row + 1 }, request);
      for await (const block of blocks) hedge(block, t, 1 / moves.length);
    }
  }
  return hedged;
}

/** Innovations of drawn training rows and their mirror images; what is missing in one does not move. */
function likelyMoves(
  expectation: FactorVar,
  inputs: FactorPanel,
  { train }: Fold,
  { draws = 4, seed = 1 }: HedgeOptions,
): Float64Array[] {
  if (!(Number.isInteger(draws) && draws >= 1)) {
    throw new ArgumentError(`draws is ${draws}`, 'give a whole number from 1');
  }
  const random = new Random(seed);
  return Array.from({ length: draws }).flatMap(() => {
    const row = train.start + 1 + random.integer(train.end - train.start - 1);
    const move = expectation.innovation(inputs, row).map((u) => (Number.isNaN(u) ? 0 : u));
    return [move, move.map((u) => -u)];
  });
}
