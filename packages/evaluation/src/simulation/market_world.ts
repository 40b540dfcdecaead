import { type FactorMeta, type Panel, Random, semidefiniteCholesky, weekEnd } from '@macrograd/core';
import { conditioned, type Effect, linearEffect, scaledEffect } from './effects.js';
import { expectedReturns, type Loading, trueExposures } from './loadings.js';
import { simulatedPanel, variance } from './simulated_panel.js';
import type { World } from './world.js';

/** Size and noise of a market-like world. */
export interface MarketWorldOptions {
  readonly seed: number;
  /** Default 1,000. */
  readonly weeks?: number;
  /** Default 200. */
  readonly assets?: number;
  /** Default .3. */
  readonly r2?: number;
}

/** Weeks simulated and dropped before the sample. */
const BURN_IN = 200;
/** Weekly SDs of the moves of a 10-year yield, breakeven, credit spread, the dollar and oil: US, 2003-2023, rounded. */
const FACTOR_SD = [0.12, 0.08, 0.06, 1.1, 4.5] as const;
const NAMES = ['RATE', 'BREAKEVEN', 'CREDIT', 'DOLLAR', 'OIL'] as const;
const MOVES = NAMES.length;
const CREDIT = 2;
const RATE = 0;
/** Column of the state: the level of stress. */
const STRESS = MOVES;
const COLUMNS = MOVES + 1;

const CORRELATION = Float64Array.of(
  ...[1, 0.4, -0.35, 0.15, 0.2],
  ...[0.4, 1, -0.4, -0.2, 0.45],
  ...[-0.35, -0.4, 1, 0.2, -0.3],
  ...[0.15, -0.2, 0.2, 1, -0.3],
  ...[0.2, 0.45, -0.3, -0.3, 1],
);

/** Mean and SD over assets of the exposures at no stress, % a week per factor SD. */
const BETA_MEAN = [-0.3, 0.2, -1, -0.3, 0.4];
const BETA_SD = [0.5, 0.3, 0.6, 0.4, 0.5];
/** A drifting exposure's weekly step over its SD across assets. */
const STEP_SHARE = 0.025;
/** With tanh(stress), credit counts up to half more or less, and the exposure to rates moves by up to half a %. */
const CREDIT_SWING = 0.5;
const RATE_SWING = 0.5;
/** Share of residual variance that all assets have in common. */
const MARKET_SHARE = 0.5;
/** GARCH(1,1): h = .03 + .07 e^2 + .90 h, variance 1. */
const GARCH = { constant: 0.03, news: 0.07, memory: 0.9 };

const FACTORS: readonly FactorMeta[] = [...NAMES, 'STRESS'].map((name, j) => ({
  name,
  role: j === STRESS ? 'state' : 'factor',
  unit: name === 'DOLLAR' || name === 'OIL' ? 'log-%' : 'pp',
  transform: j === STRESS ? 'none' : name === 'DOLLAR' || name === 'OIL' ? 'dlog' : 'diff',
  releaseLag: 0,
  source: 'simulated',
}));

/**
 * A world with what markets have and clean worlds lack: weekly moves and residuals with volatility clusters and t(4)
 * tails, a market residual that is half of the noise, exposures that drift, and exposures to credit and rates that move
 * with a persistent level of stress.
 */
export function simulateMarketWorld({ seed, weeks = 1000, assets = 200, r2 = 0.3 }: MarketWorldOptions): World {
  const random = new Random(seed);
  const macro = simulateMoves(random.fork(1), weeks);
  const common = random.fork(2);
  const sharedDrift = BETA_SD.map(() => walk(common, weeks));
  const market = clusteredSeries(random.fork(3), weeks);
  const effects = marketEffects(macro);
  const sample = { start: 0, end: weeks };
  const all: Loading[][] = [];
  const exposure = new Float64Array(assets * weeks * MOVES);
  const expected = new Float64Array(weeks * assets);
  const returns = new Float64Array(weeks * assets);
  for (let asset = 0; asset < assets; asset++) {
    const loadings = marketLoadings(random.fork(1000 + 2 * asset), effects, sharedDrift);
    all.push(loadings);
    const own = expectedReturns(loadings, sample);
    exposure.set(trueExposures(loadings, sample, MOVES, 'contemporaneous'), asset * weeks * MOVES);
    const noise = clusteredSeries(random.fork(1001 + 2 * asset), weeks);
    const noiseSd = Math.sqrt((variance(own) * (1 - r2)) / r2);
    for (let t = 0; t < weeks; t++) {
      expected[t * assets + asset] = own[t];
      const residual = Math.sqrt(MARKET_SHARE) * market[t] + Math.sqrt(1 - MARKET_SHARE) * noise[t];
      returns[t * assets + asset] = own[t] + noiseSd * residual;
    }
  }
  const factorSd = [...FACTOR_SD, 1];
  return {
    process: 'market',
    seed,
    r2,
    panel: marketPanel(macro, returns, weeks, assets, factorSd),
    truth: { kind: 'contemporaneous', exposure, factorSd, scored: NAMES.map((_, j) => j) },
    expected,
    loadings: all,
    burnIn: 0,
  };
}

