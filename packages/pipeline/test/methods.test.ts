import { type Fitted, METHOD_IDS, type Panel } from '@macrograd/core';
import { simulateWorld } from '@macrograd/evaluation';
import { exposureCube } from '@macrograd/exposure';
import { beforeAll, describe, expect, it } from 'vitest';
import { estimatorsOf } from '../src/stages/estimators.js';

const ROWS = 180;
const TRAIN = { start: 0, end: 150 };
/** Read where every method has seen enough rows, to the end of the panel: inside and outside the training span. */
const READ = { start: 120, end: ROWS };
/** One asset without returns, one with ten, one with holes. */
const [NONE, TEN, HOLED] = [1, 2, 3];
const lstm = { mode: 'pooled', hiddenSize: 3, lookback: 3, members: 2, heads: 'closed_form', steps: 20 } as const;

/** Five factors of the constant world, of which one is made a control and one a state, and assets that go wrong. */
function panelOf(): Panel {
  const { panel } = simulateWorld({ process: 'const', months: ROWS, assets: 8, seed: 5, r2: 0.3 });
  const factors = panel.inputs.factors.map((factor, j) => {
    return { ...factor, role: j === 4 ? ('state' as const) : j === 5 ? ('control' as const) : factor.role };
  });
  const returns = panel.returns.map((value, at) => {
    const [row, asset] = [Math.floor(at / 8), at % 8];
    if (asset === NONE || (asset === TEN && row >= 10) || (asset === HOLED && row % 7 === 0)) return Number.NaN;
    return value;
  });
  return { ...panel, inputs: { ...panel.inputs, factors }, returns };
}

const FACTORS = 4;

/** Whether an asset has the returns that every method needs. */
function complete(asset: number): boolean {
  return asset !== NONE && asset !== TEN;
}

const panel = panelOf();

describe.each(METHOD_IDS)('%s', (method) => {
  let fitted: Fitted;
  beforeAll(async () => {
    const [estimator] = estimatorsOf({ methods: [method], lstm, methodOptions: {} }, 1);
    fitted = await estimator.fit(panel, TRAIN, { seed: 3 });
  }, 30_000);

  it('has exposures over time with standard errors and intervals, also after the training span', async () => {
    const rows = READ.end - READ.start;
    for (const form of ['contemporaneous', 'cumulative'] as const) {
      for await (const { exposure, se, lo, hi } of exposureCube(fitted, panel.inputs, READ, { form })) {
        const cells = Array.from(exposure.keys()).filter((at) => complete(Math.floor(at / (rows * FACTORS))));
        const sound = (at: number) =>
          method === 'zero'
            ? exposure[at] === 0 && se[at] === 0
            : se[at] > 0 && lo[at] < exposure[at] && exposure[at] < hi[at];
        expect(cells.filter((at) => !sound(at))).toEqual([]);
      }
    }
  });

  it('predicts rows that it has not seen', async () => {
    const { values } = await fitted.predict(panel.inputs, { start: TRAIN.end, end: ROWS });
    expect(values.filter((value, at) => complete(at % 8) && !Number.isFinite(value))).toHaveLength(0);
  });

  it('states its condition number, the autocorrelation of its residuals and their stability', () => {
    const { facts } = fitted.diagnostics;
    for (const share of [facts.autocorrelated_share, facts.unstable_share]) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(Math.abs(facts.residual_autocorrelation)).toBeLessThan(1);
    // No exposure at all solves nothing.
    if (method === 'zero') expect(facts.condition_number).toBeUndefined();
    else expect(facts.condition_number).toBeGreaterThanOrEqual(1);
  });

  it('gives a status with a remedy wherever an exposure is missing', async () => {
    const { status } = fitted.diagnostics;
    expect(status[NONE].status).toBe('no_data');
    expect(status[0]).toMatchObject({ status: 'ok' });
    for (const note of status) if (note.status !== 'ok') expect(note.remedy.length).toBeGreaterThan(10);
    for await (const { exposure } of exposureCube(fitted, panel.inputs, READ, { form: 'cumulative' })) {
      const own = (asset: number) => exposure.subarray(asset * 60 * FACTORS, (asset + 1) * 60 * FACTORS);
      status.forEach((note, asset) => {
        if (own(asset).some(Number.isNaN)) expect(note.status).not.toBe('ok');
      });
    }
  });
});
