import { type Panel, Random, type Span } from '@macrograd/core';
import {
  adaptiveBenjaminiHochberg,
  Basis,
  benjaminiHochberg,
  doubleSelection,
  knockoffScreen,
  screenFactors,
  stabilitySelection,
  twoSidedStudentPValue,
} from '@macrograd/exposure';
import { expectedReturns, type Loading } from './loadings.js';
import { BURN_IN, FACTORS, simulateMacro } from './macro_process.js';
import { type MacroProcessId, processes } from './processes.js';
import { simulateWorld, type World } from './world.js';

export interface ScreeningOptions {
  readonly process: MacroProcessId;
  readonly worlds: number;
  /** Default 600. */
  readonly months?: number;
  /** Default 20. */
  readonly assets?: number;
  /** Default .3. */
  readonly r2?: number;
  /** Share of an asset's effects that are exactly zero; 1 = pure noise. Default .5. */
  readonly zeroShare?: number;
  /** Of the first world; the others follow. Default 1. */
  readonly seed?: number;
  /** False-discovery rate asked for; default .10. */
  readonly level?: number;
  /** Default all; scores of the others are NaN. */
  readonly procedures?: readonly ScreeningProcedure[];
}

/** How one procedure did over worlds. */
export interface ScreeningScore {
  /** Mean over worlds of the share of false discoveries among all, and its Monte Carlo error. */
  readonly falseDiscoveryRate: number;
  readonly error: number;
  /** Share of worlds with any discovery: under pure noise every one is false. */
  readonly anyRate: number;
  /** Share of the pairs with an effect that are found; NaN without effects. */
  readonly power: number;
  /** The same among effects of at least 4.5 standard errors of a regression that knows their form. */
  readonly strongPower: number;
}

/** Procedures that are compared, by name. */
export const SCREENING_PROCEDURES = ['screen', 'leastSquares', 'doubleSelection', 'stability', 'knockoff'] as const;

export type ScreeningProcedure = (typeof SCREENING_PROCEDURES)[number];

/** The screen, Benjamini-Hochberg on the t-tests of least squares with independent errors, and what else was asked for. */
export type ScreeningResult = Readonly<Record<ScreeningProcedure, ScreeningScore>>;

/** Standard errors from which an effect counts as strong. */
const STRONG = 4.5;

/** Noise of an asset that nothing moves, decimal a month. */
const IDLE_NOISE = 0.05;

/**
 * Realised false discoveries and power of the screen over simulated worlds in which a share of the effects is zero.
 *
 * @example
 * const { screen } = runScreening({ process: 'const', worlds: 400 });
 * console.log(screen.falseDiscoveryRate, screen.power);
 */
export function runScreening(options: ScreeningOptions): ScreeningResult {
  const { worlds, months = 600, seed = 1, level = 0.1 } = options;
  const { procedures = SCREENING_PROCEDURES } = options;
  const tallies = new Map(procedures.map((procedure) => [procedure, new Tally()]));
  for (let world = 0; world < worlds; world++) {
    const { panel, matters, strong } = screeningWorld(options, seed + world);
    for (const [procedure, tally] of tallies) {
      tally.add(selectors[procedure](panel, { start: 0, end: months }, level), matters, strong);
    }
  }
  const scores = SCREENING_PROCEDURES.map((procedure) => [procedure, (tallies.get(procedure) ?? new Tally()).score()]);
  return Object.fromEntries(scores) as ScreeningResult;
}

/** Pairs that each procedure selects at a level, [asset][factor]. */
const selectors: Readonly<Record<ScreeningProcedure, (panel: Panel, span: Span, level: number) => Uint8Array>> = {
  screen: (panel, span, level) => adaptiveBenjaminiHochberg(screenFactors(panel, span).pValue, level).selected,
  leastSquares: (panel, _, level) => benjaminiHochberg(leastSquaresPValues({ panel }), level).selected,
  doubleSelection: (panel, span, level) => adaptiveBenjaminiHochberg(doubleSelection(panel, span), level).selected,
  stability: (panel, span, level) => stabilitySelection(panel, span, { level }).selected,
  knockoff: (panel, span, level) => knockoffScreen(panel, span, { level }).selected,
};

