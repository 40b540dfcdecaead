import { readFileSync } from 'node:fs';
import { ArgumentError, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  ewmCrossSection,
  ewmRegression,
  type OlsRegressionOptions,
  olsRegression,
  type RegressionPanel,
  rollingRegression,
} from '../src/linear.js';
import { reportWorst } from './golden.js';

interface GoldenCase {
  rows: number;
  columns: number;
  assets: number;
  design: number[][];
  returns: (number | null)[][];
}
interface GoldenStatic extends GoldenCase {
  lags: number;
  coefficients: number[][];
  condition: number[];
  [variant: string]: unknown;
}
type Nested = (number | null)[][][];

const golden = JSON.parse(readFileSync(new URL('./golden/linear.json', import.meta.url), 'utf8'));

/** Agreement of two backward-stable solvers in float64, times the design's condition number over 10^6 when above it. */
const COEFFICIENT_TOLERANCE = 1e-9;
/** Squares of residuals lose a digit more. */
const ERROR_TOLERANCE = 1e-8;
/** Condition number from which the tolerances grow in proportion. */
const WELL_CONDITIONED = 1e6;

function toPanel(source: GoldenCase): RegressionPanel {
  const flat = (rows: (number | null)[][]) => Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);
  const { rows, columns, assets } = source;
  return { design: flat(source.design), returns: flat(source.returns), rows, columns, assets };
}

/** Largest error relative to the largest expected value of each group of `size` values. */
function worstError(actual: ArrayLike<number>, expected: (number | null)[], size: number): number {
  let worst = 0;
  for (let start = 0; start < expected.length; start += size) {
    const group = expected.slice(start, start + size).map((value) => value ?? Number.NaN);
    const scale = Math.max(...group.filter((value) => !Number.isNaN(value)).map(Math.abs));
    group.forEach((value, at) => {
      expect(Number.isNaN(actual[start + at]), `missing at ${start + at}`).toBe(Number.isNaN(value));
      if (!Number.isNaN(value)) worst = Math.max(worst, Math.abs(actual[start + at] - value) / scale);
    });
  }
  reportWorst(worst, Number.NaN);
  return worst;
}

const variants: [string, OlsRegressionOptions][] = [
  ['homoscedastic', {}],
  ['hac', { covariance: 'hac', smallSample: false, reference: 'normal' }],
  ['hacSmallSample', { covariance: 'hac', smallSample: true }],
  ['hacAutomatic', { covariance: 'hac', smallSample: false, reference: 'normal' }],
];

