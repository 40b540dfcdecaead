import { describe, expect, it } from 'vitest';
import { recoveryScore, simulateWorld } from '../src/index.js';
import { oracleFit } from './oracle.js';

const span = { start: 84, end: 120 };
const world = simulateWorld({ process: 'interaction', seed: 6, months: 120, assets: 7 });

describe('recoveryScore', () => {
  it('is perfect for the truth, although training SDs differ from population SDs', async () => {
    const perfect = await recoveryScore(
      world,
      oracleFit(world, 84, () => 0),
      span,
    );
    expect(perfect.score).toBeLessThan(1e-12); // rounding of two rescalings
    expect(perfect.withinCorrelation).toBeCloseTo(1, 12);
    expect(perfect.coverage).toBe(1);
    expect(perfect.factors.map(({ factor }) => factor)).toEqual(['RATE', 'CREDIT_CHANGE']);
  });

  it('is the RMSE over the SD of the truth, assets and dates pooled', async () => {
    const off = 0.004;
    const scored = await recoveryScore(
      world,
      oracleFit(world, 84, (asset) => (asset < 2 ? off : 0)),
      span,
    );
    scored.factors.forEach(({ score }, s) => {
      const j = world.truth.scored[s];
      const known: number[] = [];
      for (let asset = 0; asset < 7; asset++) {
        for (let t = span.start; t < span.end; t++) known.push(world.truth.exposure[(asset * 120 + t) * 6 + j]);
      }
      const mean = known.reduce((sum, x) => sum + x, 0) / known.length;
      const sd = Math.sqrt(known.reduce((sum, x) => sum + (x - mean) ** 2, 0) / known.length);
      expect(score).toBeCloseTo((off * world.truth.factorSd[j] * Math.sqrt(2 / 7)) / sd, 10);
    });
  });

  it('sees a wrong path over time that the pooled error hides', async () => {
    const still = simulateWorld({ process: 'const', seed: 6, months: 120, assets: 7 });
    const constant = await recoveryScore(
      still,
      oracleFit(still, 84, () => 0),
      span,
    );
    expect(constant.withinCorrelation).toBeNaN();
    const wild = oracleFit(world, 84, (_asset, row) => 1000 * Math.sin(row));
    expect(Math.abs((await recoveryScore(world, wild, span)).withinCorrelation)).toBeLessThan(0.5);
  });

  it('counts the share of true exposures inside the interval', async () => {
    // Assets 0, 1, 2 lie outside their intervals, the other four inside.
    const scored = await recoveryScore(
      world,
      oracleFit(world, 84, (asset) => (asset < 3 ? 1.1 : 1)),
      span,
    );
    expect(scored.coverage).toBeCloseTo(4 / 7, 12);
  });
});
