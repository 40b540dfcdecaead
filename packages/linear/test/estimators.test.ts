import { type Estimator, type LinearParameters, type MethodId, type Panel, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  elasticNetEstimator,
  ewmOlsEstimator,
  famaMacBethEstimator,
  kalmanEstimator,
  lassoEstimator,
  markovEstimator,
  olsEstimator,
  plsEstimator,
  ridgeEstimator,
  rollingOlsEstimator,
  wlsEstimator,
  zeroEstimator,
} from '../src/index.js';
import { collect, disturbed, linearWorld } from './world.js';

const estimators: [MethodId, () => Estimator][] = [
  ['zero', () => zeroEstimator()],
  ['ols', () => olsEstimator()],
  ['rolling_ols', () => rollingOlsEstimator({ window: 60 })],
  ['ols', () => olsEstimator({ shrinkage: 'cross_section' })],
  ['rolling_ols', () => rollingOlsEstimator({ window: 60, shrinkage: 'cross_section' })],
  ['ewm_ols', () => ewmOlsEstimator({ halfLife: 60 })],
  ['kalman', () => kalmanEstimator()],
  ['markov', () => markovEstimator()],
  ['wls', () => wlsEstimator()],
  ['ridge', () => ridgeEstimator()],
  ['lasso', () => lassoEstimator()],
  ['elastic_net', () => elasticNetEstimator()],
  ['pls', () => plsEstimator()],
  ['fama_macbeth', () => famaMacBethEstimator()],
];
const options = { seed: 1 };
const FACTORS = 4;

