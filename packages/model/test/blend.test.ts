import {
  type Estimator,
  type Fitted,
  type JacobianBlock,
  monthEndOfIndex,
  type Panel,
  Random,
  type Span,
} from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { blendEstimator } from '../src/index.js';

const ROWS = 400;
const ASSETS = 6;
const SPAN = { start: 0, end: ROWS };

/** Rounding of a few products. */
const SAME = 1e-12;

const random = new Random(3);
const axis = { frequency: 'M', dates: Int32Array.from({ length: ROWS }, (_, t) => monthEndOfIndex(t)) } as const;
const expected = Float64Array.from({ length: ROWS * ASSETS }, () => 0.02 * random.normal());
const panel: Panel = {
  axis,
  inputs: {
    axis,
    factors: [{ name: 'RATE', role: 'factor', unit: 'pp', transform: 'diff', releaseLag: 0, source: 'test' }],
    values: new Float64Array(ROWS),
  },
  assets: Array.from({ length: ASSETS }, (_, i) => ({ name: `A${i}`, source: 'test', labels: [] })),
  returns: expected.map((x) => x + 0.04 * random.normal()),
  horizon: 0,
};

/** Predicts the truth plus an error of its own; exposure `exposure` with variance `variance`, in blocks of so many assets. */
function known(seed: number, error: number, exposure: number, variance: number, lags: number, step: number): Estimator {
  const own = new Random(seed);
  const predicted = expected.map((x) => x + error * own.normal());
  const fitted = {
    method: 'ols',
    diagnostics: {
      status: [],
      observations: new Int32Array(ASSETS),
      pValues: new Float64Array(0),
      facts: { own: seed },
    },
    parameters: () => ({ seed }) as never,
    predict: async (_: unknown, span: Span, assets = { start: 0, end: ASSETS }) => {
      const count = assets.end - assets.start;
      const values = Float64Array.from({ length: (span.end - span.start) * count }, (_, i) => {
        return predicted[(span.start + Math.floor(i / count)) * ASSETS + assets.start + (i % count)];
      });
      return { span, assets, values };
    },
    async *jacobian(_: unknown, span: Span, { assets = { start: 0, end: ASSETS } } = {}) {
      for (let start = assets.start; start < assets.end; start += step) {
        const part = { start, end: Math.min(assets.end, start + step) };
        const size = (part.end - part.start) * (span.end - span.start) * lags;
        yield {
          assets: part,
          span,
          dates: span.end - span.start,
          lags,
          factors: 1,
          values: new Float64Array(size).fill(exposure),
          variance: new Float64Array(size).fill(variance),
        };
      }
    },
  } as unknown as Fitted;
  return { method: 'ols', fit: async () => fitted };
}

const fit = (a: Estimator, b: Estimator, rows?: number) =>
  blendEstimator({ first: a, second: b, ...(rows && { rows }) }).fit(panel, SPAN, { seed: 1 });

async function weightOf(a: number, b: number): Promise<number> {
  const fitted = await fit(known(1, a, 1, 1, 1, 6), known(2, b, 1, 1, 1, 6));
  return fitted.diagnostics.facts.blend_weight;
}

