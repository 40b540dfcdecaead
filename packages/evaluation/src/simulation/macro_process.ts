import { type FactorMeta, type Random, semidefiniteCholesky } from '@macrograd/core';

/** Order of the simulated factors. */
export const INFLATION = 0;
export const RATE = 1;
export const RATE_CHANGE = 2;
export const CREDIT = 3;
export const UNEMPLOYMENT = 4;
export const GROWTH = 5;

/** Number of simulated factors. */
export const FACTORS = 6;

/** Population mean and SD of every factor in its own unit: US monthly macro of 1960-2020, rounded. */
export const FACTOR_MEAN: readonly number[] = [3.5, 5.0, 0, 0, 0, 0.2];
export const FACTOR_SD: readonly number[] = [2.3, 2.8, 0.35, 0.25, 0.18, 0.8];

/** Months simulated and dropped before the sample. */
export const BURN_IN = 240;

const NAMES = ['INFLATION', 'RATE', 'RATE_CHANGE', 'CREDIT_CHANGE', 'UNEMPLOYMENT_CHANGE', 'GROWTH'];
const UNITS = ['pp', 'pp', 'pp', 'pp', 'pp', 'log-%'];
const TRANSFORMS = ['yoy', 'none', 'diff', 'diff', 'diff', 'dlog'];

/** Names and units of the simulated factors; all are published at once. */
export const SIMULATED_FACTORS: readonly FactorMeta[] = NAMES.map((name, j) => ({
  name,
  role: 'factor',
  unit: UNITS[j],
  transform: TRANSFORMS[j],
  releaseLag: 0,
  source: 'simulated',
}));

/** A: row <- column, effect of last month's factor on this month's, before rescaling. */
const TRANSITION = matrix(
  [0.96, 0.965, 0.3, 0.2, 0.25, 0.35],
  [
    [INFLATION, UNEMPLOYMENT, -0.05],
    [INFLATION, GROWTH, 0.04],
    [RATE, INFLATION, 0.02],
    [RATE, RATE_CHANGE, 0.05],
    [RATE_CHANGE, INFLATION, 0.08],
    [RATE_CHANGE, RATE, -0.08],
    [RATE_CHANGE, UNEMPLOYMENT, -0.15],
    [RATE_CHANGE, GROWTH, 0.1],
    [CREDIT, GROWTH, -0.1],
    [CREDIT, RATE, 0.03],
    [UNEMPLOYMENT, GROWTH, -0.3],
    [UNEMPLOYMENT, CREDIT, 0.15],
    [GROWTH, CREDIT, -0.15],
    [GROWTH, UNEMPLOYMENT, -0.1],
    [GROWTH, RATE, -0.05],
  ],
);

const SHOCK_CORRELATION_PAIRS: readonly (readonly [number, number, number])[] = [
  [INFLATION, RATE_CHANGE, 0.2],
  [INFLATION, UNEMPLOYMENT, -0.2],
  [INFLATION, GROWTH, 0.1],
  [INFLATION, RATE, 0.2],
  [RATE, RATE_CHANGE, 0.7],
  [RATE, CREDIT, -0.2],
  [RATE, GROWTH, 0.15],
  [RATE_CHANGE, CREDIT, -0.3],
  [RATE_CHANGE, GROWTH, 0.25],
  [RATE_CHANGE, UNEMPLOYMENT, -0.2],
  [CREDIT, GROWTH, -0.35],
  [CREDIT, UNEMPLOYMENT, 0.3],
  [UNEMPLOYMENT, GROWTH, -0.45],
];

/** Covariance of the shocks before rescaling: SD sqrt(1 - A_jj^2), correlations as listed. */
const SHOCK_COVARIANCE = shockCovariance();