describe.each(estimators)('%s', (method, make) => {
  it('changes no bit of anything when everything after the training span is disturbed', async () => {
    const { panel, rows } = linearWorld({ assets: 6 });
    const span = { start: 10, end: 180 };
    const changed = disturbed(panel, span.end);
    const [before, after] = [await make().fit(panel, span, options), await make().fit(changed, span, options)];
    expect(after.method).toBe(method);
    expect(after.parameters()).toEqual(before.parameters());
    expect(after.diagnostics).toEqual(before.diagnostics);
    const earlier = { start: 0, end: span.end };
    expect(await after.predict(changed.inputs, earlier)).toEqual(await before.predict(panel.inputs, earlier));
    expect(await collect(after.jacobian(changed.inputs, earlier))).toEqual(
      await collect(before.jacobian(panel.inputs, earlier)),
    );
    // Later rows: frozen coefficients, whatever the inputs are.
    const later = { start: span.end, end: rows };
    expect(await collect(after.jacobian(changed.inputs, later))).toEqual(
      await collect(before.jacobian(panel.inputs, later)),
    );
  });

  it('has exposures at lag 0 alone, NaN where the factor is missing, in every form', async () => {
    const { panel, rows, assets } = linearWorld();
    const fitted = await make().fit(panel, { start: 0, end: 200 }, options);
    const span = { start: 90, end: rows };
    const [block] = await collect(fitted.jacobian(panel.inputs, span));
    expect([block.dates, block.lags, block.factors]).toEqual([rows - 90, 1, FACTORS]);
    for (const form of ['contemporaneous', 'cumulative'] as const) {
      expect(await collect(fitted.jacobian(panel.inputs, span, { form }))).toEqual([block]);
    }
    for (let asset = 0; asset < assets; asset++) {
      for (let date = 0; date < block.dates; date++) {
        const own = block.values.subarray(
          (asset * block.dates + date) * FACTORS,
          (asset * block.dates + date + 1) * FACTORS,
        );
        expect(Number.isFinite(own[0])).toBe(true);
        if (date + span.start < 100) expect(own[2]).toBeNaN();
        expect(own[3]).toBeNaN();
      }
    }
    const [mean] = await collect(fitted.jacobian(panel.inputs, span, { average: true }));
    expect(mean.dates).toBe(1);
    for (const source of ['values', 'variance'] as const) {
      let sum = 0;
      for (let date = 0; date < block.dates; date++) sum += block[source][date * FACTORS];
      expect(mean[source][0]).toBeCloseTo(sum / block.dates, 14);
    }
  });

  it('predicts as its parameters say, also where a series is missing, and by block as a whole', async () => {
    const { panel } = linearWorld({ holes: 0 });
    const fitted = await make().fit(panel, { start: 0, end: 200 }, options);
    const span = { start: 205, end: 230 };
    // Every series is missing in one row of the span, all of them in another.
    const values = panel.inputs.values.slice();
    for (let column = 0; column < 6; column++) {
      values[(207 + column) * 6 + column] = Number.NaN;
      values[220 * 6 + column] = Number.NaN;
    }
    const inputs = { ...panel.inputs, values };
    const predicted = await fitted.predict(inputs, span);
    const { scaler, columns, intercept, coefficients, variances, missingColumns, missingCoefficients, ...rest } =
      fitted.parameters() as LinearParameters;
    expect(rest).toEqual({ method });
    expect(variances?.length).toBe(coefficients.length);
    expect((variances ?? []).some((variance) => variance < 0)).toBe(false);
    for (let row = span.start; row < span.end; row++) {
      for (let asset = 0; asset < 5; asset++) {
        let sum = intercept[asset];
        columns.forEach((column, j) => {
          const z = (values[row * 6 + column] - scaler.mean[column]) / scaler.sd[column];
          if (!Number.isNaN(z)) sum += coefficients[asset * columns.length + j] * z;
        });
        missingColumns.forEach((column, m) => {
          const missing = Number.isNaN(values[row * 6 + column]);
          if (missing) sum += missingCoefficients[asset * missingColumns.length + m];
        });
        expect(predicted.values[(row - span.start) * 5 + asset]).toBeCloseTo(sum, 14);
      }
    }
    const part = await fitted.predict(inputs, span, { start: 1, end: 3 });
    expect(part.values[3]).toBe(predicted.values[5 + 2]);
    const [block] = await collect(fitted.jacobian(panel.inputs, span, { assets: { start: 3, end: 5 } }));
    const [all] = await collect(fitted.jacobian(panel.inputs, span));
    expect(block.values).toEqual(all.values.slice(3 * 25 * FACTORS));
  });

  it('says what is wrong with an asset instead of a silent NaN', async () => {
    const { panel, assets } = linearWorld();
    const returns = panel.returns.slice();
    for (let row = 0; row < 240; row++) {
      returns[row * assets] = Number.NaN;
      if (row < 195) returns[row * assets + 1] = Number.NaN;
    }
    const fitted = await make().fit({ ...panel, returns }, { start: 0, end: 200 }, options);
    const { status, observations, pValues } = fitted.diagnostics;
    expect(status[0].status).toBe('no_data');
    expect(status[2].status).toBe('ok');
    expect([observations[0], observations[1] < 6]).toEqual([0, true]);
    expect(pValues).toHaveLength(assets * FACTORS);
    if (method === 'zero') return;
    expect(status[1].status).toBe('too_few_observations');
    expect(status[1].remedy).toMatch(/needed/);
    if (method === 'rolling_ols')
      expect(status[1].remedy).toMatch(/^\d returns in the last window of 60 rows, at least 48/);
    expect(status[2].remedy).toMatch(/X5/);
    expect(pValues[2 * FACTORS]).toBeLessThan(0.01);
    expect(pValues[2 * FACTORS + 3]).toBeNaN();
  });

  it('stops when asked and refuses a span outside the panel', async () => {
    const { panel } = linearWorld();
    const signal = AbortSignal.abort();
    await expect(make().fit(panel, { start: 0, end: 200 }, { seed: 1, signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    await expect(make().fit(panel, { start: 0, end: 999 }, options)).rejects.toMatchObject({ code: 'bad_argument' });
  });
});

describe('ols', () => {
  it('recovers the coefficients of a linear world within four standard errors, late starter included', async () => {
    const { panel, betas, assets, rows } = linearWorld({ rows: 400, assets: 12 });
    const span = { start: 0, end: rows };
    const fitted = await olsEstimator().fit(panel, span, options);
    const { scaler } = fitted.parameters();
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: rows - 1, end: rows }));
    let worst = 0;
    for (let at = 0; at < assets * 3; at++) {
      const [asset, factor] = [Math.floor(at / 3), at % 3];
      const error = block.values[asset * FACTORS + factor] / scaler.sd[factor] - betas[at];
      const se = Math.sqrt(block.variance[asset * FACTORS + factor]) / scaler.sd[factor];
      worst = Math.max(worst, Math.abs(error) / se);
      expect(se).toBeLessThan(0.0015);
    }
    // 36 draws: P(any |t| > 4) is about 0.2 %.
    expect(worst).toBeLessThan(4);
    expect(worst).toBeGreaterThan(0.5);
  });

  it('reports a factor that repeats another as rank deficient, by name', async () => {
    const { panel } = linearWorld();
    const values = panel.inputs.values.slice();
    for (let row = 0; row < 240; row++) values[row * 6 + 1] = 3 - 2 * values[row * 6];
    const inputs = { ...panel.inputs, values };
    const fitted = await olsEstimator().fit({ ...panel, inputs }, { start: 0, end: 200 }, options);
    expect(fitted.diagnostics.status[0].status).toBe('rank_deficient');
    expect(fitted.diagnostics.status[0].remedy).toMatch(/^X1:/);
    const predicted = await fitted.predict(inputs, { start: 0, end: 10 });
    expect(predicted.values.every(Number.isFinite)).toBe(true);
  });
});

