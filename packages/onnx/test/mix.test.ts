import { ArgumentError, type FittedParameters } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  exposureForms,
  exposuresToOnnx,
  type MixParameters,
  modelToOnnx,
  runExposures,
  runOnnx,
  selectAssets,
} from '../src/index.js';
import { factorPanel, infoOf, linearParameters, lstmParameters, ordinary, withCovariance } from './synthetic.js';

// float32 in both files: the mix adds products, sums and a root.
const PARITY = 1e-6;
// Half precision carries 11 bits of each weight.
const FLOAT16_PARITY = 5e-3;
const [SERIES, ASSETS, ROWS] = [ordinary.series, ordinary.assets, 50];

const lstm = withCovariance(lstmParameters({ ...ordinary, lookbacks: [12, 6] }, 61), 62);
const ols = { ...linearParameters({ series: SERIES, assets: ASSETS }, [3, 1, 4], [4], 63), scaler: lstm.scaler };
const kalman: FittedParameters = {
  ...linearParameters({ series: SERIES, assets: ASSETS }, [1, 2], [], 64),
  method: 'kalman',
  scaler: lstm.scaler,
  variances: Float64Array.from({ length: 2 * ASSETS }, (_, i) => (i === 3 ? Number.NaN : 1e-4 * (i + 1))),
};
const zero: FittedParameters = {
  ...linearParameters({ series: SERIES, assets: ASSETS }, [], [], 65),
  method: 'zero',
  scaler: lstm.scaler,
};

const mixOf = (...parts: [FittedParameters, readonly number[]][]): MixParameters => ({
  method: 'chosen',
  parts: parts.map(([parameters, weights]) => ({ parameters, weights: Float64Array.from(weights) })),
});
const chosen = mixOf([ols, [0, 1, 0, 0, 1, 0, 0]], [lstm, [1, 0, 0, 1, 0, 0, 1]], [kalman, [0, 0, 1, 0, 0, 1, 0]]);
const stacked = mixOf(
  [lstm, [0.25, 1, 0, 0.5, 0, 1, 0.75]],
  [kalman, [0.75, 0, 1, 0.25, 0, 0, 0.25]],
  [zero, [0, 0, 0, 0.25, 1, 0, 0]],
);

const info = infoOf(SERIES, ASSETS);
const inputs = factorPanel(ROWS, SERIES, ordinary.flagged, 66);
const span = { start: ROWS - 9, end: ROWS };
const all = { start: 0, end: ASSETS };

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const wanted = Array.from(expected);
  const largest = Math.max(...wanted.filter(Number.isFinite).map(Math.abs));
  expect(largest).toBeGreaterThan(0);
  expect(actual.length).toBe(expected.length);
  wanted.forEach((value, i) => {
    expect(Number.isNaN(actual[i]), `[${i}] is ${actual[i]}, expected ${value}`).toBe(Number.isNaN(value));
    if (!Number.isNaN(value)) expect(Math.abs(actual[i] - value) / largest).toBeLessThan(PARITY);
  });
}

