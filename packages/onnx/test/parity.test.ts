import type { FactorPanel, LinearParameters, LstmParameters, ReturnMatrix } from '@macrograd/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { INPUT_NAME, modelToOnnx, OUTPUT_NAME, runOnnx, verifyOnnx, windowLength } from '../src/index.js';
import { linearReturns, lstmReturns } from './reference.js';
import { factorPanel, infoOf, linearParameters, lstmParameters, ordinary, type Shape } from './synthetic.js';

// float32 carries 6e-8 a value; 36 recurrent steps and sums over some 30 features stay two orders below this.
const PARITY = 1e-5;

function expectedReturns(parameters: LinearParameters | LstmParameters, inputs: FactorPanel): ReturnMatrix {
  const rows = inputs.axis.dates.length;
  const values = Array.from({ length: rows }, (_, row) =>
    parameters.method === 'lstm' ? lstmReturns(parameters, inputs, row) : linearReturns(parameters, inputs, row),
  );
  return {
    span: { start: 0, end: rows },
    assets: { start: 0, end: values[0].length },
    values: Float64Array.from(values.flat()),
  };
}

const shapes: readonly (readonly [string, Shape])[] = [
  ['three members, lookback 36, flags, a state', ordinary],
  ['lookback 1', { ...ordinary, lookbacks: [1, 1] }],
  ['members of different lookback', { ...ordinary, lookbacks: [1, 36, 5] }],
  [
    'one member, one asset, one hidden unit, no flags, no state',
    {
      series: 2,
      states: 0,
      flagged: [],
      assets: 1,
      hiddenSize: 1,
      filterCount: 1,
      lagCount: 2,
      lookbacks: [3],
    },
  ],
  ['no lag filters', { ...ordinary, filterCount: 0, lagCount: 0 }],
  ['many assets', { ...ordinary, assets: 1500, hiddenSize: 17, lookbacks: [12, 12, 12] }],
];

describe('an exported LSTM ensemble gives the returns of its definition', () => {
  it.each(shapes)('%s', async (_, shape) => {
    const parameters = lstmParameters(shape, 11);
    const bytes = modelToOnnx(parameters, infoOf(shape.series, shape.assets));
    const inputs = factorPanel(60, shape.series, shape.flagged, 5);
    const { maxRelativeError, compared } = await verifyOnnx(bytes, inputs, expectedReturns(parameters, inputs), PARITY);
    expect(compared).toBe(60 * shape.assets);
    expect(maxRelativeError).toBeGreaterThan(0);
  });

  it.each([1, 7, 1000, 1500])('for %i dates', async (rows) => {
    const parameters = lstmParameters(ordinary, 12);
    const bytes = modelToOnnx(parameters, infoOf(ordinary.series, ordinary.assets));
    const inputs = factorPanel(rows, ordinary.series, ordinary.flagged, 6);
    const { compared } = await verifyOnnx(bytes, inputs, expectedReturns(parameters, inputs), PARITY);
    expect(compared).toBe(rows * ordinary.assets);
  });

  it('with an asset that could not be estimated: it has no return, the others have theirs', async () => {
    const parameters = lstmParameters(ordinary, 10);
    parameters.returnMean[3] = Number.NaN;
    for (const { heads } of parameters.members) heads.fill(Number.NaN, (3 * heads.length) / 7, (4 * heads.length) / 7);
    const bytes = modelToOnnx(parameters, infoOf(ordinary.series, ordinary.assets));
    const inputs = factorPanel(20, ordinary.series, ordinary.flagged, 4);
    const { compared } = await verifyOnnx(bytes, inputs, expectedReturns(parameters, inputs), PARITY);
    expect(compared).toBe(20 * 6);
  });

  it('within limits on its inputs: as without them on inputs that were cut there', async () => {
    const LIMIT = 1.2;
    const parameters = { ...lstmParameters(ordinary, 17), inputLimit: LIMIT };
    const bytes = modelToOnnx(parameters, infoOf(ordinary.series, ordinary.assets));
    const inputs = factorPanel(60, ordinary.series, ordinary.flagged, 5);
    const { mean, sd } = parameters.scaler;
    const cut = inputs.values.map((x, i) => {
      const j = i % ordinary.series;
      return Math.max(mean[j] - LIMIT * sd[j], Math.min(mean[j] + LIMIT * sd[j], x));
    });
    const expected = expectedReturns(parameters, { ...inputs, values: cut });
    expect((await verifyOnnx(bytes, inputs, expected, PARITY)).compared).toBe(60 * ordinary.assets);
    await expect(verifyOnnx(bytes, inputs, expectedReturns(parameters, inputs), PARITY)).rejects.toThrow();
  });

  it('for part of the dates and assets', async () => {
    const parameters = lstmParameters(ordinary, 13);
    const bytes = modelToOnnx(parameters, infoOf(ordinary.series, ordinary.assets));
    const inputs = factorPanel(80, ordinary.series, ordinary.flagged, 7);
    const all = expectedReturns(parameters, inputs);
    const values = Float64Array.from({ length: 30 * 3 }, (_, i) => {
      return all.values[(40 + Math.floor(i / 3)) * ordinary.assets + 2 + (i % 3)];
    });
    const part = { span: { start: 40, end: 70 }, assets: { start: 2, end: 5 }, values };
    expect((await verifyOnnx(bytes, inputs, part, PARITY)).compared).toBe(90);
  });
});