/** The moves, credit conditioned by stress, and last the move of rates times tanh(stress). */
function marketEffects(macro: Float64Array): Effect[] {
  const squeezed = linearEffect(macro, STRESS, COLUMNS).value.map((stress) => Math.tanh(stress));
  const moves = NAMES.map((_, j) => linearEffect(macro, j, COLUMNS));
  const swing = squeezed.map((s) => 1 + CREDIT_SWING * s);
  return [
    ...moves.map((move, j) => (j === CREDIT ? conditioned(move, scaledEffect(move, swing)) : move)),
    scaledEffect(moves[RATE], squeezed),
  ];
}

function marketLoadings(draw: Random, effects: readonly Effect[], shared: readonly Float64Array[]): Loading[] {
  const drifting = shared.map((common, j) => {
    const start = BETA_MEAN[j] + BETA_SD[j] * draw.normal();
    const coefficient = walk(draw, common.length).map((own, t) => start + BETA_SD[j] * (own + common[t]));
    return { effect: effects[j], coefficient, stepVariance: (STEP_SHARE * BETA_SD[j]) ** 2 };
  });
  return [...drifting, { effect: effects[MOVES], coefficient: RATE_SWING }];
}

/** [week][column]: moves in population SDs, and stress s_t = .98 s_{t-1} + .2 u_t whose shocks go with those of credit. */
function simulateMoves(random: Random, weeks: number): Float64Array {
  const lower = semidefiniteCholesky(CORRELATION, MOVES);
  const volatility = new Float64Array(MOVES).fill(1);
  const out = new Float64Array(weeks * COLUMNS);
  let stress = 0;
  for (let t = -BURN_IN; t < weeks; t++) {
    const shocks = Array.from({ length: MOVES }, () => heavyTailed(random));
    const moves = shocks.map((_, i) => {
      const correlated = shocks.reduce((sum, shock, j) => sum + (j <= i ? lower[i * MOVES + j] * shock : 0), 0);
      const move = Math.sqrt(volatility[i]) * correlated;
      volatility[i] = GARCH.constant + GARCH.news * move * move + GARCH.memory * volatility[i];
      return move;
    });
    stress = 0.98 * stress + 0.2 * (0.5 * shocks[CREDIT] + Math.sqrt(0.75) * random.normal());
    if (t >= 0) out.set([...moves, stress], t * COLUMNS);
  }
  return out;
}

/** A series of variance 1 with volatility clusters and heavy tails. */
function clusteredSeries(random: Random, weeks: number): Float64Array {
  let variance = 1;
  const next = () => {
    const value = Math.sqrt(variance) * heavyTailed(random);
    variance = GARCH.constant + GARCH.news * value * value + GARCH.memory * variance;
    return value;
  };
  for (let t = 0; t < BURN_IN; t++) next();
  return Float64Array.from({ length: weeks }, next);
}

/** Student's t with 4 degrees of freedom over its SD sqrt(2): a normal over the root of chi^2_4 / 4 = -log(u v) / 2. */
function heavyTailed(random: Random): number {
  const chiSquare = -2 * (Math.log(1 - random.uniform()) + Math.log(1 - random.uniform()));
  return (random.normal() / Math.sqrt(chiSquare / 4)) * Math.SQRT1_2;
}

/** A walk from 0 of which half of the variance of a step belongs to whoever draws it. */
function walk(random: Random, weeks: number): Float64Array {
  let level = 0;
  return Float64Array.from({ length: weeks }, () => {
    level += Math.SQRT1_2 * STEP_SHARE * random.normal();
    return level;
  });
}

function marketPanel(
  macro: Float64Array,
  returns: Float64Array,
  weeks: number,
  assets: number,
  factorSd: readonly number[],
): Panel {
  const first = weekEnd(0);
  const axis = { frequency: 'W', dates: Int32Array.from({ length: weeks }, (_, t) => first + 7 * t) } as const;
  const values = macro.map((x, i) => factorSd[i % COLUMNS] * x);
  return simulatedPanel({ axis, factors: FACTORS, values }, returns, assets);
}