describe.each<[string, MixParameters]>([
  ['one method an asset', chosen],
  ['several with weights', stacked],
])('a mix of %s', (_, mix) => {
  it('returns what its methods return for the assets they serve', async () => {
    const own = await Promise.all(mix.parts.map((part) => runOnnx(modelToOnnx(part.parameters, info), inputs, span)));
    const { values } = await runOnnx(modelToOnnx(mix, info), inputs, span);
    const expected = Array.from(values, (_, i) =>
      mix.parts.reduce((sum, { weights }, m) => {
        const weight = weights[i % ASSETS];
        return weight > 0 ? sum + weight * own[m].values[i] : sum;
      }, 0),
    );
    expectClose(values, expected);
  });

  it.each(exposureForms)('has their exposures and standard errors: %s', async (form) => {
    const own = await Promise.all(
      mix.parts.map((part) => runExposures(exposuresToOnnx(part.parameters, info), inputs, span, all, form)),
    );
    const actual = await runExposures(exposuresToOnnx(mix, info), inputs, span, all, form);
    const factors = SERIES - 1;
    const cells = actual.values.length / (9 * ASSETS);
    expect(cells).toBe(form === 'lags' ? 13 * factors : factors);
    const missing = (date: number, cell: number) => {
      const [lag, series] = [Math.floor(cell / factors), 1 + (cell % factors)];
      return Number.isNaN(inputs.values[(span.start + date - lag) * SERIES + series]);
    };
    const means = new Float64Array(actual.values.length);
    const errors = new Float64Array(actual.values.length);
    for (let i = 0; i < means.length; i++) {
      const [date, asset, cell] = [Math.floor(i / (cells * ASSETS)), Math.floor(i / cells) % ASSETS, i % cells];
      const shares = mix.parts.flatMap(({ weights }, m) => {
        const width = own[m].values.length / (9 * ASSETS);
        if (!(weights[asset] > 0)) return [];
        // A lag that a method does not have is 0 and certain.
        if (cell >= width) return [{ weight: weights[asset], value: 0, error: 0 }];
        const at = (date * ASSETS + asset) * width + cell;
        return [{ weight: weights[asset], value: own[m].values[at], error: own[m].se?.[at] ?? Number.NaN }];
      });
      const nothing = missing(date, cell) ? Number.NaN : 0;
      means[i] = shares.reduce((sum, { weight, value }) => sum + weight * value, nothing);
      errors[i] = shares.reduce(
        (sum, { weight, value, error }) => sum + weight * Math.hypot(error, value - means[i]),
        nothing,
      );
    }
    expectClose(actual.values, means);
    expectClose(actual.se ?? [], errors);
  });

  it('is the same in half precision to the error that 11 bits leave', async () => {
    const halved = await runExposures(exposuresToOnnx(mix, info, { weights: 'float16' }), inputs, span, all, 'lags');
    const whole = await runExposures(exposuresToOnnx(mix, info), inputs, span, all, 'lags');
    const largest = Math.max(...whole.values.filter(Number.isFinite).map(Math.abs));
    const errors = whole.values.map((value, i) => Math.abs(value - halved.values[i]) / largest).filter(Number.isFinite);
    expect(Math.max(...errors)).toBeLessThan(FLOAT16_PARITY);
    expect(Math.max(...errors)).toBeGreaterThan(PARITY);
  });

  it('gives single assets the same numbers', async () => {
    const names = [info.assets[5], info.assets[0]];
    const part = selectAssets({ info, parameters: mix }, names);
    const some = { start: 0, end: 2 };
    const few = await runExposures(exposuresToOnnx(part.parameters, part.info), inputs, span, some, 'cumulative');
    const every = await runExposures(exposuresToOnnx(mix, info), inputs, span, all, 'cumulative');
    const width = every.values.length / (9 * ASSETS);
    const rows = Array.from({ length: 9 }, (_, date) =>
      [5, 0].map((asset) => [
        ...every.values.subarray((date * ASSETS + asset) * width, (date * ASSETS + asset + 1) * width),
      ]),
    ).flat(2);
    expectClose(few.values, rows);
  });
});

it('a mix says what serves each asset in its metadata and is the same each time', () => {
  const bytes = modelToOnnx(stacked, info);
  expect(Buffer.from(bytes).includes('[{"lstm":0.25,"kalman":0.75},{"lstm":1}')).toBe(true);
  expect(modelToOnnx(stacked, info)).toEqual(bytes);
});

it.each<[string, MixParameters, RegExp]>([
  ['no methods', mixOf(), /no methods/],
  ['an asset without one', mixOf([ols, [0, 1, 1, 1, 1, 1, 1]]), /asset 0 has no method/],
  ['a method without a share', mixOf([ols, Array(7).fill(1)], [zero, Array(7).fill(0)]), /zero has no share/],
  ['weights of another number', mixOf([ols, [1, 1]]), /differ in assets/],
  [
    'methods on other scales',
    mixOf([ols, Array(7).fill(1)], [{ ...zero, scaler: { ...ols.scaler, sd: ols.scaler.mean } }, Array(7).fill(1)]),
    /differ in assets or in the SD/,
  ],
])('a mix of %s is refused', (_, mix, words) => {
  expect(() => modelToOnnx(mix, info)).toThrow(ArgumentError);
  expect(() => modelToOnnx(mix, info)).toThrow(words);
});
