import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { F32_BOUND, F64_BOUND, goldenErrors, parseGolden, SATURATED_F64_BOUND } from './lstmGolden.js';

const native = join(import.meta.dirname, '..', '..', '..', 'native');
const cases = parseGolden(readFileSync(join(native, 'crates', 'lstm', 'tests', 'kernel', 'golden.txt'), 'utf8'));

describe('the facade against torch.nn.LSTM', () => {
  it.each([
    ['float64', Float64Array, F64_BOUND],
    ['float32', Float32Array, F32_BOUND],
  ] as const)('has every output, gradient and Jacobian within the %s bound', async (_name, kind, bound) => {
    const ordinary = cases.filter(({ gain }) => gain === 1);
    expect(ordinary).toHaveLength(24);
    for (const golden of ordinary) {
      for (const { name, error } of await goldenErrors(kind, golden)) {
        expect(error, `${name} of case ${golden.seed}`).toBeLessThanOrEqual(bound);
      }
    }
  });

  it('keeps saturated gates within their bound in float64, and finite in float32', async () => {
    for (const golden of cases.filter(({ gain }) => gain > 1)) {
      for (const { name, error } of await goldenErrors(Float64Array, golden)) {
        expect(error, `${name} of case ${golden.seed}`).toBeLessThanOrEqual(SATURATED_F64_BOUND);
      }
      for (const { name, error } of await goldenErrors(Float32Array, golden)) {
        expect(error, `${name} of case ${golden.seed}`).not.toBeNaN();
      }
    }
  });
});
