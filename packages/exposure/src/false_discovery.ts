import { ArgumentError } from '@macrograd/core';

/** Outcome of false-discovery control over a set of hypotheses. */
export interface Discoveries {
  /** Adjusted p-values: the smallest q at which each hypothesis is selected; NaN where its p-value is. */
  readonly qValues: Float64Array;
  /** 1 where selected at the asked q. */
  readonly selected: Uint8Array;
  /** Number selected. */
  readonly count: number;
}

/**
 * Step-up procedure of Benjamini and Hochberg (1995, "Controlling the false discovery rate"): q-values
 * min_{l >= k} m p_(l) / l over the m hypotheses that have a p-value.
 *
 * Pass the whole assets x factors grid at once: controlling each asset alone would not bound the share of false
 * discoveries over the universe. Valid under independence and positive regression dependence.
 */
export function benjaminiHochberg(pValues: Float64Array, q = 0.1): Discoveries {
  if (!(q > 0 && q < 1)) throw new ArgumentError(`a false-discovery rate of ${q} does not lie between 0 and 1`);
  const order = Array.from(pValues.keys()).filter((i) => !Number.isNaN(pValues[i]));
  order.sort((a, b) => pValues[a] - pValues[b] || a - b);
  const qValues = new Float64Array(pValues.length).fill(Number.NaN);
  const selected = new Uint8Array(pValues.length);
  let running = 1;
  let count = 0;
  for (let rank = order.length; rank >= 1; rank--) {
    const i = order[rank - 1];
    running = Math.min(running, (pValues[i] * order.length) / rank);
    qValues[i] = running;
    if (running <= q) {
      selected[i] = 1;
      count++;
    }
  }
  return { qValues, selected, count };
}
