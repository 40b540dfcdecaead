import { expect, it } from 'vitest';
import { runStudyCell, simulateWorld, studyCells, summariseStudy } from '../src/index.js';

const WEEKS = 4000;
const world = simulateWorld({ process: 'market', seed: 3, months: WEEKS, assets: 4 });
const series = (values: Float64Array, columns: number, column: number) =>
  Float64Array.from({ length: values.length / columns }, (_, t) => values[t * columns + column]);
const mean = (values: Float64Array) => values.reduce((sum, x) => sum + x, 0) / values.length;
const correlation = (a: Float64Array, b: Float64Array) => {
  const [ma, mb] = [mean(a), mean(b)];
  const product = mean(a.map((x, t) => (x - ma) * (b[t] - mb)));
  return product / Math.sqrt(mean(a.map((x) => (x - ma) ** 2)) * mean(b.map((x) => (x - mb) ** 2)));
};
const residual = (asset: number) =>
  series(world.panel.returns, 4, asset).map((r, t) => r - world.expected[t * 4 + asset]);

it('a market-like world earns what its exposures say, to the bit of rounding, and stress has no exposure', () => {
  const { panel, truth, expected } = world;
  expect(panel.axis.frequency).toBe('W');
  expect(panel.inputs.factors.map(({ role }) => role)).toEqual([...Array(5).fill('factor'), 'state']);
  expect(truth.exposure).toHaveLength(4 * WEEKS * 5);
  for (const row of [0, 1234, WEEKS - 1]) {
    for (let asset = 0; asset < 4; asset++) {
      let sum = 0;
      for (let j = 0; j < 5; j++) {
        const move = panel.inputs.values[row * 6 + j] / truth.factorSd[j];
        sum += truth.exposure[(asset * WEEKS + row) * 5 + j] * move;
      }
      expect(Math.abs(sum - expected[row * 4 + asset])).toBeLessThan(1e-15);
    }
  }
});

it('its residuals share a market that is half of their variance, cluster and have heavy tails', () => {
  const [one, two] = [residual(0), residual(1)];
  // Of 4,000 weeks with volatility clusters the correlation is known to about .03, the others to about half their size.
  expect(Math.abs(correlation(one, two) - 0.5)).toBeLessThan(0.12);
  const squares = one.map((x) => x * x);
  expect(correlation(squares.subarray(1), squares.subarray(0, WEEKS - 1))).toBeGreaterThan(0.05);
  expect(mean(squares.map((x) => x * x)) / mean(squares) ** 2).toBeGreaterThan(4);
});

it('exposures to credit and rates move with stress, that to oil only drifts', () => {
  const stress = series(world.panel.inputs.values, 6, 5).map(Math.tanh);
  const exposure = (asset: number, factor: number) =>
    series(world.truth.exposure.subarray(asset * WEEKS * 5, (asset + 1) * WEEKS * 5), 5, factor);
  const change = (path: Float64Array) => path.subarray(1).map((x, t) => x - path[t]);
  expect(correlation(change(exposure(0, 0)), change(stress))).toBeGreaterThan(0.8);
  expect(Math.abs(correlation(change(exposure(0, 4)), change(stress)))).toBeLessThan(0.1);
});

it('a study scores every method, the true form best where the world is linear, and means are geometric', async () => {
  const rows = await runStudyCell({ process: 'const', seed: 1, r2: 0.6, months: 200, assets: 20 }, { threads: 1 });
  const score = (method: string) => rows.find((row) => row.method === method)?.score ?? Number.NaN;
  expect(rows.map(({ method }) => method)).toContain('lstm_kalman');
  // The true form of a linear world is least squares; a diffuse prior and an intercept make no difference to 1 %.
  expect(Math.abs(score('oracle') / score('ols') - 1)).toBeLessThan(0.01);
  const [first] = summariseStudy([rows[0], { ...rows[0], seed: 2, score: 4 * rows[0].score }]);
  expect(first.score).toBeCloseTo(2 * rows[0].score, 12);
  expect(studyCells()).toHaveLength(10 * 28 + 10 * 4 * 5);
});
