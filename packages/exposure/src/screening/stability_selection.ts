import { ArgumentError, type Panel, Random, type Span } from '@macrograd/core';
import { Basis, dot, unitSquare } from './basis.js';
import { gramMatrix, lasso } from './lasso.js';
import { atRows, observedPatterns, observedReturns, type Pattern } from './patterns.js';
import { type TermSet, termSet } from './terms.js';

/** Options of {@link stabilitySelection}. */
export interface StabilityOptions {
  /** Expected share of false pairs among the selected; default .10. */
  readonly level?: number;
  /** Pairs of complementary halves; default 50. */
  readonly pairs?: number;
  /** Rows of the blocks that halves are made of, so that they keep the series' dependence; default 12. */
  readonly block?: number;
  readonly seed?: number;
}

/** How steadily a LASSO chooses each factor. Arrays are [asset][factor]; NaN where too little is observed. */
export interface StabilitySelection {
  /** Share of the halves of dates in which the factor is chosen, at once or delayed. */
  readonly frequency: Float64Array;
  /** 1 where selected. */
  readonly selected: Uint8Array;
  /** Frequency from which a pair is selected; above 1 where none is. */
  readonly threshold: number;
}

/** Rate at which the penalty falls along the path. */
const PATH_STEP = 0.85;
const MOST_STEPS = 60;

/**
 * Stability selection (Meinshausen and Buehlmann 2010) with complementary pairs (Shah and Samworth 2013): on many random
 * halves of the blocks of dates a LASSO of each asset's returns on factors and their lags takes the first q terms, and a
 * factor's frequency is the share of halves in which one of its terms is among them. Pairs are selected from the lowest
 * frequency on at which the expected number of false terms, by the bound for unimodal frequencies, is at most `level` of
 * the pairs selected.
 */
export function stabilitySelection(panel: Panel, span: Span, options: StabilityOptions = {}): StabilitySelection {
  const { level = 0.1, pairs = 50, block = 12, seed = 1 } = options;
  if (!(level > 0 && level < 1 && pairs >= 10 && block >= 1)) {
    throw new ArgumentError(
      `level ${level}, ${pairs} pairs, blocks of ${block}`,
      'give at least 10 pairs, a level in (0, 1)',
    );
  }
  const terms = termSet(panel.inputs, span);
  const lagged = terms.extra.filter(({ kind }) => kind === 'lag');
  const about = [...terms.factors.map((_, factor) => factor), ...lagged.map(({ factors }) => factors[0])];
  const columns = [...terms.linear, ...lagged.map(({ values }) => values)];
  const taken = Math.max(1, Math.round(Math.sqrt(0.8 * columns.length)));
  const frequency = new Float64Array(panel.assets.length * terms.factors.length).fill(Number.NaN);
  const least = Math.max(4 * block, 4 * columns.length);
  for (const pattern of observedPatterns(panel, span)) {
    if (pattern.rows.length < least) continue;
    const halves = drawHalves(Math.floor(pattern.rows.length / block), pairs, new Random(seed));
    const blocks = blockMoments(panel, span, pattern, terms, columns, block);
    pattern.assets.forEach((asset, i) => {
      const counts = new Float64Array(terms.factors.length);
      for (const half of halves) {
        const chosen = new Set(
          firstChosen(
            half.map((b) => blocks[b]),
            i,
            taken,
          ).map((term) => about[term]),
        );
        for (const factor of chosen) counts[factor]++;
      }
      counts.forEach((count, factor) => {
        frequency[asset * terms.factors.length + factor] = count / halves.length;
      });
    });
  }
  const threshold = lowestThreshold(frequency, {
    terms: columns.length,
    taken,
    pairs,
    level,
    factors: terms.factors.length,
  });
  return { frequency, threshold, selected: Uint8Array.from(frequency, (share) => (share >= threshold ? 1 : 0)) };
}

/** Second moments of one block of dates. */
interface Moments {
  readonly gram: Float64Array;
  /** [asset of the pattern][column]. */
  readonly products: readonly Float64Array[];
}

function blockMoments(
  panel: Panel,
  span: Span,
  pattern: Pattern,
  terms: TermSet,
  columns: readonly Float64Array[],
  block: number,
): Moments[] {
  const own = (column: Float64Array) => atRows(column, pattern.rows);
  const free = Basis.empty.with([...terms.always, ...terms.states].map(own));
  const regressors = columns.map((column) => unitSquare(free.residual(own(column))));
  const returns = pattern.assets.map((asset) =>
    unitSquare(free.residual(observedReturns(panel, span, pattern, asset))),
  );
  return Array.from({ length: Math.floor(pattern.rows.length / block) }, (_, b) => {
    const part = (column: Float64Array) => column.subarray(b * block, (b + 1) * block);
    const parts = regressors.map(part);
    return {
      gram: gramMatrix(parts),
      products: returns.map((y) => Float64Array.from(parts, (x) => dot(x, part(y)) / block)),
    };
  });
}

/** Both halves of every pair, each a list of blocks. */
function drawHalves(blocks: number, pairs: number, random: Random): number[][] {
  const half = Math.floor(blocks / 2);
  return Array.from({ length: pairs }, () => {
    const order = Array.from({ length: blocks }, (_, b) => b);
    for (let i = blocks - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return [order.slice(0, half), order.slice(half, 2 * half)];
  }).flat();
}

/** The first terms that enter along the LASSO path of one asset on a half. */
function firstChosen(half: readonly Moments[], asset: number, taken: number): number[] {
  const gram = meanOf(half.map((moments) => moments.gram));
  const target = meanOf(half.map((moments) => moments.products[asset]));
  const coefficients = new Float64Array(target.length);
  const entered: number[] = [];
  let penalty = target.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (let step = 0; step < MOST_STEPS && entered.length < taken; step++) {
    penalty *= PATH_STEP;
    lasso(gram, target, new Float64Array(target.length).fill(penalty), 1, coefficients);
    const fresh = Array.from(coefficients.keys()).filter((k) => coefficients[k] !== 0 && !entered.includes(k));
    // Of several that enter in one step the larger coefficient came first.
    fresh.sort((a, b) => Math.abs(coefficients[b]) - Math.abs(coefficients[a]));
    entered.push(...fresh);
  }
  return entered.slice(0, taken);
}

function meanOf(parts: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(parts[0].length);
  for (const part of parts) {
    for (let i = 0; i < sum.length; i++) sum[i] += part[i];
  }
  return sum.map((value) => value / parts.length);
}

/** The lowest frequency at which the bound on false terms over the pairs selected stays within the level. */
function lowestThreshold(
  frequency: Float64Array,
  {
    terms,
    taken,
    pairs,
    level,
    factors,
  }: { terms: number; taken: number; pairs: number; level: number; factors: number },
): number {
  const known = frequency.filter((share) => !Number.isNaN(share)).sort();
  const assets = known.length / factors;
  let best = Number.POSITIVE_INFINITY;
  for (let count = 1; count <= known.length; count++) {
    const share = known[known.length - count];
    if (assets * falseTerms(share, terms, taken, pairs) <= level * count) best = share;
  }
  return best;
}

/** Shah and Samworth (2013, theorem 2): expected false terms of one asset that reach a frequency, by unimodality. */
function falseTerms(share: number, terms: number, taken: number, pairs: number): number {
  const expected = (taken / terms) ** 2 * terms;
  const step = 1 / (2 * pairs);
  if (share <= 0.5 + step) return Number.POSITIVE_INFINITY;
  if (share <= 0.75) return expected / (2 * (2 * share - 1 - step));
  return (4 * (1 - share + step) * expected) / (1 + 1 / pairs);
}