describe('rolling_ols', () => {
  it('equals OLS on the window, before its minimum is NaN, and is frozen after training', async () => {
    const { panel, rows } = linearWorld({ holes: 0, lateStart: 0 });
    const fitted = await rollingOlsEstimator({ window: 60, minObservations: 60 }).fit(
      panel,
      { start: 0, end: 200 },
      options,
    );
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: 0, end: rows }));
    expect(block.values[58 * FACTORS]).toBeNaN();
    for (const [date, start] of [
      [59, 0],
      [150, 91],
      [230, 140],
    ]) {
      const own = await olsEstimator().fit(panel, { start, end: start + 60 }, options);
      const scaler = own.parameters().scaler;
      const [static_] = await collect(own.jacobian(panel.inputs, { start, end: start + 1 }));
      for (let factor = 0; factor < 3; factor++) {
        const perUnit = block.values[date * FACTORS + factor] / fitted.parameters().scaler.sd[factor];
        expect(perUnit).toBeCloseTo(static_.values[factor] / scaler.sd[factor], 12);
      }
    }
  });
});

/** Methods that can be shrunk to the cross-section. */
type Shrinking = (options: { shrinkage?: 'cross_section' | 'none'; strength?: number }) => Estimator;
const shrinking: [string, Shrinking][] = [
  ['ewm_ols', (own) => ewmOlsEstimator({ halfLife: 60, strength: 1, ...own })],
  ['rolling_ols', (own) => rollingOlsEstimator({ window: 120, shrinkage: 'cross_section', ...own })],
  ['ols', (own) => olsEstimator({ shrinkage: 'cross_section', ...own })],
];