/** A world whose effects are partly zero, with the pairs that matter, [asset][factor]. */
function screeningWorld(options: ScreeningOptions, seed: number) {
  const { process, months = 600, assets = 20, r2 = 0.3, zeroShare = 0.5 } = options;
  const { panel } = simulateWorld({ process, seed, months, assets, r2 });
  const random = new Random(seed);
  const z = simulateMacro(random.fork(1), BURN_IN + months);
  const draw = processes[process].assets(z, random.fork(2), BURN_IN);
  const returns = new Float64Array(months * assets);
  const matters = new Uint8Array(assets * FACTORS);
  const strong = new Uint8Array(assets * FACTORS);
  for (let asset = 0; asset < assets; asset++) {
    const noise = random.fork(1_000_001 + asset);
    const kept = draw(random.fork(1000 + 2 * asset)).filter(() => noise.uniform() >= zeroShare);
    const own = expectedReturns(kept, { start: BURN_IN, end: BURN_IN + months });
    const noiseSd = kept.length > 0 ? standardDeviation(own) * Math.sqrt((1 - r2) / r2) : IDLE_NOISE;
    for (let t = 0; t < months; t++) returns[t * assets + asset] = own[t] + noiseSd * noise.normal();
    kept.forEach((loading, at) => {
      const size = oracleSize(kept, at, months, noiseSd);
      for (const { factor } of loading.effect.slopes) {
        matters[asset * FACTORS + factor] = 1;
        // Only the factor that an effect is named for, its first slope, has the effect's whole size.
        if (factor === loading.effect.slopes[0].factor && size >= STRONG) strong[asset * FACTORS + factor] = 1;
      }
    });
  }
  return { panel: { ...panel, returns }, matters, strong };
}

/** An effect over the standard error of a regression on all effects that the asset has. */
function oracleSize(loadings: readonly Loading[], at: number, months: number, noiseSd: number): number {
  const paths = loadings.map((loading) => expectedReturns([loading], { start: BURN_IN, end: BURN_IN + months }));
  const basis = Basis.empty.with([new Float64Array(months).fill(1), ...paths.filter((_, other) => other !== at)]);
  const left = basis.residual(paths[at]);
  return Math.sqrt(left.reduce((sum, x) => sum + x * x, 0)) / noiseSd;
}

function standardDeviation(values: Float64Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}

/** t-tests of least squares on all factors, [asset][factor]. */
function leastSquaresPValues({ panel }: Pick<World, 'panel'>): Float64Array {
  const { inputs, assets, returns } = panel;
  const rows = panel.axis.dates.length;
  const columns = inputs.factors.map((_, j) =>
    Float64Array.from({ length: rows }, (_, t) => inputs.values[t * FACTORS + j]),
  );
  const out = new Float64Array(assets.length * FACTORS);
  columns.forEach((column, factor) => {
    const basis = Basis.empty.with([new Float64Array(rows).fill(1), ...columns.filter((other) => other !== column)]);
    const left = basis.residual(column);
    const length = left.reduce((sum, x) => sum + x * x, 0);
    const degrees = rows - FACTORS - 1;
    assets.forEach((_, asset) => {
      const residual = basis.residual(
        Float64Array.from({ length: rows }, (_, t) => returns[t * assets.length + asset]),
      );
      const coefficient = left.reduce((sum, x, t) => sum + x * residual[t], 0) / length;
      const squares = residual.reduce((sum, e, t) => sum + (e - coefficient * left[t]) ** 2, 0);
      const t = coefficient / Math.sqrt(squares / degrees / length);
      out[asset * FACTORS + factor] = twoSidedStudentPValue(t, degrees);
    });
  });
  return out;
}

/** Discoveries over worlds. */
class Tally {
  private readonly falseShares: number[] = [];
  private any = 0;
  private readonly found = { all: 0, strong: 0 };
  private readonly there = { all: 0, strong: 0 };

  add(selected: Uint8Array, matters: Uint8Array, strong: Uint8Array): void {
    let [right, wrong] = [0, 0];
    selected.forEach((chosen, cell) => {
      this.there.all += matters[cell];
      this.there.strong += strong[cell];
      if (chosen === 0) return;
      this.found.all += matters[cell];
      this.found.strong += strong[cell];
      right += matters[cell];
      wrong += 1 - matters[cell];
    });
    this.falseShares.push(wrong / Math.max(1, right + wrong));
    if (right + wrong > 0) this.any++;
  }

  score(): ScreeningScore {
    const shares = Float64Array.from(this.falseShares);
    return {
      falseDiscoveryRate: shares.reduce((sum, x) => sum + x, 0) / shares.length,
      error: standardDeviation(shares) / Math.sqrt(shares.length),
      anyRate: this.any / shares.length,
      power: this.found.all / this.there.all,
      strongPower: this.found.strong / this.there.strong,
    };
  }
}
