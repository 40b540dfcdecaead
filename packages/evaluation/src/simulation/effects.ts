import { CREDIT, FACTOR_MEAN, FACTOR_SD, FACTORS, INFLATION, RATE, RATE_CHANGE } from './macro_process.js';

/**
 * One channel from macro to returns: an asset with coefficient c earns c value_t, and c slope_t per population SD of
 * each listed factor. Arrays have one entry a month, burn-in included.
 */
export interface Effect {
  readonly value: Float64Array;
  /** Contemporaneous derivatives d value_t / d z_{j,t}. */
  readonly slopes: readonly { readonly factor: number; readonly values: Float64Array }[];
  /** The factor by itself and what a state adds to it: what a regression that knows the form gives a coefficient each. */
  readonly terms?: readonly Effect[];
}

/** value_t = z_{j,t}; `z` is `[row][factor]` of so many columns. */
export function linearEffect(z: Float64Array, factor: number, columns = FACTORS): Effect {
  const value = column(z, factor, columns);
  return { value, slopes: [{ factor, values: new Float64Array(value.length).fill(1) }] };
}

/** Inflation in % at which the sign of the threshold effect turns, and the width of the turn in pp. */
const TURNING_POINT = 5;
const TURNING_WIDTH = 0.5;

/** Inflation as z - 2 (s / sd) log(1 + e^((inflation - 5) / s)): slope +1 well below 5 %, -1 well above. */
export function thresholdEffect(z: Float64Array): Effect {
  const own = column(z, INFLATION);
  const distance = own.map((x) => (inPercent(x) - TURNING_POINT) / TURNING_WIDTH);
  const scale = TURNING_WIDTH / FACTOR_SD[INFLATION];
  return {
    value: own.map((x, t) => x - 2 * scale * softplus(distance[t])),
    slopes: [{ factor: INFLATION, values: distance.map((d) => 1 - 2 * logistic(d)) }],
  };
}

/** Credit x (1 + .8 z_rate). */
export function interactionEffect(z: Float64Array): Effect {
  const credit = column(z, CREDIT);
  const factor = column(z, RATE).map((rate) => 1 + 0.8 * rate);
  return conditioned(linearEffect(z, CREDIT), {
    value: credit.map((x, t) => x * factor[t]),
    slopes: [
      { factor: CREDIT, values: factor },
      { factor: RATE, values: credit.map((x) => 0.8 * x) },
    ],
  });
}

/** Lags over which the delayed effect is spread. */
export const DELAYED_LAGS = 24;

/** Weights of lags 0..23 that peak near `peak` months: w_k ~ (k + .5)^(peak / 1.5) e^(-k / 1.5), sum 1. */
export function lagWeights(peak: number): Float64Array {
  const raw = Float64Array.from({ length: DELAYED_LAGS }, (_, k) => (k + 0.5) ** (peak / 1.5) * Math.exp(-k / 1.5));
  const total = raw.reduce((sum, w) => sum + w, 0);
  return raw.map((w) => w / total);
}

/** Rate change through the given lag weights. */
export function delayedEffect(z: Float64Array, weights: Float64Array): Effect {
  const source = column(z, RATE_CHANGE);
  const value = source.map((_, t) => weights.reduce((sum, w, k) => sum + (t >= k ? w * source[t - k] : 0), 0));
  return { value, slopes: [{ factor: RATE_CHANGE, values: new Float64Array(value.length).fill(weights[0]) }] };
}

/** x_t times a state's factor that moves with time alone: its slope in x is that factor. */
export function scaledEffect(main: Effect, by: Float64Array): Effect {
  return {
    value: main.value.map((x, t) => x * by[t]),
    slopes: main.slopes.map(({ factor, values }) => ({ factor, values: values.map((x, t) => x * by[t]) })),
  };
}

/** `whole`, whose first slope is in the factor of `main`, as `main` and the rest. */
export function conditioned(main: Effect, whole: Effect): Effect {
  const [own, ...others] = whole.slopes;
  const rest = {
    value: whole.value.map((x, t) => x - main.value[t]),
    slopes: [{ factor: own.factor, values: own.values.map((x) => x - 1) }, ...others],
  };
  return { ...whole, terms: [main, rest] };
}

/** One column of `z`, which is `[row][factor]`. */
export function column(z: Float64Array, factor: number, columns = FACTORS): Float64Array {
  return Float64Array.from({ length: z.length / columns }, (_, t) => z[t * columns + factor]);
}

/** Inflation in % from its standardised value. */
export function inPercent(z: number): number {
  return FACTOR_MEAN[INFLATION] + FACTOR_SD[INFLATION] * z;
}

/** 1 / (1 + e^-x). */
export function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** log(1 + e^x) without overflow. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
