import { ArgumentError } from '@macrograd/core';
import type { RegressionPanel } from './linear.js';
import { type RunOptions, runNative } from './native.js';

/** Options of {@link thresholdSearch}. */
export interface ThresholdSearchOptions extends RunOptions {
  /** [variable][row]: what may cross a threshold; a row with NaN is used by no asset. */
  readonly variables: Float64Array;
  /** Share of the rows that each side keeps at least; default .15. */
  readonly trimming?: number;
  /** Most thresholds that are tried for a variable, by quantiles; default 200. */
  readonly candidates?: number;
  /** Bootstrap samples; default 499, 0 = no p-values. */
  readonly replications?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Coverage of the interval for the threshold; default .9. */
  readonly confidence?: number;
  /** Fewest returns of an asset; default twice the columns + 2. */
  readonly minObservations?: number;
}

/** Parts of a set of thresholds, [lower, upper] each. */
export type ThresholdRegion = readonly (readonly [lower: number, upper: number])[];

/** Thresholds of every asset, and after them (last entry of each array) the one of all assets together. */
export interface Thresholds {
  /** Number of the variable. */
  readonly variable: Uint32Array;
  /** Rows with the variable at or below it are the lower regime; NaN = not estimated. */
  readonly threshold: Float64Array;
  /** Interval of the threshold (Hansen 2000): the least one that holds its region. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /**
   * Thresholds that the likelihood ratio does not refuse, in parts [lower, upper] that do not meet, ascending; several
   * where a second threshold fits nearly as well. Empty where nothing was estimated.
   */
  readonly regions: readonly ThresholdRegion[];
  /** Largest Wald statistic over all variables and thresholds; together: of its sum over assets. */
  readonly statistic: Float64Array;
  /** Against no threshold at all, by wild bootstrap; NaN without. */
  readonly pValue: Float64Array;
}

/**
 * Thresholds at which all coefficients of a regression change, with a test against none (Hansen 1996, 2000); formulae in
 * docs/methods/threshold.md.
 *
 * @example
 * const found = await thresholdSearch(panel, { variables: inflation });
 * found.pValue[panel.assets]; // of one threshold for all assets
 */
export function thresholdSearch(panel: RegressionPanel, options: ThresholdSearchOptions): Promise<Thresholds> {
  const own = {
    variables: options.variables.slice(),
    trimming: options.trimming ?? 0.15,
    candidates: whole('candidates', options.candidates ?? 200),
    replications: whole('replications', options.replications ?? 499),
    seed: whole('seed', options.seed ?? 1),
    confidence: options.confidence ?? 0.9,
    minObservations: whole('minObservations', options.minObservations ?? 2 * panel.columns + 2),
  };
  const copy = ownedPanel(panel);
  const found = runNative((kernel, run) => kernel.linearThresholds(copy, own, ...run), options);
  return found.then(({ region, parts, ...rest }) => ({ ...rest, regions: regionsOf(region, parts) }));
}

function regionsOf(ends: Float64Array, parts: Uint32Array): ThresholdRegion[] {
  let next = 0;
  return Array.from(parts, (count) => Array.from({ length: count }, () => [ends[next++], ends[next++]] as const));
}

/** Options of {@link markovRegression}. */
export interface MarkovRegressionOptions extends RunOptions {
  /** 2 (default) or 3. */
  readonly regimes?: number;
  /** Whether the noise switches as well; default true. */
  readonly switchingNoise?: boolean;
  /** Starting points; default 8. */
  readonly starts?: number;
  /** Of the drawn ones; default 1. */
  readonly seed?: number;
  /** Share of the returns that every regime must hold; default .05. */
  readonly leastShare?: number;
  /** Fewest returns of an asset; default regimes times (columns + 2). */
  readonly minObservations?: number;
}

/** Markov-switching regressions, regimes by ascending noise; NaN where an asset was not estimated. */
export interface MarkovRegression {
  /** [asset][regime][column]. */
  readonly coefficients: Float64Array;
  /** [asset][regime][column], by the observed information. */
  readonly variances: Float64Array;
  /** [asset][regime], variance of the noise. */
  readonly noise: Float64Array;
  /** [asset][from][to], probabilities. */
  readonly transition: Float64Array;
  /** [asset][row][regime], probabilities given data up to the row. */
  readonly filtered: Float64Array;
  /** [asset][row][regime], given all data: uses the future. */
  readonly smoothed: Float64Array;
  /** [asset]. */
  readonly logLikelihood: Float64Array;
  /** [asset], returns used. */
  readonly observations: Uint32Array;
  /** [asset], 1 where the score vanished and every regime holds its share. */
  readonly converged: Uint8Array;
}

/**
 * Regressions whose coefficients and noise switch with a hidden Markov chain of each asset's own (Hamilton 1989), by
 * maximum likelihood from several starts; formulae in docs/methods/markov.md.
 *
 * @example
 * const fit = await markovRegression(panel, { regimes: 2 });
 * fit.filtered.subarray(-2); // of the last asset's regimes at the last row
 */
export function markovRegression(
  panel: RegressionPanel,
  options: MarkovRegressionOptions = {},
): Promise<MarkovRegression> {
  const regimes = whole('regimes', options.regimes ?? 2);
  const own = {
    regimes,
    switchingNoise: options.switchingNoise ?? true,
    starts: whole('starts', options.starts ?? 8),
    seed: whole('seed', options.seed ?? 1),
    leastShare: options.leastShare ?? 0.05,
    minObservations: whole('minObservations', options.minObservations ?? regimes * (panel.columns + 2)),
  };
  const copy = ownedPanel(panel);
  return runNative((kernel, run) => kernel.linearMarkov(copy, own, ...run), options);
}

function whole(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 0) throw new ArgumentError(`${name} is ${value}`, 'give a whole number');
  return value;
}

/** Typed arrays must not change while native threads read them, so the call owns copies. */
function ownedPanel(panel: RegressionPanel) {
  return { ...panel, design: panel.design.slice(), returns: panel.returns.slice() };
}
