import type { Random } from '@macrograd/core';
import { delayedEffect, type Effect, interactionEffect, lagWeights, linearEffect, thresholdEffect } from './effects.js';
import type { Loading } from './loadings.js';
import { CREDIT, FACTORS, GROWTH, INFLATION, RATE, RATE_CHANGE } from './macro_process.js';
import { drawdownEffect, hysteresisEffect, tighteningEffect, uncertaintyEffect } from './path_effects.js';

/** How simulated returns depend on macro. */
export type MacroProcessId =
  | 'const'
  | 'random_walk'
  | 'threshold'
  | 'lags'
  | 'interaction'
  | 'mixed'
  | 'path'
  | 'drawdown'
  | 'uncertainty';

/** Those, and the market-like world. */
export type ProcessId = MacroProcessId | 'market';

export interface Process {
  /** Factors whose exposures are scored. */
  readonly scored: readonly number[];
  /** Which exposure is scored. */
  readonly kind: 'contemporaneous' | 'cumulative';
  /** Makes the world's effects and common paths once, and returns what draws one asset's loadings. */
  assets(z: Float64Array, common: Random, burnIn: number): (random: Random) => Loading[];
}

/** Mean and SD over assets of the linear coefficients, % a month per population SD of the factor. */
const COEFFICIENT_MEAN = [-0.5, -0.2, -0.8, -1.2, -0.3, 0.7];
const COEFFICIENT_SD = [0.7, 0.4, 0.8, 0.8, 0.5, 0.6];

/** SD of a drifting coefficient's monthly step over the coefficient's SD across assets. */
const STEP_SHARE = 0.05;

const ALL = [...COEFFICIENT_MEAN.keys()];

/** Every process by name. */
export const processes: Readonly<Record<MacroProcessId, Process>> = {
  const: { scored: ALL, kind: 'contemporaneous', assets: (z) => constantLoadings(z, ALL) },
  random_walk: {
    scored: ALL,
    kind: 'contemporaneous',
    assets: (z, common, burnIn) => driftingLoadings(z, ALL, common, burnIn),
  },
  threshold: {
    scored: [INFLATION],
    kind: 'contemporaneous',
    assets: (z) => together(constantLoadings(z, except(INFLATION)), thresholdLoading(z)),
  },
  lags: {
    scored: [RATE_CHANGE],
    kind: 'cumulative',
    assets: (z) => together(constantLoadings(z, except(RATE_CHANGE)), delayedLoading(z)),
  },
  interaction: {
    scored: [RATE, CREDIT],
    kind: 'contemporaneous',
    assets: (z) => together(constantLoadings(z, except(CREDIT)), creditLoading(interactionEffect(z))),
  },
  mixed: {
    scored: [INFLATION, RATE, CREDIT],
    kind: 'contemporaneous',
    assets: (z, common, burnIn) =>
      together(
        constantLoadings(z, except(INFLATION, RATE_CHANGE, CREDIT, GROWTH)),
        thresholdLoading(z),
        delayedLoading(z),
        creditLoading(interactionEffect(z)),
        driftingLoadings(z, [GROWTH], common, burnIn),
      ),
  },
  path: {
    scored: [CREDIT, GROWTH],
    kind: 'contemporaneous',
    assets: (z) =>
      together(
        constantLoadings(z, except(CREDIT, GROWTH)),
        creditLoading(tighteningEffect(z)),
        regimeLoading(hysteresisEffect(z)),
      ),
  },
  drawdown: {
    scored: [CREDIT],
    kind: 'contemporaneous',
    assets: (z) => together(constantLoadings(z, except(CREDIT)), creditLoading(drawdownEffect(z))),
  },
  uncertainty: {
    scored: [GROWTH],
    kind: 'contemporaneous',
    assets: (z) => together(constantLoadings(z, except(GROWTH)), regimeLoading(uncertaintyEffect(z))),
  },
};

type Draw = (random: Random) => Loading[];

function except(...dropped: number[]): number[] {
  return ALL.filter((factor) => !dropped.includes(factor));
}

function together(...draws: Draw[]): Draw {
  return (random) => draws.flatMap((draw) => draw(random));
}

function constantLoadings(z: Float64Array, factors: readonly number[]): Draw {
  const effects = factors.map((factor) => linearEffect(z, factor));
  return (random) =>
    factors.map((factor, i) => ({
      effect: effects[i],
      coefficient: COEFFICIENT_MEAN[factor] + COEFFICIENT_SD[factor] * random.normal(),
    }));
}

/** Coefficients that walk from the first month after the burn-in on; half of a step's variance is common to all assets. */
function driftingLoadings(z: Float64Array, factors: readonly number[], common: Random, burnIn: number): Draw {
  const months = z.length / FACTORS;
  const walk = (random: Random): Float64Array => {
    let level = 0;
    return Float64Array.from({ length: months }, (_, t) => {
      if (t >= burnIn) level += Math.SQRT1_2 * STEP_SHARE * random.normal();
      return level;
    });
  };
  const effects = factors.map((factor) => linearEffect(z, factor));
  const shared = factors.map(() => walk(common));
  return (random) =>
    factors.map((factor, i) => {
      const start = COEFFICIENT_MEAN[factor] + COEFFICIENT_SD[factor] * random.normal();
      const own = walk(random);
      return {
        effect: effects[i],
        coefficient: own.map((step, t) => start + COEFFICIENT_SD[factor] * (step + shared[i][t])),
        stepVariance: (STEP_SHARE * COEFFICIENT_SD[factor]) ** 2,
      };
    });
}

function thresholdLoading(z: Float64Array): Draw {
  const effect = thresholdEffect(z);
  return (random) => {
    const sign = random.uniform() < 0.8 ? 1 : -1;
    return [{ effect, coefficient: sign * (1.2 + 0.5 * Math.abs(random.normal())) }];
  };
}

function delayedLoading(z: Float64Array): Draw {
  const effects = [3, 4, 5, 6].map((peak) => delayedEffect(z, lagWeights(peak)));
  return (random) => [{ effect: effects[random.integer(effects.length)], coefficient: -2.5 + 1.5 * random.normal() }];
}

function creditLoading(effect: Effect): Draw {
  return (random) => [{ effect, coefficient: -1.5 + 0.8 * random.normal() }];
}

function regimeLoading(effect: Effect): Draw {
  return (random) => {
    const sign = random.uniform() < 0.5 ? 1 : -1;
    return [{ effect, coefficient: sign * (1 + 0.4 * Math.abs(random.normal())) }];
  };
}
