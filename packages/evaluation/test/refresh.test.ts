import { ewmOlsEstimator, olsEstimator } from '@macrograd/linear';
import { describe, expect, it } from 'vitest';
import { forecastFold, forecastRefreshed, simulateWorld, walkForwardFolds } from '../src/index.js';

const { panel } = simulateWorld({ process: 'random_walk', seed: 4, months: 300, assets: 12 });
const [fold] = walkForwardFolds(300, { initial: 240, step: 48 }).folds;
const assets = panel.assets.length;

describe('forecastRefreshed', () => {
  it('is the fold itself where nothing is refreshed', async () => {
    const estimator = olsEstimator();
    const once = await forecastFold(await estimator.fit(panel, fold.train, { seed: 1 }), panel, fold);
    const same = await forecastRefreshed(estimator, panel, fold, 48, { seed: 1 });
    expect(same).toEqual(once);
  });

  it('forecasts every part as a fit on the rows before it does, the last and shorter one too', async () => {
    const estimator = ewmOlsEstimator({ halfLife: 40 });
    const whole = await forecastRefreshed(estimator, panel, fold, 20, { seed: 1 });
    for (const [start, end] of [
      [240, 260],
      [260, 280],
      [280, 288],
    ]) {
      const part = { index: 0, train: { start: 0, end: start }, test: { start, end } };
      const own = await forecastFold(await estimator.fit(panel, part.train, { seed: 1 }), panel, part);
      const [from, to] = [(start - 240) * assets, (end - 240) * assets];
      expect(whole.predicted.slice(from, to)).toEqual(own.predicted);
      expect(whole.hedged.slice(from, to)).toEqual(own.hedged);
      expect(whole.realised.slice(from, to)).toEqual(own.realised);
    }
  });

  it('knows nothing of a part before it has come: later returns change no bit of it', async () => {
    const estimator = ewmOlsEstimator({ halfLife: 40 });
    const shifted = { ...panel, returns: panel.returns.map((r, i) => (i >= 264 * assets ? r + 1000 : r)) };
    const [before, after] = await Promise.all(
      [panel, shifted].map((data) => forecastRefreshed(estimator, data, fold, 12, { seed: 1 })),
    );
    const known = (264 - 240) * assets;
    expect(after.predicted.slice(0, known)).toEqual(before.predicted.slice(0, known));
    expect(after.predicted.slice(known + 12 * assets)).not.toEqual(before.predicted.slice(known + 12 * assets));
  });

  it('refuses to refresh never', async () => {
    await expect(forecastRefreshed(olsEstimator(), panel, fold, 0, { seed: 1 })).rejects.toThrow('every 0 rows');
  });
});