/** z_t = A z_{t-1} + C e_t with e_t ~ N(0, I), rescaled so that every z_j has variance 1. All matrices [6][6]. */
export interface MacroProcess {
  readonly transition: Float64Array;
  /** Lower Cholesky factor C of the shocks' covariance. */
  readonly shock: Float64Array;
  /** Covariance of z, a correlation matrix after the rescaling. */
  readonly covariance: Float64Array;
}

/**
 * The simulated economy: a VAR(1) in population-standardised factors.
 *
 * With S the stationary covariance of the unscaled process, S = A S A' + Q, and D = diag(S)^(-1/2), the process
 * D z has transition D A D^-1, shocks D C and unit variances.
 */
export function macroProcess(): MacroProcess {
  const stationary = stationaryCovariance(TRANSITION, SHOCK_COVARIANCE);
  const scale = Float64Array.from({ length: FACTORS }, (_, j) => 1 / Math.sqrt(stationary[j * FACTORS + j]));
  const shock = semidefiniteCholesky(SHOCK_COVARIANCE, FACTORS);
  return {
    transition: TRANSITION.map((a, i) => (a * scale[Math.floor(i / FACTORS)]) / scale[i % FACTORS]),
    shock: shock.map((c, i) => c * scale[Math.floor(i / FACTORS)]),
    covariance: stationary.map((s, i) => s * scale[Math.floor(i / FACTORS)] * scale[i % FACTORS]),
  };
}

/** Draws `months` of z, [month][factor], of which callers drop the first {@link BURN_IN}; starts from zero. */
export function simulateMacro(random: Random, months: number): Float64Array {
  const { transition, shock } = macroProcess();
  const z = new Float64Array(months * FACTORS);
  const draw = new Float64Array(FACTORS);
  for (let t = 0; t < months; t++) {
    for (let j = 0; j < FACTORS; j++) draw[j] = random.normal();
    for (let i = 0; i < FACTORS; i++) {
      let next = 0;
      for (let j = 0; j < FACTORS; j++) {
        if (t > 0) next += transition[i * FACTORS + j] * z[(t - 1) * FACTORS + j];
        next += shock[i * FACTORS + j] * draw[j];
      }
      z[t * FACTORS + i] = next;
    }
  }
  return z;
}

/** S of S = A S A' + Q by doubling: S <- S + M S M', M <- M M; 40 rounds sum 2^40 terms. */
function stationaryCovariance(transition: Float64Array, shocks: Float64Array): Float64Array {
  let sum = shocks;
  let power = transition;
  for (let round = 0; round < 40; round++) {
    const added = multiply(multiply(power, sum), transpose(power));
    sum = sum.map((s, i) => s + added[i]);
    power = multiply(power, power);
  }
  return sum;
}

function shockCovariance(): Float64Array {
  const sd = Array.from({ length: FACTORS }, (_, j) => Math.sqrt(1 - TRANSITION[j * FACTORS + j] ** 2));
  const correlation = matrix(
    [1, 1, 1, 1, 1, 1],
    SHOCK_CORRELATION_PAIRS.flatMap(([i, j, value]) => [
      [i, j, value],
      [j, i, value],
    ]),
  );
  return correlation.map((c, i) => c * sd[Math.floor(i / FACTORS)] * sd[i % FACTORS]);
}

function matrix(diagonal: readonly number[], entries: readonly (readonly number[])[]): Float64Array {
  const out = new Float64Array(FACTORS * FACTORS);
  for (let j = 0; j < FACTORS; j++) out[j * FACTORS + j] = diagonal[j];
  for (const [i, j, value] of entries) out[i * FACTORS + j] = value;
  return out;
}

function multiply(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((_, cell) => {
    const i = Math.floor(cell / FACTORS);
    let sum = 0;
    for (let k = 0; k < FACTORS; k++) sum += a[i * FACTORS + k] * b[k * FACTORS + (cell % FACTORS)];
    return sum;
  });
}

function transpose(a: Float64Array): Float64Array {
  return a.map((_, cell) => a[(cell % FACTORS) * FACTORS + Math.floor(cell / FACTORS)]);
}
