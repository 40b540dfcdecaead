import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** Agreement of two backward-stable solvers in float64. */
export const COEFFICIENT_TOLERANCE = 1e-9;
/** Standard errors, covariances and responses: squares and products of estimates lose a digit more. */
export const ERROR_TOLERANCE = 1e-8;

type Nested = number | null | readonly Nested[];

/** Reads a golden file. */
// biome-ignore lint/suspicious/noExplicitAny: the file's own generator says what is in it.
export function readGolden(name: string): any {
  return JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8'));
}

/** Row-major values of nested lists; null is NaN. */
export function flat(nested: Nested): Float64Array {
  const out: number[] = [];
  const visit = (value: Nested): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else out.push((value as number | null) ?? Number.NaN);
  };
  visit(nested);
  return Float64Array.from(out);
}

/** Expects equal lengths and differences below `tolerance` times the largest expected value of each group. */
export function expectClose(actual: ArrayLike<number>, expected: Nested, tolerance: number, group = 0): void {
  const wanted = flat(expected);
  expect(actual.length).toBe(wanted.length);
  const size = group || wanted.length;
  let worst = 0;
  for (let start = 0; start < wanted.length; start += size) {
    const own = wanted.subarray(start, start + size);
    const scale = own.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    own.forEach((value, at) => {
      worst = Math.max(worst, Math.abs(actual[start + at] - value) / scale);
    });
  }
  reportWorst(worst, tolerance);
  expect(worst).toBeLessThan(tolerance);
}

/** With MACROGRAD_PARITY set, prints what docs/methods/parity.md states: the test, its worst error and the tolerance. */
export function reportWorst(worst: number, tolerance: number): void {
  if (process.env.MACROGRAD_PARITY) {
    console.log(
      `parity\t${expect.getState().currentTestName}\t${worst.toExponential(1)}\t${tolerance.toExponential(1)}`,
    );
  }
}
