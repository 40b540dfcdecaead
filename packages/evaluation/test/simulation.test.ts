import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { simulateWorld, worldFiles } from '../src/index.js';
import { DELAYED_LAGS, lagWeights } from '../src/simulation/effects.js';
import { expectedReturns, trueExposures } from '../src/simulation/loadings.js';
import {
  BURN_IN,
  CREDIT,
  FACTOR_MEAN,
  FACTOR_SD,
  FACTORS,
  macroProcess,
  RATE,
  RATE_CHANGE,
  simulateMacro,
} from '../src/simulation/macro_process.js';
import { type MacroProcessId, processes } from '../src/simulation/processes.js';

const ALL = Object.keys(processes) as MacroProcessId[];

/** Standard error of a sample variance or correlation over n months of a series with autocorrelation rho, about. */
const momentError = (n: number, rho: number) => Math.sqrt((2 / n) * ((1 + rho * rho) / (1 - rho * rho)));

describe('macroProcess', () => {
  it('has unit variances and solves its own stationarity equation', () => {
    const { transition, shock, covariance } = macroProcess();
    for (let i = 0; i < FACTORS; i++) {
      expect(covariance[i * FACTORS + i]).toBeCloseTo(1, 12);
      for (let j = 0; j < FACTORS; j++) {
        let carried = 0;
        let fresh = 0;
        for (let a = 0; a < FACTORS; a++) {
          fresh += shock[i * FACTORS + a] * shock[j * FACTORS + a];
          for (let b = 0; b < FACTORS; b++) {
            carried += transition[i * FACTORS + a] * covariance[a * FACTORS + b] * transition[j * FACTORS + b];
          }
        }
        expect(carried + fresh).toBeCloseTo(covariance[i * FACTORS + j], 10);
      }
    }
  });

  it('keeps the own persistence of every factor', () => {
    const { transition } = macroProcess();
    const diagonal = Array.from({ length: FACTORS }, (_, j) => transition[j * FACTORS + j]);
    expect(diagonal).toEqual([0.96, 0.965, 0.3, 0.2, 0.25, 0.35]);
  });

  it('is reached by long samples: means, variances and correlations within four standard errors', () => {
    const months = 100_000;
    const z = simulateMacro(new Random(11), months);
    const { covariance } = macroProcess();
    for (let i = 0; i < FACTORS; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        let product = 0;
        for (let t = 0; t < months; t++) {
          sum += z[t * FACTORS + i];
          product += z[t * FACTORS + i] * z[t * FACTORS + j];
        }
        // .985 bounds the persistence of the level factors; mean of an AR(1): SE sqrt((1 + rho) / (1 - rho) / n).
        expect(Math.abs(sum / months)).toBeLessThan(4 * Math.sqrt(1.985 / 0.015 / months));
        expect(Math.abs(product / months - covariance[i * FACTORS + j])).toBeLessThan(4 * momentError(months, 0.985));
      }
    }
  });
});

