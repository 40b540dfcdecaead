import { averagingTerm } from '@macrograd/core';
import { expect, it } from 'vitest';

it('is the method\u2019s own error where one has all weight', () => {
  expect(averagingTerm(1, -3, 0.7, -3)).toBe(0.7);
});

it('never leaves out 0 where half of the weight is no exposure, however sure the other half is', () => {
  const weight = 0.5;
  for (const own of [0.1, 2, -50]) {
    const mean = weight * own;
    const se = averagingTerm(weight, own, 0, mean) + averagingTerm(1 - weight, 0, 0, mean);
    expect(se).toBeCloseTo(Math.abs(mean), 12);
  }
});

it('equals the formula on three models that differ', () => {
  // By hand, with b = .2 * 1 + .5 * -2 + .3 * .5 = -.65: 1.65, -1.35 and 1.15 apart.
  const [one, two, three] = [
    averagingTerm(0.2, 1, 0.3, -0.65),
    averagingTerm(0.5, -2, 0.1, -0.65),
    averagingTerm(0.3, 0.5, 2, -0.65),
  ];
  expect(one).toBeCloseTo(0.2 * Math.sqrt(0.09 + 2.7225), 14);
  expect(two).toBeCloseTo(0.5 * Math.sqrt(0.01 + 1.8225), 14);
  expect(three).toBeCloseTo(0.3 * Math.sqrt(4 + 1.3225), 14);
});
