import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@macrograd/core';
import { expect, it } from 'vitest';
import { modelConfidenceSet } from '../src/index.js';

interface Golden {
  readonly block_length: number;
  readonly losses: number[][];
  readonly p_values: number[];
}
const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden', 'confidence_set.json'), 'utf8'));
// A share of 4,000 draws is known to .008; the other implementation drew 20,000 of its own.
const MONTE_CARLO = 0.025;

it('has the p-values of the arch package', () => {
  const losses = golden.losses.map((own) => Float64Array.from(own));
  const found = modelConfidenceSet(losses, { blockLength: golden.block_length, replications: 4000 });
  golden.p_values.forEach((value, method) => {
    expect(Math.abs(found[method] - value)).toBeLessThan(MONTE_CARLO);
  });
});

it('keeps equal methods, drops a worse one, and is the same for the same seed', () => {
  const random = new Random(4);
  const base = Float64Array.from({ length: 120 }, () => random.normal() ** 2);
  const worse = base.map((loss) => loss + 0.5 + 0.2 * random.normal());
  const found = modelConfidenceSet([base, worse, base.slice()]);
  expect(found[0]).toBe(1);
  expect(found[2]).toBe(1);
  expect(found[1]).toBeLessThan(0.01);
  expect(modelConfidenceSet([base, worse, base.slice()])).toEqual(found);
});

it('holds the best of four equally good methods in at least 90 % of histories', () => {
  const HISTORIES = 200;
  let held = 0;
  for (let history = 0; history < HISTORIES; history++) {
    const random = new Random(1000 + history);
    const losses = Array.from({ length: 4 }, () => Float64Array.from({ length: 100 }, () => random.normal()));
    if (modelConfidenceSet(losses, { replications: 200, blockLength: 1 })[0] >= 0.1) held++;
  }
  // .9 nominal less two binomial errors of 200 histories.
  expect(held / HISTORIES).toBeGreaterThan(0.9 - 2 * Math.sqrt((0.9 * 0.1) / HISTORIES));
});

it('refuses losses of different length', () => {
  expect(() => modelConfidenceSet([new Float64Array(3), new Float64Array(4)])).toThrow(/differ in number/);
});