describe('static regression', () => {
  for (const name of ['static', 'nearCollinear']) {
    for (const [variant, options] of variants) {
      it(`matches statsmodels: ${name} design, ${variant} covariance, holes and a late starter`, async () => {
        const expected: GoldenStatic = golden[name];
        const lags = variant.startsWith('hac') && variant !== 'hacAutomatic' ? { lags: expected.lags } : {};
        const fit = await olsRegression(toPanel(expected), { ...options, ...lags });
        const factor = Math.max(1, Math.max(...expected.condition) / WELL_CONDITIONED);
        const k = expected.columns;
        const own = expected[variant] as { covariance: number[][][]; pValues: number[][] };
        expect(worstError(fit.coefficients, expected.coefficients.flat(), k)).toBeLessThan(
          COEFFICIENT_TOLERANCE * factor,
        );
        expect(worstError(fit.covariance, own.covariance.flat(2), k * k)).toBeLessThan(ERROR_TOLERANCE * factor);
        expect(worstError(fit.pValues, own.pValues.flat(), k)).toBeLessThan(ERROR_TOLERANCE * factor);
        // The smallest singular value is known to some K eps times the largest; the file has 14 digits.
        const digits = Math.max(1e-13, k * k * Number.EPSILON * Math.max(...expected.condition));
        expect(worstError(fit.condition, expected.condition, 1)).toBeLessThan(digits);
      });
    }
  }

  it('keeps the first of two equal columns and says so, and reports too few observations', async () => {
    const random = new Random(3);
    const rows = 30;
    const design = new Float64Array(rows * 3);
    const returns = new Float64Array(rows * 2).fill(Number.NaN);
    for (let row = 0; row < rows; row++) {
      const x = random.normal();
      design.set([1, x, 2 * x], row * 3);
      returns[row * 2] = 0.5 + 3 * x;
      if (row < 2) returns[row * 2 + 1] = x;
    }
    const fit = await olsRegression({ design, returns, rows, columns: 3, assets: 2 });
    expect([...fit.rank]).toEqual([2, 0]);
    expect([...fit.observations]).toEqual([30, 2]);
    expect(fit.coefficients[1]).toBeCloseTo(3, 12);
    expect(fit.coefficients[2]).toBeNaN();
    expect(fit.condition[0]).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('rolling regression', () => {
  for (const name of ['rolling', 'rollingNearCollinear']) {
    it(`matches a statsmodels OLS in every window: ${name}, missing returns`, async () => {
      const expected: GoldenCase & {
        window: number;
        minObservations: number;
        coefficients: Nested;
        standardErrors: Nested;
      } = golden[name];
      const path = await rollingRegression(toPanel(expected), expected);
      const k = expected.columns;
      expect(worstError(path.coefficients, expected.coefficients.flat(2), k)).toBeLessThan(COEFFICIENT_TOLERANCE);
      const errors = path.variances.map(Math.sqrt);
      expect(worstError(errors, expected.standardErrors.flat(2), k)).toBeLessThan(ERROR_TOLERANCE);
    });
  }

  it('matches RollingOLS of statsmodels on complete data', async () => {
    const expected: { coefficients: (number | null)[][]; standardErrors: (number | null)[][] } = golden.rollingOls;
    const path = await rollingRegression(toPanel(golden.rolling), { window: 24 }, { assets: { start: 0, end: 1 } });
    const k = golden.rolling.columns;
    expect(worstError(path.coefficients, expected.coefficients.flat(), k)).toBeLessThan(COEFFICIENT_TOLERANCE);
    expect(worstError(path.variances.map(Math.sqrt), expected.standardErrors.flat(), k)).toBeLessThan(ERROR_TOLERANCE);
  });

  it('gives the same bits for a part of the rows and assets, and for 1 and 2 threads', async () => {
    const panel = toPanel(golden.rolling);
    const { rows, columns } = panel;
    const options = { window: 24, minObservations: 18 };
    const whole = await rollingRegression(panel, { ...options, threads: 1 });
    expect(await rollingRegression(panel, { ...options, threads: 2 })).toEqual(whole);
    const part = await rollingRegression(panel, options, { assets: { start: 1, end: 3 } });
    expect(part.coefficients).toEqual(whole.coefficients.slice(rows * columns));
  });

  it('overwrites all of the arrays that it is given, and refuses those of another size', async () => {
    const panel = toPanel(golden.rolling);
    const options = { window: 24, minObservations: 18 };
    const fresh = await rollingRegression(panel, options);
    const used = () => new Float64Array(fresh.coefficients.length).fill(7);
    const out = { coefficients: used(), variances: used() };
    const kept = await rollingRegression(panel, { ...options, out });
    expect(kept.coefficients).toBe(out.coefficients);
    expect(kept).toEqual(fresh);
    const short = { ...out, variances: used().subarray(1) };
    await expect(rollingRegression(panel, { ...options, out: short })).rejects.toMatchObject({
      code: 'shape_mismatch',
    });
  });
});

describe('exponentially weighted regression', () => {
  it('matches weighted least squares and the dense variance formula at several rows', async () => {
    const expected: {
      halfLife: number;
      rows: number[];
      coefficients: Nested;
      variances: Nested;
      degreesOfFreedom: number[][];
    } = golden.weighted;
    const panel = toPanel(golden.rolling);
    for (const [at, row] of expected.rows.entries()) {
      const range = { rows: { start: row, end: row + 1 } };
      const path = await ewmRegression(panel, { halfLife: expected.halfLife }, range);
      const pick = (values: Nested) => values.flatMap((asset) => asset[at]);
      expect(worstError(path.coefficients, pick(expected.coefficients), 3)).toBeLessThan(COEFFICIENT_TOLERANCE);
      expect(worstError(path.variances, pick(expected.variances), 3)).toBeLessThan(ERROR_TOLERANCE);
      const degrees = expected.degreesOfFreedom.map((asset) => asset[at]);
      expect(worstError(path.degreesOfFreedom, degrees, 1)).toBeLessThan(ERROR_TOLERANCE);
    }
  });

  it('reads no row after the one it estimates at, cross-section included', async () => {
    const panel = toPanel(golden.rolling);
    const { rows, columns, assets } = panel;
    const cut = 45;
    const changed = { ...panel, design: panel.design.slice(), returns: panel.returns.slice() };
    changed.design.subarray(cut * columns).forEach((value, at, part) => {
      part[at] = value + 1000;
    });
    changed.returns.subarray(cut * assets).forEach((value, at, part) => {
      part[at] = value + 1000;
    });
    const options = { halfLife: 20, freeColumns: [0] };
    const range = { rows: { start: 0, end: cut } };
    const [before, after] = await Promise.all(
      [panel, changed].map(async (source) =>
        ewmRegression(source, options, range, await ewmCrossSection(source, options)),
      ),
    );
    expect(after).toEqual(before);
    expect(rows).toBeGreaterThan(cut);
  });
});

describe('refusals', () => {
  it('names the option, the array or the cancellation', async () => {
    const panel = toPanel(golden.rolling);
    expect(() => rollingRegression(panel, { window: 1 })).toThrow(ArgumentError);
    expect(() => ewmRegression(panel, { halfLife: Number.NaN })).toThrow(/halfLife/);
    await expect(olsRegression({ ...panel, rows: panel.rows + 1 })).rejects.toMatchObject({ code: 'shape_mismatch' });
    const infinite = panel.returns.slice();
    infinite[4] = Number.POSITIVE_INFINITY;
    await expect(olsRegression({ ...panel, returns: infinite })).rejects.toThrow(/returns\[4\] is infinite/);
    await expect(olsRegression(panel, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
