import type { FactorPanel, JacobianForm, LstmParameters, ModelInfo } from '@macrograd/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  ASSETS_NAME,
  type ExposureExportOptions,
  exposureForms,
  exposuresToOnnx,
  factorWindows,
  INPUT_NAME,
  runExposures,
  windowLength,
} from '../src/index.js';
import { lstmExposures } from './reference.js';
import {
  factorPanel,
  infoOf,
  linearParameters,
  lstmParameters,
  ordinary,
  type Shape,
  withCovariance,
} from './synthetic.js';

// float32 through up to 120 reverse steps, against central differences in float64 (exact to 1e-10).
const PARITY = 1e-5;
// Half precision carries 11 bits of each weight.
const FLOAT16_PARITY = 5e-3;

/** Outputs of a file for windows, by name. */
async function outputs(bytes: Uint8Array, windows: Float32Array, dims: readonly number[], assets: readonly number[]) {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const results = await session.run({
    [INPUT_NAME]: new Tensor('float32', windows, dims),
    [ASSETS_NAME]: new Tensor('int64', BigInt64Array.from(assets, BigInt), [assets.length]),
  });
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims: shape }]) => [name, { data: data as Float32Array, shape }]),
  );
}

const everyAsset = (count: number) => Array.from({ length: count }, (_, asset) => asset);

/** Largest difference over the largest value of each output of a row against the definition; NaN must meet NaN. */
async function errors(
  parameters: LstmParameters,
  info: ModelInfo,
  inputs: FactorPanel,
  row: number,
  options?: ExposureExportOptions,
) {
  const lags = windowLength(parameters);
  const targets = info.factors.flatMap(({ role }, j) => (role === 'factor' ? [j] : []));
  const windows = factorWindows(inputs, { start: row, end: row + 1 }, lags);
  const bytes = exposuresToOnnx(parameters, info, options);
  const actual = await outputs(bytes, windows, [1, lags, inputs.factors.length], everyAsset(info.assets.length));
  const missing = (lag: number, f: number) => {
    return Number.isNaN(windows[(lags - 1 - lag) * inputs.factors.length + targets[f]]) ? Number.NaN : 0;
  };
  const expected: Record<string, number[]> = {};
  const push = (name: string, value: number) => {
    expected[name] ??= [];
    expected[name].push(value);
  };
  for (const own of lstmExposures(parameters, inputs, row, targets, lags)) {
    for (const form of exposureForms) {
      const cells = form === 'lags' ? own.lags : [own[form]];
      cells.forEach((factors, lag) => {
        factors.forEach(({ value, se, spread }, f) => {
          const mask = missing(lag, f);
          push(form, value + mask);
          push(`${form}_unit`, (value + mask) / parameters.scaler.sd[targets[f]]);
          push(`${form}_se`, se + mask);
          if (parameters.members.length > 1) push(`${form}_spread`, spread + mask);
        });
      });
    }
  }
  return Object.entries(expected).map(([name, values]) => {
    const { data } = actual[name];
    expect(data.length, name).toBe(values.length);
    // Where all are 0 (the spread of one member) or NaN, the difference itself.
    const largest = Math.max(0, ...values.filter(Number.isFinite).map(Math.abs)) || 1;
    return Math.max(
      ...values.map((value, i) => {
        expect(Number.isNaN(data[i]), `${name}[${i}] is ${data[i]}, expected ${value}`).toBe(Number.isNaN(value));
        return Number.isNaN(value) ? 0 : Math.abs(data[i] - value) / largest;
      }),
    );
  });
}

const shapes: readonly (readonly [string, Shape])[] = [
  ['three members, lookback 36, flags, a state', ordinary],
  ['lookback 1', { ...ordinary, lookbacks: [1, 1] }],
  ['lookback 120', { ...ordinary, series: 3, flagged: [1], assets: 2, hiddenSize: 3, lookbacks: [120] }],
  ['members of different lookback', { ...ordinary, lookbacks: [1, 24, 5] }],
  ['one member, one asset, one hidden unit', { ...ordinary, flagged: [], assets: 1, hiddenSize: 1, lookbacks: [3] }],
  ['no lag filters', { ...ordinary, filterCount: 0, lagCount: 0, lookbacks: [12, 12] }],
];