describe('blendEstimator', () => {
  it('weighs two methods by what they err, between the optimum and the prior', async () => {
    // Independent errors: the optimum is b^2 / (a^2 + b^2), here .9, .1, .5; 600 returns leave it open to about .15.
    expect(await weightOf(0.01, 0.03)).toBeGreaterThan(0.8);
    expect(await weightOf(0.03, 0.01)).toBeLessThan(0.35);
    expect(await weightOf(0.06, 0.06)).toBeGreaterThan(0.4);
    expect(await weightOf(0.06, 0.06)).toBeLessThan(0.7);
  });

  it('keeps the prior where the two are the same', async () => {
    const same = known(1, 0.02, 1, 1, 1, 6);
    expect((await fit(same, same)).diagnostics.facts.blend_weight).toBe(0.7);
  });

  it('learns the weight from the rows that it is told to and from no later one', async () => {
    const [a, b] = [known(1, 0.03, 1, 1, 1, 6), known(2, 0.03, 1, 1, 1, 6)];
    const returns = panel.returns.map((x, i) => (i < 200 * ASSETS ? x : x + 1000));
    const before = await fit(a, b, 200);
    const options = { first: a, second: b, rows: 200 };
    const after = await blendEstimator(options).fit({ ...panel, returns }, SPAN, { seed: 1 });
    expect(after.diagnostics.facts.blend_weight).toBe(before.diagnostics.facts.blend_weight);
    expect((await fit(a, b)).diagnostics.facts.blend_weight).not.toBe(before.diagnostics.facts.blend_weight);
  });

  it('adds returns, exposures and variances with errors that correlate by .7, whatever blocks and lags the two have', async () => {
    const [a, b] = [known(1, 0.02, 3, 4, 1, 6), known(2, 0.02, -1, 9, 3, 2)];
    const fitted = await fit(a, b);
    const w = fitted.diagnostics.facts.blend_weight;
    const span = { start: 10, end: 12 };
    const blocks: JacobianBlock[] = [];
    for await (const block of fitted.jacobian(panel.inputs, span, { assets: { start: 1, end: 6 } })) blocks.push(block);
    expect(blocks.map(({ assets, lags }) => [assets.start, assets.end, lags])).toEqual([[1, 6, 3]]);
    const [{ values, variance }] = blocks;
    const [own, other] = [2 * w, 3 * (1 - w)];
    for (let i = 0; i < values.length; i++) {
      const isFirst = i % 3 === 0;
      expect(Math.abs(values[i] - ((isFirst ? 3 * w : 0) - (1 - w)))).toBeLessThan(SAME);
      const wanted = isFirst ? own ** 2 + other ** 2 + 1.4 * own * other : other ** 2;
      expect(Math.abs(variance[i] - wanted)).toBeLessThan(SAME);
    }
    const both = await fitted.predict(panel.inputs, span, { start: 2, end: 4 });
    const [one] = await Promise.all([a.fit(panel, SPAN, { seed: 1 })]);
    const two = await b.fit(panel, SPAN, { seed: 1 });
    const [x, y] = [
      (await one.predict(panel.inputs, span, { start: 2, end: 4 })).values,
      (await two.predict(panel.inputs, span, { start: 2, end: 4 })).values,
    ];
    both.values.forEach((value, i) => {
      expect(Math.abs(value - (w * x[i] + (1 - w) * y[i]))).toBeLessThan(SAME);
    });
  });

  it('takes the second for no surer than the first', async () => {
    const fitted = await fit(known(1, 0.02, 3, 4, 1, 6), known(2, 0.02, -1, 0.01, 1, 2));
    const w = fitted.diagnostics.facts.blend_weight;
    for await (const { variance } of fitted.jacobian(panel.inputs, { start: 10, end: 12 })) {
      const wanted = 4 * (w ** 2 + (1 - w) ** 2 + 1.4 * w * (1 - w));
      for (const v of variance) expect(Math.abs(v - wanted)).toBeLessThan(SAME);
    }
  });

  it('learns the weight from what stands still, and lets the second walk with the first', async () => {
    const [still, b] = [known(1, 0.03, 3, 4, 1, 1), known(2, 0.03, -1, 9, 1, 6)];
    // Walking, it predicts perfectly, which must not count: the second can't.
    const walking = known(5, 0, 7, 6, 1, 2);
    const a: Estimator = {
      method: 'lstm',
      fit: async (...input) => Object.assign(await walking.fit(...input), { standing: await still.fit(...input) }),
    };
    const fitted = await fit(a, b);
    const w = fitted.diagnostics.facts.blend_weight;
    expect(w).toBe((await fit(still, b)).diagnostics.facts.blend_weight);
    for await (const { values, variance } of fitted.jacobian(panel.inputs, { start: 10, end: 12 })) {
      // 7 w + (1 - w) (-1 + 7 - 3); variances 4 and 9, the walk's 6 - 4.
      const [own, other] = [2 * w, 3 * (1 - w)];
      for (const value of values) expect(Math.abs(value - (7 * w + 3 * (1 - w)))).toBeLessThan(SAME);
      const wanted = own ** 2 + other ** 2 + 1.4 * own * other + 2;
      for (const v of variance) expect(Math.abs(v - wanted)).toBeLessThan(SAME);
    }
    const { values } = await fitted.predict(panel.inputs, SPAN);
    const [x, y, z] = await Promise.all(
      [walking, b, still].map(async (one) => (await one.fit(panel, SPAN, { seed: 1 })).predict(panel.inputs, SPAN)),
    );
    values.forEach((value, i) => {
      expect(Math.abs(value - (x.values[i] + (1 - w) * (y.values[i] - z.values[i])))).toBeLessThan(SAME);
    });
  });

  it('refuses a share that leaves no rows', () => {
    const one = known(1, 0, 0, 0, 1, 1);
    expect(() => blendEstimator({ first: one, second: one, validationShare: 1 })).toThrow(/validationShare is 1/);
  });
});
