import { type Estimator, type Fitted, type JacobianBlock, type Panel, Random, type Span } from '@macrograd/core';
import { ewmOlsEstimator, kalmanEstimator, olsEstimator, zeroEstimator } from '@macrograd/linear';
import { describe, expect, it } from 'vitest';
import { mixReference, simulateWorld, stackEstimator } from '../src/index.js';

/** Rounding of sums of a few products. */
const SAME = 1e-12;
const FIT = { seed: 1 };
const ASSETS = 12;
const ROWS = 300;
const SPAN = { start: 12, end: 264 };
const LATER = { start: 250, end: 300 };

const world = simulateWorld({ process: 'const', seed: 31, months: ROWS, assets: ASSETS });
const { panel } = world;

/** Predicts the world's expected returns times a factor of each asset; exposures are these factors, NaN where they are. */
function scaled(method: 'ols' | 'kalman', factors: readonly number[]): Estimator {
  const base = zeroEstimator();
  return {
    method,
    async fit(given: Panel, span: Span, options) {
      const plain = await base.fit(given, span, options);
      const fitted: Fitted = {
        method,
        diagnostics: plain.diagnostics,
        parameters: () => plain.parameters(),
        async predict(inputs, rows, assets) {
          const result = await plain.predict(inputs, rows, assets);
          const width = result.assets.end - result.assets.start;
          const values = result.values.map((_, i) => {
            const asset = result.assets.start + (i % width);
            return factors[asset] * world.expected[(rows.start + Math.floor(i / width)) * ASSETS + asset];
          });
          return { ...result, values };
        },
        async *jacobian(inputs, rows, wanted) {
          for await (const block of plain.jacobian(inputs, rows, wanted)) {
            const size = block.dates * block.lags * block.factors;
            const of = (_: number, i: number) => factors[block.assets.start + Math.floor(i / size)];
            yield { ...block, values: block.values.map(of), variance: block.variance.map(() => 0.04) };
          }
        },
      };
      return fitted;
    },
  };
}

async function exposures(fitted: Pick<Fitted, 'jacobian'>, from: Panel, span: Span = LATER): Promise<JacobianBlock> {
  const parts: JacobianBlock[] = [];
  for await (const block of fitted.jacobian(from.inputs, span, { form: 'contemporaneous' })) parts.push(block);
  expect(parts).toHaveLength(1);
  return parts[0];
}

/** The panel with other returns from `row` on. */
function disturbed(row: number): Panel {
  const random = new Random(5);
  return { ...panel, returns: panel.returns.map((r, i) => (i < row * ASSETS ? r : r + 0.1 * random.normal())) };
}

const half = (first: number, second: number) => panel.assets.map((_, i) => (i < ASSETS / 2 ? first : second));