describe('exported exposures are the derivatives of the returns', () => {
  it.each(shapes)('%s', async (_, shape) => {
    const parameters = withCovariance(lstmParameters(shape, 31), 32);
    const inputs = factorPanel(140, shape.series, shape.flagged, 33);
    for (const row of [139, 60]) {
      for (const error of await errors(parameters, infoOf(shape.series, shape.assets), inputs, row)) {
        expect(error).toBeLessThan(PARITY);
      }
    }
  });

  it('with a control, which has none of its own', async () => {
    const parameters = withCovariance(lstmParameters({ ...ordinary, lookbacks: [4, 6] }, 34), 35);
    const info = infoOf(ordinary.series, ordinary.assets);
    const factors = info.factors.map((factor, j) => (j === 2 ? { ...factor, role: 'control' as const } : factor));
    const inputs = factorPanel(60, ordinary.series, ordinary.flagged, 36);
    const found = await errors(parameters, { ...info, factors }, inputs, 59);
    expect(Math.max(...found)).toBeLessThan(PARITY);
  });

  it('in half precision to the error that 11 bits leave', async () => {
    const parameters = withCovariance(lstmParameters({ ...ordinary, lookbacks: [12, 12] }, 37), 38);
    const info = infoOf(ordinary.series, ordinary.assets);
    const inputs = factorPanel(60, ordinary.series, ordinary.flagged, 39);
    const found = Math.max(...(await errors(parameters, info, inputs, 59, { weights: 'float16' })));
    expect(found).toBeLessThan(FLOAT16_PARITY);
    expect(found).toBeGreaterThan(PARITY);
  });

  it('with operator set 14', async () => {
    const parameters = withCovariance(lstmParameters({ ...ordinary, lookbacks: [12] }, 40), 41);
    const inputs = factorPanel(60, ordinary.series, ordinary.flagged, 42);
    const found = await errors(parameters, infoOf(ordinary.series, ordinary.assets), inputs, 59, { opset: 14 });
    expect(Math.max(...found)).toBeLessThan(PARITY);
  });
});

