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
  return stepUp(pValues, checkRate(q), 1);
}

/**
 * {@link benjaminiHochberg} that holds under any dependence (Benjamini and Yekutieli 2001): q-values are larger by
 * 1 + 1/2 + ... + 1/m.
 */
export function benjaminiYekutieli(pValues: Float64Array, q = 0.1): Discoveries {
  let harmonic = 0;
  for (let k = countOf(pValues); k >= 1; k--) harmonic += 1 / k;
  return stepUp(pValues, checkRate(q), harmonic);
}

/**
 * Two-stage adaptive procedure (Benjamini, Krieger and Yekutieli 2006): the first stage at q / (1 + q) counts what is
 * surely there, the second takes the rest for the number of true hypotheses. More power than
 * {@link benjaminiHochberg} where many exposures exist, and less error where none does. q-values hold at the asked q:
 * selected are those of at most q.
 */
export function adaptiveBenjaminiHochberg(pValues: Float64Array, q = 0.1): Discoveries {
  checkRate(q);
  const tests = countOf(pValues);
  const first = stepUp(pValues, q / (1 + q), 1).count;
  // Everything found at the first stage leaves no hypothesis to be true; one keeps the scale positive.
  const trueShare = tests === 0 ? 1 : Math.max(1, tests - first) / tests;
  return stepUp(pValues, q, (1 + q) * trueShare);
}

function checkRate(q: number): number {
  if (!(q > 0 && q < 1)) throw new ArgumentError(`a false-discovery rate of ${q} does not lie between 0 and 1`);
  return q;
}

function countOf(pValues: Float64Array): number {
  return pValues.reduce((count, p) => (Number.isNaN(p) ? count : count + 1), 0);
}

/** q-values scale min_{l >= k} m p_(l) / l, at most 1. */
function stepUp(pValues: Float64Array, q: number, scale: number): Discoveries {
  const order = Array.from(pValues.keys()).filter((i) => !Number.isNaN(pValues[i]));
  order.sort((a, b) => pValues[a] - pValues[b] || a - b);
  const qValues = new Float64Array(pValues.length).fill(Number.NaN);
  const selected = new Uint8Array(pValues.length);
  let running = 1;
  let count = 0;
  for (let rank = order.length; rank >= 1; rank--) {
    const i = order[rank - 1];
    running = Math.min(running, (scale * pValues[i] * order.length) / rank);
    qValues[i] = running;
    if (running <= q) {
      selected[i] = 1;
      count++;
    }
  }
  return { qValues, selected, count };
}
