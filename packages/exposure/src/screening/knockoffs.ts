import {
  ArgumentError,
  type FactorPanel,
  invertPositiveDefinite,
  type Panel,
  Random,
  type Span,
  semidefiniteCholesky,
} from '@macrograd/core';
import { Basis, dot, unitSquare } from './basis.js';
import { gramMatrix, lasso } from './lasso.js';
import { atRows, observedPatterns, observedReturns } from './patterns.js';
import { termSet } from './terms.js';

/** Options of {@link knockoffScreen}. */
export interface KnockoffOptions {
  /** False-discovery rate over the grid; default .10. */
  readonly level?: number;
  readonly seed?: number;
}

/** Outcome of a screen by knockoffs, [asset][factor]. */
export interface KnockoffScreen {
  /** How much more a factor's innovation tells than its knockoff's; NaN where too little is observed. */
  readonly statistic: Float64Array;
  readonly selected: Uint8Array;
}

/**
 * Model-X knockoffs for factors that depend on their past (Candes, Fan, Janson and Lv 2018, on the innovations of a VAR(1)):
 * given its past, a row of factors is taken for normal, and its knockoff is drawn for every asset anew, so that the signs
 * of the pairs' statistics are independent. The statistic is the difference of the absolute coefficients of a LASSO on
 * innovations and knockoffs; pairs are selected over the whole grid by the knockoff+ rule.
 *
 * Only what factors do beyond their expectation speaks, so that a level that hardly moves is hardly ever found.
 */
export function knockoffScreen(panel: Panel, span: Span, options: KnockoffOptions = {}): KnockoffScreen {
  const { level = 0.1, seed = 1 } = options;
  if (!(level > 0 && level < 1)) throw new ArgumentError(`a false-discovery rate of ${level} does not lie in (0, 1)`);
  const terms = termSet(panel.inputs, span);
  const random = new Random(seed);
  const p = terms.factors.length;
  const statistic = new Float64Array(panel.assets.length * p).fill(Number.NaN);
  const past = laggedRows(panel.inputs, span, terms.columns);
  for (const pattern of observedPatterns(panel, span)) {
    if (pattern.rows.length < 10 * p) continue;
    const own = (column: Float64Array) => atRows(column, pattern.rows);
    const free = Basis.empty.with([...terms.always, ...terms.states, ...past].map(own));
    const innovations = terms.linear.map((column) => unitSquare(free.residual(own(column))));
    const rule = conditional(gramMatrix(innovations), p);
    for (const asset of pattern.assets) {
      const y = unitSquare(free.residual(observedReturns(panel, span, pattern, asset)));
      const draws = drawKnockoffs(innovations, rule, random.fork(asset));
      const columns = [...innovations, ...draws.map((column) => free.residual(column))];
      const coefficients = fitted(columns, y);
      for (let j = 0; j < p; j++) {
        statistic[asset * p + j] = Math.abs(coefficients[j]) - Math.abs(coefficients[p + j]);
      }
    }
  }
  return { statistic, selected: knockoffPlus(statistic, level) };
}

/** Factors of the row before, in the order of the columns; 0 where missing. */
function laggedRows({ values, factors }: FactorPanel, span: Span, columns: readonly number[]): Float64Array[] {
  return columns.map((column) =>
    Float64Array.from({ length: span.end - span.start }, (_, t) => {
      const value = span.start + t === 0 ? 0 : values[(span.start + t - 1) * factors.length + column];
      return Number.isNaN(value) ? 0 : value;
    }),
  );
}

/** What a knockoff is drawn by: mean (I - S C^-1) u, noise with the Cholesky factor of 2S - S C^-1 S. */
interface Rule {
  readonly mean: Float64Array;
  readonly noise: Float64Array;
}

/**
 * The equicorrelated construction: S = s I, s = min(1, 2 least eigenvalue of the correlations), a little less. Where these
 * are singular s is 0: a knockoff is then its column, and nothing is selected.
 */
function conditional(correlation: Float64Array, p: number): Rule {
  const identity = correlation.map((_, k) => Number(k % (p + 1) === 0));
  const inverse = invertPositiveDefinite(correlation, p);
  if (!inverse) return { mean: identity, noise: new Float64Array(p * p) };
  const s = Math.min(1, 2 * leastEigenvalue(correlation, inverse, p)) * 0.999;
  const mean = identity.map((one, k) => one - s * inverse[k]);
  const covariance = identity.map((one, k) => 2 * s * one - s * s * inverse[k]);
  return { mean, noise: semidefiniteCholesky(covariance, p) };
}

function drawKnockoffs(innovations: readonly Float64Array[], { mean, noise }: Rule, random: Random): Float64Array[] {
  const p = innovations.length;
  const rows = innovations[0].length;
  const out = innovations.map(() => new Float64Array(rows));
  const shock = new Float64Array(p);
  for (let t = 0; t < rows; t++) {
    for (let k = 0; k < p; k++) shock[k] = random.normal();
    for (let j = 0; j < p; j++) {
      let value = 0;
      for (let k = 0; k < p; k++) value += mean[j * p + k] * innovations[k][t] + noise[j * p + k] * shock[k];
      out[j][t] = value;
    }
  }
  return out;
}

/** LASSO at half of the universal penalty sqrt(2 log(2p) / n), beyond which noise alone hardly ever gets. */
function fitted(columns: readonly Float64Array[], y: Float64Array): Float64Array {
  const n = y.length;
  const target = Float64Array.from(columns, (column) => dot(column, y) / n);
  const penalty = 0.5 * Math.sqrt((2 * Math.log(columns.length)) / n);
  return lasso(gramMatrix(columns), target, new Float64Array(columns.length).fill(penalty), 1);
}

/** Selected are statistics of at least the lowest t with (1 + #{W <= -t}) / #{W >= t} <= level. */
function knockoffPlus(statistic: Float64Array, level: number): Uint8Array {
  const sizes = statistic
    .map(Math.abs)
    .filter((size) => size > 0)
    .sort();
  const threshold = sizes.find((t) => {
    const above = statistic.reduce((count, w) => (w >= t ? count + 1 : count), 0);
    const below = statistic.reduce((count, w) => (w <= -t ? count + 1 : count), 0);
    return 1 + below <= level * above;
  });
  return Uint8Array.from(statistic, (w) => (threshold !== undefined && w >= threshold ? 1 : 0));
}

/** Least eigenvalue of a correlation matrix: inverse iteration, whose quotient converges from above. */
function leastEigenvalue(a: Float64Array, inverse: Float64Array, p: number): number {
  let v = Float64Array.from({ length: p }, (_, i) => 1 + i / p);
  for (let step = 0; step < 200; step++) {
    const w = Float64Array.from({ length: p }, (_, i) => dot(inverse.subarray(i * p, (i + 1) * p), v));
    const length = Math.sqrt(dot(w, w));
    v = w.map((value) => value / length);
  }
  const av = Float64Array.from({ length: p }, (_, i) => dot(a.subarray(i * p, (i + 1) * p), v));
  return dot(av, v);
}
