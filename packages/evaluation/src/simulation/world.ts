import { ArgumentError, monthEndOfIndex, type Panel, Random } from '@macrograd/core';
import { expectedReturns, type Loading, trueExposures } from './loadings.js';
import { BURN_IN, FACTOR_MEAN, FACTOR_SD, FACTORS, SIMULATED_FACTORS, simulateMacro } from './macro_process.js';
import { simulateMarketWorld } from './market_world.js';
import { type ProcessId, processes } from './processes.js';
import { simulatedPanel, variance } from './simulated_panel.js';

export interface WorldOptions {
  readonly process: ProcessId;
  readonly seed: number;
  /** Rows: months, default 600; weeks of the market-like world, default 1,000. */
  readonly months?: number;
  /** Default 200. */
  readonly assets?: number;
  /** Share of each asset's variance over the sample that macro explains; default .3. */
  readonly r2?: number;
}

/** A data set whose exposures are known. */
export interface World {
  readonly process: ProcessId;
  readonly seed: number;
  readonly r2: number;
  /** Factors in their own units, returns in decimals a month. */
  readonly panel: Panel;
  readonly truth: Truth;
  /** E[r_it] given macro, [date][asset], decimal. */
  readonly expected: Float64Array;
  /** Each asset's shares in the world's effects, whose paths begin `burnIn` rows before the sample. */
  readonly loadings: readonly (readonly Loading[])[];
  readonly burnIn: number;
}

/** True exposures of a world. */
export interface Truth {
  readonly kind: 'contemporaneous' | 'cumulative';
  /** [asset][date][factor], states left out; decimal return per one population SD of the factor. */
  readonly exposure: Float64Array;
  /** Population SD of every series, states last: `exposure` over it is per one unit, times a training SD per training SD. */
  readonly factorSd: readonly number[];
  /** Factors that the process is scored on. */
  readonly scored: readonly number[];
}

/**
 * Simulates a universe with known exposures: macro from a VAR(1), expected returns from the process, and normal noise
 * scaled per asset so that macro explains the asked share of variance.
 *
 * @example
 * const { panel, truth } = simulateWorld({ process: 'threshold', seed: 1, assets: 50 });
 */
export function simulateWorld(options: WorldOptions): World {
  const { process: id, seed, months = 600, assets = 200, r2 = 0.3 } = options;
  if (!(r2 > 0 && r2 < 1)) throw new ArgumentError(`an R2 of ${r2} does not lie between 0 and 1`);
  if (id === 'market') return simulateMarketWorld({ seed, weeks: options.months ?? 1000, assets, r2 });
  const process = processes[id];
  // Streams of their own: macro history and coefficients do not change with the number of assets or the R2.
  const random = new Random(seed);
  const z = simulateMacro(random.fork(1), BURN_IN + months);
  const draw = process.assets(z, random.fork(2), BURN_IN);
  const sample = { start: BURN_IN, end: BURN_IN + months };
  const all: Loading[][] = [];
  const exposure = new Float64Array(assets * months * FACTORS);
  const expected = new Float64Array(months * assets);
  const returns = new Float64Array(months * assets);
  for (let asset = 0; asset < assets; asset++) {
    const loadings = draw(random.fork(1000 + 2 * asset));
    all.push(loadings);
    const own = expectedReturns(loadings, sample);
    exposure.set(trueExposures(loadings, sample, FACTORS, process.kind), asset * months * FACTORS);
    const noise = random.fork(1001 + 2 * asset);
    const noiseSd = Math.sqrt((variance(own) * (1 - r2)) / r2);
    for (let t = 0; t < months; t++) {
      expected[t * assets + asset] = own[t];
      returns[t * assets + asset] = own[t] + noiseSd * noise.normal();
    }
  }
  return {
    process: id,
    seed,
    r2,
    panel: worldPanel(z, returns, months, assets),
    truth: { kind: process.kind, exposure, factorSd: FACTOR_SD, scored: process.scored },
    expected,
    loadings: all,
    burnIn: BURN_IN,
  };
}

function worldPanel(z: Float64Array, returns: Float64Array, months: number, assets: number): Panel {
  const axis = { frequency: 'M', dates: Int32Array.from({ length: months }, (_, t) => monthEndOfIndex(t)) } as const;
  const values = z.subarray(BURN_IN * FACTORS).map((x, i) => FACTOR_MEAN[i % FACTORS] + FACTOR_SD[i % FACTORS] * x);
  return simulatedPanel({ axis, factors: SIMULATED_FACTORS, values }, returns, assets);
}
