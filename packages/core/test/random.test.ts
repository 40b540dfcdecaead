import { describe, expect, it } from 'vitest';
import { Random } from '../src/index.js';

const DRAWS = 200_000;
/** Four standard errors of a mean of DRAWS standard normals. */
const FOUR_SE = 4 / Math.sqrt(DRAWS);

describe('Random', () => {
  it('repeats itself for the same seed and differs for another', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 5 }, () => random.bits());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(0)).not.toEqual([0, 0, 0, 0, 0]);
  });

  it('follows the recurrence of xoshiro128** with 32-bit wrap-around', () => {
    // The recurrence in unbounded integers, reduced modulo 2^32, from the same state.
    const random = new Random(42);
    const mask = 0xffffffffn;
    const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
    const s = [...(random as unknown as { state: Uint32Array }).state].map(BigInt);
    for (let i = 0; i < 100; i++) {
      const expected = (rotate((s[1] * 5n) & mask, 7n) * 9n) & mask;
      const shifted = (s[1] << 9n) & mask;
      s[2] ^= s[0];
      s[3] ^= s[1];
      s[1] ^= s[2];
      s[0] ^= s[3];
      s[2] ^= shifted;
      s[3] = rotate(s[3], 11n);
      expect(random.bits()).toBe(Number(expected));
    }
  });

  it('draws normals with the moments of a standard normal', () => {
    const random = new Random(3);
    const moments = [0, 0, 0, 0];
    for (let i = 0; i < DRAWS; i++) {
      const x = random.normal();
      for (let power = 0; power < 4; power++) moments[power] += x ** (power + 1) / DRAWS;
    }
    // Standard errors of the first four raw moments of a normal: 1, sqrt 2, sqrt 15, sqrt 96 over sqrt n.
    expect(Math.abs(moments[0])).toBeLessThan(FOUR_SE);
    expect(Math.abs(moments[1] - 1)).toBeLessThan(FOUR_SE * Math.sqrt(2));
    expect(Math.abs(moments[2])).toBeLessThan(FOUR_SE * Math.sqrt(15));
    expect(Math.abs(moments[3] - 3)).toBeLessThan(FOUR_SE * Math.sqrt(96));
  });

  it('draws uniforms and integers evenly', () => {
    const random = new Random(5);
    const counts = new Int32Array(7);
    let sum = 0;
    for (let i = 0; i < DRAWS; i++) {
      counts[random.integer(7)]++;
      sum += random.uniform();
    }
    expect(Math.abs(sum / DRAWS - 0.5)).toBeLessThan(FOUR_SE / Math.sqrt(12));
    const expected = DRAWS / 7;
    const chiSquare = counts.reduce((total, count) => total + (count - expected) ** 2 / expected, 0);
    // 99.99 % point of a chi-square with 6 degrees of freedom.
    expect(chiSquare).toBeLessThan(27.9);
  });

  it('forks streams that neither repeat nor disturb the parent', () => {
    const parent = new Random(11);
    const untouched = new Random(11);
    const children = [0, 1, 2].map((stream) => parent.fork(stream).bits());
    expect(new Set(children).size).toBe(3);
    expect(parent.bits()).toBe(untouched.bits());
  });
});