describe('ewm_ols with a strength by validation', () => {
  const fit = async (panel: Panel, strength: number | 'validated') =>
    ewmOlsEstimator({ halfLife: 60, strength }).fit(panel, { start: 0, end: 300 }, options);

  /** No exposures, and months of crisis in which returns move five times as much with inputs that are twice as large. */
  function crises(seed: number): Panel {
    const { panel, assets } = linearWorld({ rows: 400, lateStart: 0, assets: 40, seed, holes: 0 });
    const random = new Random(seed);
    const series = panel.inputs.factors.length;
    const isCrisis = (row: number) => row % 40 < 8;
    const values = panel.inputs.values.map((x, at) => (isCrisis(Math.floor(at / series)) ? 2 : 1) * x);
    const returns = panel.returns.map((_, at) => (isCrisis(Math.floor(at / assets)) ? 0.1 : 0.02) * random.normal());
    return { ...panel, inputs: { ...panel.inputs, values }, returns };
  }

  it('shrinks more where a few loud rows make estimates differ by chance, and then explains later returns better', async () => {
    for (const seed of [21, 22, 23]) {
      const panel = crises(seed);
      const error = async (strength: 1 | 'validated') => {
        const fitted = await fit(panel, strength);
        const { values } = await fitted.predict(panel.inputs, { start: 300, end: 400 });
        const later = panel.returns.subarray(300 * 40);
        const sum = values.reduce((total, x, i) => total + (later[i] - x) ** 2, 0);
        return { sum, strength: fitted.diagnostics.facts.shrinkage_strength };
      };
      const [asked, judged] = [await error(1), await error('validated')];
      expect(asked.strength).toBe(1);
      expect(judged.strength).toBeGreaterThan(1);
      expect(judged.sum).toBeLessThan(asked.sum);
    }
  });

  it('takes the half-life that explains the same rows best: long where exposures stand still, short where they turned', async () => {
    const halfLife = async (panel: Panel) => {
      return (await ewmOlsEstimator().fit(panel, { start: 0, end: 400 }, options)).diagnostics.facts.half_life;
    };
    const { panel, assets } = linearWorld({ noise: 0.01, rows: 400, lateStart: 0, holes: 0, assets: 40, seed: 12 });
    expect(await halfLife(panel)).toBe(208);
    const turned = panel.returns.map((y, at) => (Math.floor(at / assets) < 240 ? -y : y));
    expect(await halfLife({ ...panel, returns: turned })).toBe(26);
    expect(() => ewmOlsEstimator({ halfLife: 'validated', shrinkage: 'none' })).toThrow(/shrinkage is none/);
  });

  it('leaves intervals as wide as the data ask for, whatever the strength', async () => {
    const { panel } = linearWorld({ rows: 400, lateStart: 0, assets: 40, seed: 5, holes: 0 });
    const errors = async (strength: number) => {
      const summary: number[] = [];
      for await (const { variance } of (await fit(panel, strength)).jacobian(panel.inputs, { start: 299, end: 300 })) {
        summary.push(...variance);
      }
      return summary;
    };
    const [asked, strong] = [await errors(1), await errors(16)];
    // The wider prior is the same; the distance between the two means is added, and grows with the strength.
    const ratios = strong.map((variance, i) => variance / asked[i]).filter((ratio) => !Number.isNaN(ratio));
    expect(ratios.length).toBeGreaterThan(100);
    expect(Math.min(...ratios)).toBeGreaterThan(1 - 1e-9);
  });

  it('stays with what the data ask for where exposures differ clearly', async () => {
    const { panel } = linearWorld({ noise: 0.01, rows: 300, lateStart: 0, assets: 40, seed: 12 });
    expect((await fit(panel, 'validated')).diagnostics.facts.shrinkage_strength).toBe(1);
  });
});

describe.each(shrinking)('%s shrunk to the cross-section', (_, make) => {
  it('beats the unshrunk estimate on pure noise and on a cross-section with a common residual', async () => {
    const scale = { noise: 0.05, common: 0.05, rows: 300, lateStart: 0 };
    const { panel, betas, assets } = linearWorld({ ...scale, assets: 40, seed: 11 });
    const span = { start: 0, end: 300 };
    const last = { start: 299, end: 300 };
    const error = async (shrinkage: 'cross_section' | 'none') => {
      const fitted = await make({ shrinkage }).fit(panel, span, options);
      const { scaler } = fitted.parameters();
      const [block] = await collect(fitted.jacobian(panel.inputs, last));
      let sum = 0;
      let inside = 0;
      for (let at = 0; at < assets * 3; at++) {
        const place = Math.floor(at / 3) * FACTORS + (at % 3);
        const off = block.values[place] - betas[at] * scaler.sd[at % 3];
        sum += off ** 2;
        if (Math.abs(off) < 1.645 * Math.sqrt(block.variance[place])) inside++;
      }
      return { rmse: Math.sqrt(sum / (assets * 3)), coverage: inside / (assets * 3) };
    };
    const [shrunk, plain] = [await error('cross_section'), await error('none')];
    expect(shrunk.rmse).toBeLessThan(plain.rmse);
    // Nominal .90; errors share the common residual, so few are independent.
    expect(shrunk.coverage).toBeGreaterThan(0.7);
  });

  it('draws coefficients together more the stronger the prior, and refuses a strength of 0', async () => {
    const { panel, assets } = linearWorld({ noise: 0.05, rows: 300, lateStart: 0, assets: 40, seed: 12 });
    const last = { start: 299, end: 300 };
    const spread = async (strength: number) => {
      const fitted = await make({ strength }).fit(panel, { start: 0, end: 300 }, options);
      const [{ values }] = await collect(fitted.jacobian(panel.inputs, last));
      const own = Array.from({ length: assets }, (_, asset) => values[asset * FACTORS]);
      const mean = own.reduce((sum, x) => sum + x, 0) / assets;
      return own.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    };
    const [weak, one, strong] = [await spread(0.1), await spread(1), await spread(10)];
    expect(weak).toBeGreaterThan(one);
    expect(one).toBeGreaterThan(strong);
    expect(() => make({ strength: 0 })).toThrow('strength');
  });

  it('falls back to shrinkage to zero for one to three assets', async () => {
    for (const assets of [1, 2, 3]) {
      const { panel } = linearWorld({ assets });
      const [shrunk, plain] = await Promise.all(
        (['cross_section', 'none'] as const).map(async (shrinkage) => {
          const fitted = await make({ shrinkage }).fit(panel, { start: 0, end: 240 }, options);
          return (await collect(fitted.jacobian(panel.inputs, { start: 239, end: 240 })))[0];
        }),
      );
      const size = (values: Float64Array) => Math.hypot(...values.filter(Number.isFinite));
      expect(size(shrunk.values)).toBeLessThan(size(plain.values));
      expect(size(shrunk.values)).toBeGreaterThan(0.5 * size(plain.values));
    }
  });
});

