import { calmWeightsSoFar, type Panel, Random } from '@macrograd/core';
import { olsRegression } from '@macrograd/kernel';
import { describe, expect, it } from 'vitest';
import { designMatrix, fitDesign } from '../src/design.js';
import { ewmOlsEstimator } from '../src/ewm-ols.js';
import { collect, disturbed, linearWorld, type World } from './world.js';

const ROWS = 300;
const ASSETS = 30;
const span = { start: 0, end: ROWS };
const options = { seed: 1 };

/** A decay so slow that every row counts the same: 2^(-300 / 1e13) differs from 1 by 2e-11, exposures are about .02. */
const FOREVER = 1e13;
const DECAY = 1e-11;

type Own = Parameters<typeof ewmOlsEstimator>[0];

function world(seed: number, change: (value: number, row: number, random: Random) => number): World {
  const made = linearWorld({ rows: ROWS, assets: ASSETS, seed, lateStart: 0, holes: 0.02, noise: 0 });
  const random = new Random(seed);
  const returns = made.panel.returns.map((value, at) => change(value, Math.floor(at / ASSETS), random));
  return { ...made, panel: { ...made.panel, returns } };
}

/** Noise that swells and ebbs tenfold over a hundred rows: slowly beside the memory of the weights, about 16 rows. */
const withTides = (value: number, row: number, random: Random) =>
  value + 0.02 * Math.exp(1.2 * Math.sin((2 * Math.PI * row) / 100)) * random.normal();

/** One return in fifty is off by twenty times the noise. */
const withOutliers = (value: number, _: number, random: Random) =>
  value + (random.uniform() < 0.02 ? 0.4 : 0.02) * random.normal();

/** Mean squared error of the exposures to the three factors, per unit. */
async function squaredError({ panel, betas }: World, own: Own): Promise<number> {
  const fitted = await ewmOlsEstimator({ halfLife: 200, shrinkage: 'none', ...own }).fit(panel, span, options);
  const { sd } = fitted.parameters().scaler;
  const [block] = await collect(fitted.jacobian(panel.inputs, { start: ROWS - 1, end: ROWS }));
  let sum = 0;
  betas.forEach((beta, i) => {
    const [asset, factor] = [Math.floor(i / 3), i % 3];
    sum += (block.values[asset * block.factors + factor] / sd[factor] - beta) ** 2;
  });
  return sum / betas.length;
}

describe('ewm_ols with rows that count differently', () => {
  it('has half the squared error where noise swells and ebbs, shrunk or not', async () => {
    for (const seed of [31, 32]) {
      const made = world(seed, withTides);
      for (const shrinkage of ['none', 'cross_section'] as const) {
        const [equal, calm] = [
          await squaredError(made, { shrinkage }),
          await squaredError(made, { shrinkage, rowWeights: 'calm' }),
        ];
        expect(calm).toBeLessThan(0.5 * equal);
      }
    }
  });

  it('equals weighted least squares by the variance that the rows before lead to expect', async () => {
    const { panel } = world(33, withTides);
    const fitted = await ewmOlsEstimator({ halfLife: FOREVER, shrinkage: 'none', rowWeights: 'calm' }).fit(
      panel,
      span,
      options,
    );
    const rule = fitDesign(panel, span);
    const regression = {
      design: designMatrix(rule, panel.inputs, span),
      returns: panel.returns,
      rows: ROWS,
      columns: rule.width,
      assets: ASSETS,
    };
    const { residuals } = await olsRegression(regression);
    const scaled = new Float64Array(ROWS * ASSETS);
    for (let asset = 0; asset < ASSETS; asset++) {
      const own = [...residuals.subarray(asset * ROWS, (asset + 1) * ROWS)];
      const seen = own.filter((value) => !Number.isNaN(value));
      const size = Math.sqrt(seen.reduce((sum, value) => sum + value ** 2, 0) / seen.length);
      own.forEach((value, row) => {
        scaled[row * ASSETS + asset] = value / size;
      });
    }
    const roots = calmWeightsSoFar(scaled, ASSETS);
    const direct = await olsRegression(regression, { weights: roots.map((root) => root * root) });
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: ROWS - 1, end: ROWS }));
    for (let asset = 0; asset < ASSETS; asset++) {
      for (let factor = 0; factor < 3; factor++) {
        const expected = direct.coefficients[asset * rule.width + 1 + factor];
        expect(Math.abs(block.values[asset * block.factors + factor] - expected)).toBeLessThan(DECAY);
      }
    }
  });

  it('has a third of the squared error with drawn-in residuals where a few returns are far off', async () => {
    for (const seed of [34, 35]) {
      const made = world(seed, withOutliers);
      const [free, limited] = [await squaredError(made, {}), await squaredError(made, { residualLimit: 1 })];
      expect(limited).toBeLessThan(free / 3);
    }
  });

  it('leaves an asset without noise what it was', async () => {
    const made = world(36, (value) => value);
    // Exposures are about .01 per unit.
    expect(await squaredError(made, { residualLimit: 3, rowWeights: 'calm' })).toBeLessThan(1e-24);
  });

  it('is not carried away by a row whose residuals are 0, as its mark explains it alone', async () => {
    const made = world(38, withTides);
    const values = made.panel.inputs.values.slice();
    values[2] = Number.NaN;
    const missing = { ...made, panel: { ...made.panel, inputs: { ...made.panel.inputs, values } } };
    const calm = { rowWeights: 'calm', residualLimit: 3 } as const;
    // One row of 300 is lost to one factor.
    expect(await squaredError(missing, calm)).toBeLessThan(1.1 * (await squaredError(made, calm)));
  });

  it('changes no bit when everything after the training span is disturbed', async () => {
    const made = world(37, withTides);
    const training = { start: 0, end: 200 };
    const make = () =>
      ewmOlsEstimator({ rowWeights: 'calm', residualLimit: 3, strength: 'validated', halfLife: 'validated' });
    const fit = async (panel: Panel) => (await make().fit(panel, training, options)).parameters();
    expect(await fit(disturbed(made.panel, 200))).toEqual(await fit(made.panel));
  });

  it('refuses a limit that is not positive', () => {
    expect(() => ewmOlsEstimator({ residualLimit: 0 })).toThrow(/residualLimit is 0/);
  });
});