describe('stackEstimator', () => {
  it('gives each asset mostly the method that is right for it', async () => {
    const estimators = [scaled('ols', half(1, -1)), scaled('kalman', half(-1, 1))];
    const fitted = await stackEstimator({ estimators }).fit(panel, SPAN, FIT);
    const { values, factors, dates } = await exposures(fitted, panel);
    // Exposures of the mix are the right weight less the wrong one: above 0 where the right method has more.
    const own = panel.assets.map((_, asset) => values[asset * factors * dates]);
    expect(Math.min(...own)).toBeGreaterThan(0);
  });

  it('knows no return after its span', async () => {
    const stack = stackEstimator({ estimators: [olsEstimator(), kalmanEstimator()] });
    const [fitted, after, within] = await Promise.all(
      [panel, disturbed(SPAN.end), disturbed(SPAN.end - 1)].map((given) => stack.fit(given, SPAN, FIT)),
    );
    expect((await exposures(after, panel)).values).toEqual((await exposures(fitted, panel)).values);
    expect(after.diagnostics.facts).toEqual(fitted.diagnostics.facts);
    expect((await exposures(within, panel)).values).not.toEqual((await exposures(fitted, panel)).values);
  });

  it('learns weights from its leading rows alone, where methods go on to read returns', async () => {
    const rows = 200;
    const stack = stackEstimator({ estimators: [kalmanEstimator({ varianceRows: rows })], rows });
    const span = { start: 0, end: ROWS };
    const [fitted, after] = await Promise.all([panel, disturbed(rows)].map((given) => stack.fit(given, span, FIT)));
    expect(after.diagnostics.facts).toEqual(fitted.diagnostics.facts);
    expect((await exposures(after, panel)).values).not.toEqual((await exposures(fitted, panel)).values);
  });

  it('does without a method that is silent on an asset, and leaves other assets finite', async () => {
    const silent = panel.assets.map((_, i) => (i === 3 ? Number.NaN : 1));
    const estimators = [scaled('ols', silent), scaled('kalman', half(0.5, 0.5))];
    const fitted = await stackEstimator({ estimators }).fit(panel, SPAN, FIT);
    const { values, variance } = await exposures(fitted, panel);
    expect([...values, ...variance].every(Number.isFinite)).toBe(true);
    const { values: predicted } = await fitted.predict(panel.inputs, LATER);
    expect(predicted.every(Number.isFinite)).toBe(true);
    // Asset 3 still has what the other method says of it.
    const width = values.length / ASSETS;
    expect(values[3 * width]).toBeGreaterThan(0);
  });

  it('wants one estimator of a method', () => {
    expect(() => stackEstimator({ estimators: [olsEstimator(), olsEstimator()] })).toThrow(/ols, ols/);
    expect(() => stackEstimator({ estimators: [] })).toThrow(/none/);
  });
});

describe('mixReference', () => {
  it('sums predictions and exposures by weight, with the standard errors of model averaging', async () => {
    const estimators = [zeroEstimator(), olsEstimator(), ewmOlsEstimator({ halfLife: 60 })];
    const fits = await Promise.all(estimators.map((estimator) => estimator.fit(panel, SPAN, FIT)));
    const weights = [0.2, 0.5, 0.3];
    // The last asset has one method alone.
    const of = (m: number) => panel.assets.map((_, i) => (i < ASSETS - 1 ? weights[m] : Number(m === 1)));
    const sources = fits.map((reference, m) => ({ reference, weights: Float64Array.from(of(m)) }));
    const mix = mixReference(sources);
    const parts = await Promise.all(fits.map((each) => exposures(each, panel)));
    const { values, variance, dates, factors } = await exposures(mix, panel);
    for (let i = 0; i < values.length; i++) {
      const own = fits.map((_, m) => of(m)[Math.floor(i / (dates * factors))]);
      const value = own.reduce((sum, weight, m) => sum + weight * parts[m].values[i], 0);
      const spread = own.map(
        (weight, m) => weight * Math.sqrt(parts[m].variance[i] + (parts[m].values[i] - value) ** 2),
      );
      expect(Math.abs(values[i] - value)).toBeLessThan(SAME);
      expect(Math.abs(Math.sqrt(variance[i]) - spread.reduce((sum, se) => sum + se, 0))).toBeLessThan(SAME);
    }
    const predicted = await Promise.all([mix, ...fits].map((each) => each.predict(panel.inputs, LATER)));
    predicted[0].values.forEach((value, i) => {
      const sum = fits.reduce((total, _, m) => total + of(m)[i % ASSETS] * predicted[m + 1].values[i], 0);
      expect(Math.abs(value - sum)).toBeLessThan(SAME);
    });
  });

  it('puts exposures into the unit that is asked', async () => {
    const reference = await olsEstimator().fit(panel, SPAN, FIT);
    const one = { reference, weights: new Float64Array(ASSETS).fill(1) };
    const plain = await exposures(mixReference([one]), panel);
    const units = Float64Array.from({ length: plain.factors }, (_, factor) => 1 + factor);
    const other = await exposures(mixReference([{ ...one, units }]), panel);
    other.values.forEach((value, i) => {
      const unit = units[i % plain.factors];
      expect(Math.abs(value - unit * plain.values[i])).toBeLessThan(SAME);
      expect(Math.abs(Math.sqrt(other.variance[i]) - unit * Math.sqrt(plain.variance[i]))).toBeLessThan(SAME);
    });
  });
});
