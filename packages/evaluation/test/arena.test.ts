import type { Panel } from '@macrograd/core';
import { ewmOlsEstimator, olsEstimator, zeroEstimator } from '@macrograd/linear';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  chooseMethods,
  compareMethods,
  type EvaluationRow,
  type Fold,
  type FoldForecast,
  forecastFold,
  scoreForecasts,
  simulateWorld,
  walkForwardFolds,
} from '../src/index.js';

const estimators = [zeroEstimator(), olsEstimator(), ewmOlsEstimator()];
const { panel } = simulateWorld({ process: 'const', seed: 9, months: 420, assets: 30 });
const { folds } = walkForwardFolds(420);

/** Forecasts of every method on the given folds. */
async function run(data: Panel, over: readonly Fold[]): Promise<FoldForecast[]> {
  const out: FoldForecast[] = [];
  for (const fold of over) {
    for (const estimator of estimators) {
      out.push(await forecastFold(await estimator.fit(data, fold.train, { seed: 1 }), data, fold));
    }
  }
  return out;
}

describe('a walk-forward through a linear world', () => {
  let forecasts: FoldForecast[];
  let pooled: (method: string) => EvaluationRow;

  beforeAll(async () => {
    forecasts = await run(panel, folds);
    const rows = scoreForecasts(forecasts);
    pooled = (method) => rows.find((row) => row.method === method && row.asset === 'all' && row.fold === 'all')!;
  });

  it('credits OLS with what macro explains, less what estimating it costs', () => {
    // R2 is .3 in population; six coefficients on 240-360 months cost about 6/300 of the noise variance.
    expect(pooled('ols').r2Oos).toBeGreaterThan(0.2);
    expect(pooled('ols').r2Oos).toBeLessThan(0.32);
    expect(pooled('ols').dmPValue).toBeLessThan(0.001);
    expect(pooled('ols').cwPValue).toBeLessThan(0.001);
  });

  it('gives no exposure a score of exactly zero, hedged or not', () => {
    expect(pooled('zero').hedgeVarianceReduction).toBe(0);
    expect(Math.abs(pooled('zero').r2Oos)).toBeLessThan(1e-12);
    // Its forecast is the benchmark up to rounding, of which no test may be made.
    expect(pooled('zero')).toMatchObject({ dmStat: Number.NaN, cwStat: Number.NaN });
  });

  it('hedges less than it attributes: the expected part of a factor move can not be hedged', () => {
    expect(pooled('ols').hedgeVarianceReduction).toBeGreaterThan(0.05);
    expect(pooled('ols').hedgeVarianceReduction).toBeLessThan(pooled('ols').r2Oos);
  });

  it('prefers the regression on all data to the one that forgets, where nothing changes', () => {
    expect(compareMethods(forecasts, 'ols', 'ewm_ols').at(-1)!.dmStat).toBeGreaterThan(0);
    const final = chooseMethods(forecasts).filter(({ fit }) => fit === 'final');
    expect(final.filter(({ method }) => method === 'zero').length).toBeLessThan(3);
  });

  it('does not change a bit of a fold when later data do', async () => {
    const later = (values: Float64Array, width: number) =>
      values.map((x, i) => (Math.floor(i / width) >= folds[0].test.end ? x + 1000 : x));
    const changed: Panel = {
      ...panel,
      inputs: { ...panel.inputs, values: later(panel.inputs.values, panel.inputs.factors.length) },
      returns: later(panel.returns, panel.assets.length),
    };
    expect(await run(changed, folds.slice(0, 1))).toEqual(forecasts.filter(({ fold }) => fold.index === 0));
  });
});
