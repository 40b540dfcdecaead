import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { type ExposureCube, totalExposures } from '../src/index.js';
import { fakeInputs } from './fake_fit.js';

const FACTORS = 2;

function cubeOf(exposure: number[], se: number[]): ExposureCube {
  const inputs = fakeInputs(exposure.length / FACTORS);
  return {
    method: 'ols',
    kind: 'contemporaneous',
    assets: { start: 0, end: 1 },
    span: { start: 0, end: exposure.length / FACTORS },
    dates: inputs.axis.dates,
    factors: inputs.factors.slice(0, FACTORS),
    level: 0.9,
    exposure: Float64Array.from(exposure),
    unitExposure: Float64Array.from(exposure),
    se: Float64Array.from(se),
    lo: Float64Array.from(exposure),
    hi: Float64Array.from(exposure),
  };
}

describe('totalExposures', () => {
  it('is the slope on the factor alone where returns are linear in correlated factors', () => {
    const random = new Random(4);
    const rows = 200;
    const a = Float64Array.from({ length: rows }, () => random.normal());
    const b = a.map((value) => 0.6 * value + random.normal());
    const sum = (x: Float64Array, y: Float64Array) => x.reduce((total, value, t) => total + value * y[t], 0);
    const [aa, ab, bb] = [sum(a, a), sum(a, b), sum(b, b)];
    const [beta, gamma] = [0.02, -0.03];
    const returns = a.map((value, t) => beta * value + gamma * b[t]);
    // [factor][shocked factor]: what b does when a moves by one lies below what a does when b moves.
    const moves = Float64Array.of(1, ab / bb, ab / aa, 1);
    const { exposure, unitExposure, kind } = totalExposures(
      cubeOf([beta, gamma], [0, 0]),
      moves,
      Float64Array.of(2, 5),
    );
    expect(kind).toBe('total');
    expect(exposure[0]).toBeCloseTo(sum(a, returns) / aa, 12);
    expect(exposure[1]).toBeCloseTo(sum(b, returns) / bb, 12);
    expect(unitExposure[1]).toBeCloseTo(exposure[1] / 5, 12);
  });

  it('leaves a missing factor out of the sum, and has no total of it', () => {
    const cube = cubeOf([0.02, -0.03, 0.02, Number.NaN], [0.003, 0.004, 0.003, Number.NaN]);
    const { exposure, se, lo, hi } = totalExposures(cube, Float64Array.of(1, 0.5, 0.25, 1), Float64Array.of(1, 1));
    expect(exposure[0]).toBeCloseTo(0.02 - 0.25 * 0.03, 12);
    expect(se[0]).toBeCloseTo(Math.hypot(0.003, 0.25 * 0.004), 12);
    expect((lo[0] + hi[0]) / 2).toBeCloseTo(exposure[0], 12);
    expect(exposure[2]).toBe(0.02);
    expect(exposure[3]).toBeNaN();
    expect(se[3]).toBeNaN();
  });
});
