import { type FactorMeta, type Panel, Random } from '@macrograd/core';
import { ewmOlsEstimator } from '@macrograd/linear';
import { conditionalBetaEstimator } from '@macrograd/model';
import { describe, expect, it } from 'vitest';
import { forecastFold } from '../src/forecast.js';
import { forecastRefreshed } from '../src/refresh.js';

const ROWS = 420;
const FOLD = { index: 0, train: { start: 0, end: 300 }, test: { start: 300, end: ROWS } };
const ASSETS = 40;
const FACTORS = 3;
const SERIES = FACTORS + 1;
/** Persistence of the state: half of it is left after 13 rows, too quick for weights of half-life 60. */
const PERSISTENCE = 0.95;

const base = ewmOlsEstimator({ halfLife: 60 });
const network = { base, lookback: 8, hiddenSize: 4 };

function meta(j: number): FactorMeta {
  const role = j < FACTORS ? 'factor' : 'state';
  return { name: `X${j}`, role, unit: 'pp', transform: 'none', releaseLag: 0, source: 'simulated' };
}

/** Betas b + g s_t-1 on every factor, s an observed state; g is `move` times about .2. Truth is [row][asset][factor]. */
function world(move: number, seed: number): { panel: Panel; truth: Float64Array } {
  const random = new Random(seed);
  const values = new Float64Array(ROWS * SERIES);
  const returns = new Float64Array(ROWS * ASSETS);
  const truth = new Float64Array(ROWS * ASSETS * FACTORS);
  const level = Array.from({ length: ASSETS * FACTORS }, () => 0.3 + 0.15 * random.normal());
  const slope = Array.from({ length: ASSETS * FACTORS }, () => move * (0.2 + 0.1 * random.normal()));
  for (let row = 0, state = 0; row < ROWS; row++) {
    const market = 0.5 * random.normal();
    const u = Array.from({ length: FACTORS }, () => random.normal());
    for (let asset = 0; asset < ASSETS; asset++) {
      let sum = market + random.normal();
      for (let j = 0; j < FACTORS; j++) {
        const beta = level[asset * FACTORS + j] + slope[asset * FACTORS + j] * state;
        truth[(row * ASSETS + asset) * FACTORS + j] = 0.02 * beta;
        sum += beta * u[j];
      }
      returns[row * ASSETS + asset] = 0.02 * sum;
    }
    state = PERSISTENCE * state + Math.sqrt(1 - PERSISTENCE ** 2) * random.normal();
    values.set([...u, state], row * SERIES);
  }
  const axis = { frequency: 'W', dates: Int32Array.from({ length: ROWS }, (_, t) => 7 * t) } as const;
  const inputs = { axis, factors: Array.from({ length: SERIES }, (_, j) => meta(j)), values };
  const assets = Array.from({ length: ASSETS }, (_, i) => ({ name: `A${i}`, source: 'simulated', labels: [] }));
  return { panel: { axis, inputs, assets, returns, horizon: 0 }, truth };
}

/** Mean over assets of 1 - Var(hedged) / Var(return) over the test rows. */
function reduction({ realised, hedged }: { realised: Float64Array; hedged: Float64Array }): number {
  const variance = (values: Float64Array, asset: number) => {
    const own = values.filter((_, i) => i % ASSETS === asset);
    const mean = own.reduce((sum, x) => sum + x, 0) / own.length;
    return own.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  };
  const each = Array.from({ length: ASSETS }, (_, i) => 1 - variance(hedged, i) / variance(realised, i));
  return each.reduce((sum, x) => sum + x, 0) / ASSETS;
}

/** RMSE of the exposures of the test rows over that of the base. */
async function errorRatio(panel: Panel, truth: Float64Array): Promise<number> {
  const sums = [0, 0];
  for (const [i, estimator] of [conditionalBetaEstimator(network), base].entries()) {
    const fitted = await estimator.fit(panel, FOLD.train, { seed: 1 });
    for await (const block of fitted.jacobian(panel.inputs, FOLD.test, { form: 'contemporaneous' })) {
      block.values.forEach((value, at) => {
        const [j, date] = [at % FACTORS, Math.floor(at / FACTORS) % block.dates];
        const asset = block.assets.start + Math.floor(at / (FACTORS * block.dates));
        sums[i] += (value - truth[((FOLD.test.start + date) * ASSETS + asset) * FACTORS + j]) ** 2;
      });
    }
  }
  return Math.sqrt(sums[0] / sums[1]);
}

describe('betas that a state moves', () => {
  const moving = world(1, 7);

  it('are recovered clearly better than by weighted betas that stand still after the fit', async () => {
    // A perfect correction would leave the base's own estimation error, about .4 of it; half way there is asked.
    expect(await errorRatio(moving.panel, moving.truth)).toBeLessThan(0.7);
  });

  it('hedge better than weighted betas, fitted anew every 10 rows or not', async () => {
    const { panel } = moving;
    const estimator = conditionalBetaEstimator({ ...network, networkRows: FOLD.train.end });
    const frozen = await forecastFold(await estimator.fit(panel, FOLD.train, { seed: 1 }), panel, FOLD);
    const plain = await forecastFold(await base.fit(panel, FOLD.train, { seed: 1 }), panel, FOLD);
    const refreshed = await forecastRefreshed(estimator, panel, FOLD, 10, { seed: 1 });
    const plainRefreshed = await forecastRefreshed(base, panel, FOLD, 10, { seed: 1 });
    // What the state moves is worth .12 / 1.79 = .07 of the variance; half of it is asked.
    expect(reduction(frozen)).toBeGreaterThan(reduction(plain) + 0.035);
    expect(reduction(refreshed)).toBeGreaterThan(reduction(plainRefreshed) + 0.02);
  });

  it('are left to the base where betas stand still, at no loss', async () => {
    const { panel } = world(0, 8);
    const fitted = await conditionalBetaEstimator(network).fit(panel, FOLD.train, { seed: 1 });
    expect(fitted.diagnostics.facts.network_kept).toBe(0);
    const plain = await base.fit(panel, FOLD.train, { seed: 1 });
    const [own, other] = [await forecastFold(fitted, panel, FOLD), await forecastFold(plain, panel, FOLD)];
    expect(own.hedged).toEqual(other.hedged);
    expect(own.predicted).toEqual(other.predicted);
  });
});