describe('simulateWorld', () => {
  it('shows the factors in their own units and says which', () => {
    const { panel } = simulateWorld({ process: 'const', seed: 5, months: 6000, assets: 1 });
    expect(panel.inputs.factors.map(({ unit }) => unit)).toEqual(['pp', 'pp', 'pp', 'pp', 'pp', 'log-%']);
    for (let j = 0; j < FACTORS; j++) {
      const series = Array.from({ length: 6000 }, (_, t) => panel.inputs.values[t * FACTORS + j]);
      const mean = series.reduce((sum, x) => sum + x, 0) / 6000;
      const sd = Math.sqrt(series.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 6000);
      expect(Math.abs(mean - FACTOR_MEAN[j])).toBeLessThan(4 * FACTOR_SD[j] * Math.sqrt(1.985 / 0.015 / 6000));
      expect(Math.abs(sd / FACTOR_SD[j] - 1)).toBeLessThan(4 * momentError(6000, 0.985));
    }
  });

  it.each([0.03, 0.3, 0.6])('explains %f of the variance of returns', (r2) => {
    const assets = 50;
    const { panel, expected } = simulateWorld({ process: 'threshold', seed: 2, assets, r2 });
    let explained = 0;
    for (let asset = 0; asset < assets; asset++) {
      const variance = (values: Float64Array) => {
        const path = values.filter((_, i) => i % assets === asset);
        const mean = path.reduce((sum, x) => sum + x, 0) / path.length;
        return path.reduce((sum, x) => sum + (x - mean) ** 2, 0) / path.length;
      };
      explained += variance(expected) / variance(panel.returns) / assets;
    }
    // Signal and noise correlate by chance with SD 1/sqrt(600) an asset, less over 50 of them.
    expect(Math.abs(explained - r2)).toBeLessThan(0.02);
  });

  it('has returns of the size of monthly stock returns', () => {
    const { panel } = simulateWorld({ process: 'const', seed: 1 });
    const sd = Math.sqrt(panel.returns.reduce((sum, r) => sum + r * r, 0) / panel.returns.length);
    expect(sd).toBeGreaterThan(0.03);
    expect(sd).toBeLessThan(0.07);
  });

  it('is the same bit for bit from the same seed, and an asset does not depend on how many others there are', () => {
    const large = simulateWorld({ process: 'mixed', seed: 4, months: 60, assets: 5 });
    expect(simulateWorld({ process: 'mixed', seed: 4, months: 60, assets: 5 })).toEqual(large);
    const small = simulateWorld({ process: 'mixed', seed: 4, months: 60, assets: 2 });
    expect(small.panel.inputs.values).toEqual(large.panel.inputs.values);
    expect(small.panel.returns.filter((_, i) => i % 2 === 1)).toEqual(
      large.panel.returns.filter((_, i) => i % 5 === 1),
    );
    expect(small.truth.exposure).toEqual(large.truth.exposure.slice(0, 2 * 60 * FACTORS));
    expect(simulateWorld({ process: 'mixed', seed: 5, months: 60, assets: 2 }).panel.returns).not.toEqual(
      small.panel.returns,
    );
  });

  it('refuses an R2 outside 0 and 1', () => {
    expect(() => simulateWorld({ process: 'const', seed: 1, r2: 30 })).toThrow(/R2 of 30/);
  });
});