it('shrunk ols is shrunk rolling_ols on a window of all rows', async () => {
  const { panel, rows } = linearWorld({ assets: 8 });
  const read = async (estimator: Estimator) => {
    const fitted = await estimator.fit(panel, { start: 0, end: rows }, options);
    return (await collect(fitted.jacobian(panel.inputs, { start: rows - 1, end: rows })))[0];
  };
  const shrinkage = 'cross_section';
  const all = { window: rows, minObservations: 24, shrinkage } as const;
  expect(await read(olsEstimator({ shrinkage, minObservations: 24 }))).toEqual(await read(rollingOlsEstimator(all)));
});

describe('zero', () => {
  it('predicts the training mean and has exposure 0 with variance 0', async () => {
    const { panel } = linearWorld({ holes: 0 });
    const fitted = await zeroEstimator().fit(panel, { start: 0, end: 100 }, options);
    let mean = 0;
    for (let row = 0; row < 100; row++) mean += panel.returns[row * 5 + 2] / 100;
    const { values } = await fitted.predict(panel.inputs, { start: 150, end: 152 });
    expect(values[2]).toBeCloseTo(mean, 15);
    expect(values[7]).toBe(values[2]);
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: 150, end: 151 }));
    expect([...block.values.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect([...block.variance.subarray(0, 3)]).toEqual([0, 0, 0]);
  });
});

describe('errors that allow for autocorrelation', () => {
  it.each<[string, (covariance: 'hac' | 'homoscedastic') => Estimator]>([
    ['rolling', (covariance) => rollingOlsEstimator({ window: 60, covariance })],
    ['weighted', (covariance) => ewmOlsEstimator({ shrinkage: 'none', covariance })],
  ])('leave the exposures of %s least squares as they are', async (_, make) => {
    const { panel, rows } = linearWorld({ lateStart: 0 });
    const span = { start: 0, end: rows };
    const read = async (covariance: 'hac' | 'homoscedastic') =>
      (
        await collect(
          (await make(covariance).fit(panel, span, options)).jacobian(panel.inputs, { start: 150, end: rows }),
        )
      )[0];
    const [plain, robust] = [await read('homoscedastic'), await read('hac')];
    expect(robust.values).toEqual(plain.values);
    const ratios = robust.variance
      .map((variance, at) => Math.sqrt(variance / plain.variance[at]))
      .filter(Number.isFinite);
    expect(Math.min(...ratios)).toBeGreaterThan(0.3);
    expect(Math.max(...ratios)).toBeLessThan(2);
    expect(new Set(ratios).size).toBeGreaterThan(100);
  });

  it('are refused for a shrunk estimate, which has the variance of its posterior', () => {
    expect(() => ewmOlsEstimator({ covariance: 'hac' })).toThrow('posterior');
    for (const make of [olsEstimator, rollingOlsEstimator]) {
      expect(() => make({ covariance: 'hac', shrinkage: 'cross_section' })).toThrow('posterior');
    }
  });

  it('every method says how its residuals behave', async () => {
    const { panel } = linearWorld();
    for (const [, make] of estimators) {
      const { facts } = (await make().fit(panel, { start: 0, end: 200 }, options)).diagnostics;
      for (const fact of ['residual_autocorrelation', 'autocorrelated_share', 'unstable_share']) {
        expect(facts[fact]).toBeTypeOf('number');
        expect(Math.abs(facts[fact])).toBeLessThanOrEqual(1);
      }
    }
  });
});