describe('the time dimension', () => {
  const parameters = lstmParameters(ordinary, 14);
  const bytes = modelToOnnx(parameters, infoOf(ordinary.series, ordinary.assets));

  async function run(window: Float64Array, time: number): Promise<number[]> {
    const session = await InferenceSession.create(bytes);
    const feed = new Tensor('float32', Float32Array.from(window), [1, time, ordinary.series]);
    const { data } = (await session.run({ [INPUT_NAME]: feed }))[OUTPUT_NAME];
    await session.release();
    return Array.from(data as Float32Array);
  }

  it('may be longer than the lookback: older steps change no bit', async () => {
    const { values } = factorPanel(100, ordinary.series, [], 8);
    const longest = windowLength(parameters);
    expect(await run(values, 100)).toEqual(await run(values.subarray((100 - longest) * ordinary.series), longest));
  });

  it('may be shorter: the same as missing steps in front', async () => {
    const { values } = factorPanel(4, ordinary.series, [], 9);
    const padded = new Float64Array(36 * ordinary.series).fill(Number.NaN);
    padded.set(values, 32 * ordinary.series);
    expect(await run(values, 4)).toEqual(await run(padded, 36));
  });
});

describe('an exported linear method', () => {
  it.each<[string, readonly number[]]>([
    ['without missing values', []],
    ['with effects of missing series', [3, 4]],
  ])('gives the returns of its definition, %s', async (_, missingColumns) => {
    const parameters = linearParameters({ series: 5, assets: 9 }, [3, 0, 4], missingColumns, 15);
    const bytes = modelToOnnx(parameters, infoOf(5, 9));
    const inputs = factorPanel(51, 5, missingColumns, 16);
    expect((await verifyOnnx(bytes, inputs, expectedReturns(parameters, inputs), PARITY)).compared).toBe(459);
  });

  it('takes a series that has no effect while missing as at its mean', async () => {
    const parameters = linearParameters({ series: 5, assets: 2 }, [3, 0], [], 17);
    const bytes = modelToOnnx(parameters, infoOf(5, 2));
    const inputs = factorPanel(51, 5, [3], 18);
    const { compared } = await verifyOnnx(bytes, inputs, expectedReturns(parameters, inputs), PARITY);
    expect(compared).toBe(102);
  });

  it('without columns is its intercept', async () => {
    const parameters = { ...linearParameters({ series: 5, assets: 3 }, [], [], 19), method: 'zero' as const };
    const bytes = modelToOnnx(parameters, infoOf(5, 3));
    const inputs = factorPanel(4, 5, [0], 20);
    const { values } = await runOnnx(bytes, inputs, { start: 0, end: 4 });
    expect([...values]).toEqual([0, 1, 2, 3].flatMap(() => [...Float32Array.from(parameters.intercept)]));
  });
});

describe('verification', () => {
  const parameters = lstmParameters(ordinary, 21);
  const bytes = modelToOnnx(parameters, infoOf(ordinary.series, ordinary.assets));
  const inputs = factorPanel(30, ordinary.series, ordinary.flagged, 22);

  it('fails when one return of many is off by ten tolerances', async () => {
    const expected = expectedReturns(parameters, inputs);
    expected.values[100] += 10 * PARITY * Math.max(...expected.values.map(Math.abs));
    await expect(verifyOnnx(bytes, inputs, expected, PARITY)).rejects.toThrow(/differs by/);
  });

  it('fails when a return is missing on one side', async () => {
    const expected = expectedReturns(parameters, inputs);
    expected.values[7] = Number.NaN;
    await expect(verifyOnnx(bytes, inputs, expected, PARITY)).rejects.toThrow(/differs by Infinity/);
  });

  it('sees gates in the wrong order', async () => {
    const [first, ...rest] = parameters.members;
    const swapped = { ...first, weightIh: first.weightIh.slice().reverse() };
    const wrong = modelToOnnx({ ...parameters, members: [swapped, ...rest] }, infoOf(ordinary.series, ordinary.assets));
    await expect(verifyOnnx(wrong, inputs, expectedReturns(parameters, inputs), PARITY)).rejects.toThrow(/differs by/);
  });
});