describe('an exposure file', () => {
  const shape = { ...ordinary, lookbacks: [12, 9] };
  const parameters = withCovariance(lstmParameters(shape, 43), 44);
  const bytes = exposuresToOnnx(parameters, infoOf(shape.series, shape.assets));
  const lags = windowLength(parameters);

  it.each([7, 1000])('gives a batch of %i what it gives one by one', async (rows) => {
    const inputs = factorPanel(rows, shape.series, shape.flagged, 45);
    const all = { start: 0, end: shape.assets };
    const together = await runExposures(bytes, inputs, { start: 0, end: rows }, all, 'cumulative');
    const largest = Math.max(...together.values.filter(Number.isFinite).map(Math.abs));
    const width = together.values.length / rows;
    for (const row of [0, 3, rows - 1]) {
      const alone = await runExposures(bytes, inputs, { start: row, end: row + 1 }, all, 'cumulative');
      alone.values.forEach((value, i) => {
        const other = together.values[row * width + i];
        expect(Number.isNaN(other)).toBe(Number.isNaN(value));
        if (!Number.isNaN(value)) expect(Math.abs(other - value) / largest).toBeLessThan(PARITY);
      });
    }
  });

  it('gives selected assets, in the order asked, the same bits as all of them', async () => {
    const inputs = factorPanel(40, shape.series, [], 46);
    const windows = factorWindows(inputs, { start: 38, end: 40 }, lags);
    const dims = [2, lags, shape.series];
    const [every, some] = [
      await outputs(bytes, windows, dims, everyAsset(7)),
      await outputs(bytes, windows, dims, [5, 2]),
    ];
    expect(every.lags.shape).toEqual([2, 7, lags, 4]);
    expect(some.lags.shape).toEqual([2, 2, lags, 4]);
    const [whole, width] = [every.cumulative.data, 4];
    expect([...some.cumulative.data]).toEqual(
      [0, 1].flatMap((date) =>
        [5, 2].flatMap((asset) => [...whole.subarray((date * 7 + asset) * width, (date * 7 + asset + 1) * width)]),
      ),
    );
  });

  it('gives all assets from the window alone where it is written without a selection', async () => {
    const inputs = factorPanel(40, shape.series, [], 48);
    const all = exposuresToOnnx(parameters, infoOf(shape.series, shape.assets), { selectable: false });
    const session = await InferenceSession.create(all, { logSeverityLevel: 3 });
    expect(session.inputNames).toEqual([INPUT_NAME]);
    await session.release();
    const span = { start: 30, end: 33 };
    for (const assets of [
      { start: 0, end: shape.assets },
      { start: 2, end: 5 },
    ]) {
      expect(await runExposures(all, inputs, span, assets, 'lags')).toEqual(
        await runExposures(bytes, inputs, span, assets, 'lags'),
      );
    }
  });

  it('takes a longer window, of which older steps change no bit', async () => {
    const { values } = factorPanel(30, shape.series, [], 47);
    const long = await outputs(bytes, Float32Array.from(values), [1, 30, shape.series], [0, 6]);
    const latest = Float32Array.from(values.slice((30 - lags) * shape.series));
    const short = await outputs(bytes, latest, [1, lags, shape.series], [0, 6]);
    for (const form of exposureForms) expect([...long[form].data]).toEqual([...short[form].data]);
  });

  it('holds the forms that are asked for alone, and is the same each time', () => {
    const forms: readonly JacobianForm[] = ['cumulative'];
    const part = exposuresToOnnx(parameters, infoOf(shape.series, shape.assets), { forms });
    expect(part.length).toBeLessThan(bytes.length);
    expect(exposuresToOnnx(parameters, infoOf(shape.series, shape.assets))).toEqual(bytes);
  });
});

/** Places of two coefficients, [asset][series]. */
const LEFT_OUT = 7;
const WITHOUT_ERROR = 9;

describe('exported exposures of a linear method', () => {
  const parameters = linearParameters({ series: 5, assets: 6 }, [3, 0, 4, 1], [3], 48);
  // What could not be estimated is 0 for predictions and has no variance; ridge may have a coefficient without one.
  const coefficients = parameters.coefficients.map((b, i) => (i === LEFT_OUT ? 0 : b));
  const variances = coefficients.map((b, i) => (i === LEFT_OUT || i === WITHOUT_ERROR ? Number.NaN : b * b));
  const inputs = factorPanel(30, 5, [3], 49);

  it('are its coefficients, NaN where a series is missing, unknown or was left out', async () => {
    const bytes = exposuresToOnnx({ ...parameters, coefficients, variances }, infoOf(5, 6));
    const result = await runExposures(bytes, inputs, { start: 5, end: 8 }, { start: 0, end: 6 }, 'contemporaneous');
    const cells = [5, 6, 7].flatMap((row) =>
      Array.from({ length: 6 }, (_, asset) =>
        [1, 2, 3, 4].map((column) => {
          const place = parameters.columns.indexOf(column);
          const at = asset * 4 + place;
          const none = place < 0 || at === LEFT_OUT || Number.isNaN(inputs.values[row * 5 + column]);
          return { at, value: none ? Number.NaN : Math.fround(coefficients[at]) };
        }),
      ).flat(),
    );
    expect([...result.values]).toEqual(cells.map(({ value }) => value));
    expect([...result.se!]).toEqual(
      cells.map(({ at, value }) => (at === WITHOUT_ERROR ? Number.NaN : Math.abs(value))),
    );
  });

  it('have no standard errors where the parameters have no variances', async () => {
    const bytes = exposuresToOnnx(parameters, infoOf(5, 6));
    expect(
      (await runExposures(bytes, inputs, { start: 20, end: 21 }, { start: 2, end: 4 }, 'lags')).se,
    ).toBeUndefined();
  });
});