describe('true exposures', () => {
  const MONTHS = 60;
  const SAMPLE = { start: BURN_IN, end: BURN_IN + MONTHS };
  const STEP = 1e-5;
  /** Central differences of smooth functions of size .1: truncation ~ STEP^2, rounding ~ 1e-16 / STEP. */
  const DIFFERENCE_ERROR = 1e-9;

  /** Loadings of three assets on a macro history, the same draws whatever the history. */
  const loadings = (process: MacroProcessId, z: Float64Array) => {
    const draw = processes[process].assets(z, new Random(21), BURN_IN);
    return [1, 2, 3].map((seed) => draw(new Random(seed)));
  };

  it.each(ALL)('of %s are the derivatives of expected returns by central differences', (process) => {
    const z = simulateMacro(new Random(8), BURN_IN + MONTHS);
    const truth = loadings(process, z).map((own) => trueExposures(own, SAMPLE, FACTORS, 'contemporaneous'));
    for (const t of [0, 7, MONTHS - 1]) {
      for (let j = 0; j < FACTORS; j++) {
        const shifted = (by: number) => {
          const moved = z.slice();
          moved[(BURN_IN + t) * FACTORS + j] += by;
          return loadings(process, moved).map((own) => expectedReturns(own, SAMPLE)[t]);
        };
        const up = shifted(STEP);
        const down = shifted(-STEP);
        truth.forEach((exposure, asset) => {
          const difference = (up[asset] - down[asset]) / (2 * STEP);
          expect(Math.abs(exposure[t * FACTORS + j] - difference)).toBeLessThan(DIFFERENCE_ERROR);
        });
      }
    }
  });

  it('of lags cumulate to the response to a lasting shift of the rate change', () => {
    const z = simulateMacro(new Random(8), BURN_IN + MONTHS);
    const shifted = z.map((x, i) => (i % FACTORS === RATE_CHANGE ? x + 1 : x));
    const before = loadings('lags', z);
    const after = loadings('lags', shifted);
    before.forEach((own, asset) => {
      const response = expectedReturns(after[asset], SAMPLE)[DELAYED_LAGS] - expectedReturns(own, SAMPLE)[DELAYED_LAGS];
      const truth = trueExposures(own, SAMPLE, FACTORS, 'cumulative')[DELAYED_LAGS * FACTORS + RATE_CHANGE];
      expect(truth).toBeCloseTo(response, 12);
    });
  });

  it('peak at the asked lag', () => {
    for (const peak of [3, 4, 5, 6]) {
      const weights = Array.from(lagWeights(peak));
      expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 12);
      // The continuous peak of (k + .5)^(p / 1.5) e^(-k / 1.5) lies at k = p - .5.
      expect([peak - 1, peak]).toContain(weights.indexOf(Math.max(...weights)));
    }
  });

  it('turn sign at 5 % inflation in the threshold world, where four of five assets gain below it', () => {
    const { panel, truth } = simulateWorld({ process: 'threshold', seed: 3, assets: 200 });
    let gaining = 0;
    for (let asset = 0; asset < 200; asset++) {
      const path = Array.from({ length: 600 }, (_, t) => ({
        inflation: panel.inputs.values[t * FACTORS],
        exposure: truth.exposure[(asset * 600 + t) * FACTORS],
      }));
      const below = Math.sign(path.find(({ inflation }) => inflation < 4)!.exposure);
      if (below > 0) gaining++;
      expect(path.every(({ inflation, exposure }) => Math.sign(exposure) === (inflation < 5 ? below : -below))).toBe(
        true,
      );
    }
    // 160 expected, SD sqrt(200 .8 .2) = 5.7.
    expect(Math.abs(gaining - 160)).toBeLessThan(4 * 5.7);
  });

  it('of credit rise with the rate level in the interaction world', () => {
    const { panel, truth } = simulateWorld({ process: 'interaction', seed: 3, assets: 2, months: 50 });
    const level = (t: number) => (panel.inputs.values[t * FACTORS + RATE] - FACTOR_MEAN[RATE]) / FACTOR_SD[RATE];
    for (let t = 0; t < 49; t++) {
      const ratio = truth.exposure[t * FACTORS + CREDIT] / truth.exposure[49 * FACTORS + CREDIT];
      expect(ratio).toBeCloseTo((1 + 0.8 * level(t)) / (1 + 0.8 * level(49)), 8);
    }
  });
});

describe('worldFiles', () => {
  const world = simulateWorld({ process: 'lags', seed: 3, assets: 2, months: 30 });
  const files = worldFiles(world);
  const cells = (name: string) =>
    files[name]
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));

  it('holds every number of the panel to the last bit', () => {
    const numbers = (name: string) => cells(name).flatMap((line) => line.slice(1).map(Number));
    expect(numbers('macro.csv')).toEqual(Array.from(world.panel.inputs.values));
    expect(numbers('returns.csv')).toEqual(Array.from(world.panel.returns));
    expect(cells('returns.csv')[29][0]).toBe('1972-06-30');
  });

  it('holds the true exposures of the scored factor, of the scored kind', () => {
    const lines = cells('truth.csv');
    expect(lines).toHaveLength(60);
    const [asset, date, factor, kind, exposure, unit] = lines[31];
    expect([asset, date, factor, kind]).toEqual(['A1', '1970-02-28', 'RATE_CHANGE', 'cumulative']);
    expect(Number(exposure)).toBe(world.truth.exposure[31 * FACTORS + RATE_CHANGE]);
    expect(Number(unit)).toBe(Number(exposure) / FACTOR_SD[RATE_CHANGE]);
  });
});
