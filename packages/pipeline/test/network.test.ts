import { type FactorPanel, type ModelInfo, monthEndOfIndex, Random } from '@macrograd/core';
import { lstmForward, lstmJacobian } from '@macrograd/kernel';
import {
  exposureForms,
  exposuresToOnnx,
  factorWindows,
  type ImportedLstm,
  modelToOnnx,
  type NetworkParameters,
  plainNetwork,
  runExposures,
  runOnnx,
} from '@macrograd/onnx';
import { describe, expect, it } from 'vitest';

// float32 in ONNX Runtime against the kernel in float64 on the same weights, through up to 120 steps and three layers.
const PARITY = 1e-5;

interface Shape {
  readonly layers: number;
  readonly lookback: number;
  readonly batch: number;
  readonly heads: number;
  readonly hiddenSize: number;
}

const SERIES = 4;

function network({ layers, heads, hiddenSize: H }: Shape, seed: number): ImportedLstm {
  const random = new Random(seed);
  const draw = (length: number, sd: number) => Float32Array.from({ length }, () => sd * random.normal());
  const width = (layer: number) => (layer === 0 ? SERIES : H);
  const parts = Array.from({ length: layers }, (_, layer) => [
    draw(4 * H * width(layer), 1 / Math.sqrt(width(layer))),
    draw(4 * H * H, 1 / Math.sqrt(H)),
    draw(4 * H, 0.5),
    draw(4 * H, 0.5),
  ]).flat();
  return {
    inputSize: SERIES,
    hiddenSize: H,
    layers,
    weights: Float32Array.from(parts.flatMap((part) => [...part])),
    headWeight: draw(heads * H, 0.1),
    headBias: draw(heads, 0.01),
  };
}

function names(assets: number): ModelInfo {
  return {
    assets: Array.from({ length: assets }, (_, i) => `A${i}`),
    factors: Array.from({ length: SERIES }, (_, j) => ({
      name: `F${j}`,
      role: 'factor' as const,
      unit: 'pp',
      transform: 'diff',
      releaseLag: 0,
      source: 'drawn',
    })),
    frequency: 'M',
    horizon: 0,
    trainingSpan: { start: '1960-01-31', end: '2022-09-30' },
    version: '0.1.0',
    configHash: '',
  };
}

function panelOf(rows: number, info: ModelInfo): FactorPanel {
  const random = new Random(rows);
  const values = Float64Array.from({ length: rows * SERIES }, () => Math.fround(random.normal()));
  const dates = Int32Array.from({ length: rows }, (_, i) => monthEndOfIndex(i));
  return { axis: { frequency: 'M', dates }, factors: info.factors, values };
}

/** In float64, so that the kernel's own rounding does not count. */
function widened({ weights, headWeight, headBias, ...sizes }: ImportedLstm) {
  return {
    ...sizes,
    weights: Float64Array.from(weights),
    headWeight: Float64Array.from(headWeight),
    headBias: Float64Array.from(headBias),
  };
}

function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [error, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs(actual[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return error / largest;
}

/** [batch][output][step][input] -> [batch][output][lag][factor] with the lags that the form keeps. */
function inForm(jacobian: Float64Array, steps: number, form: (typeof exposureForms)[number]): Float64Array {
  const width = steps * SERIES;
  const kept = form === 'lags' ? steps : 1;
  const out = new Float64Array((jacobian.length / width) * kept * SERIES);
  jacobian.forEach((value, at) => {
    const lag = steps - 1 - (Math.floor(at / SERIES) % steps);
    if (form === 'contemporaneous' && lag > 0) return;
    const row = Math.floor(at / width) * kept + (form === 'lags' ? lag : 0);
    out[row * SERIES + (at % SERIES)] += value;
  });
  return out;
}

const shapes: readonly Shape[] = [
  { layers: 1, lookback: 1, batch: 1000, heads: 3, hiddenSize: 16 },
  { layers: 1, lookback: 36, batch: 7, heads: 2500, hiddenSize: 12 },
  { layers: 2, lookback: 24, batch: 1, heads: 2, hiddenSize: 9 },
  { layers: 2, lookback: 12, batch: 1000, heads: 2, hiddenSize: 5 },
  { layers: 3, lookback: 5, batch: 7, heads: 4, hiddenSize: 8 },
  { layers: 3, lookback: 120, batch: 7, heads: 1, hiddenSize: 6 },
];

describe.each(shapes)(
  'an exported network of $layers layers, lookback $lookback, $heads heads, batch $batch',
  (shape) => {
    const { lookback, batch, heads } = shape;
    const model = network(shape, 1);
    const info = names(heads);
    const parameters = plainNetwork(model, lookback);
    const inputs = panelOf(lookback + batch - 1, info);
    const span = { start: lookback - 1, end: lookback - 1 + batch };
    const input = Float64Array.from(factorWindows(inputs, span, lookback));
    const windows = { input, batchSize: batch, sequenceLength: lookback };

    it("gives the kernel's outputs", async () => {
      const { values } = await runOnnx(modelToOnnx(parameters, info), inputs, span);
      expect(largestError(values, await lstmForward(widened(model), windows))).toBeLessThan(PARITY);
    });

    it("gives the kernel's Jacobian in every form", async () => {
      const { jacobian } = await lstmJacobian(widened(model), windows);
      const bytes = exposuresToOnnx(parameters, info);
      for (const form of exposureForms) {
        const { values, se } = await runExposures(bytes, inputs, span, { start: 0, end: heads }, form);
        expect(largestError(values, inForm(jacobian, lookback, form))).toBeLessThan(PARITY);
        expect(se).toBeUndefined();
      }
    });
  },
);

it('an ensemble of networks on standardised, flagged series is the mean of them, in decimals', async () => {
  const shape: Shape = { layers: 2, lookback: 6, batch: 5, heads: 3, hiddenSize: 7 };
  const info = names(3);
  const members = [1, 2, 3].map((seed) => network(shape, seed));
  // Three of four series enter, the first with a flag.
  const parameters: NetworkParameters = {
    ...plainNetwork(members[0], 6),
    scaler: {
      mean: Float64Array.of(0.5, -1, 2, 0),
      sd: Float64Array.of(2, 0.5, 1.5, 1),
      count: new Int32Array(4),
    },
    windowColumns: [2, 0, 1],
    flagged: [2],
    returnMean: Float64Array.of(0.01, 0.02, -0.01),
    returnSd: Float64Array.of(0.05, 0.1, 0.2),
    members,
  };
  const inputs = panelOf(10, info);
  inputs.values[8 * SERIES + 2] = Number.NaN;
  const { mean, sd } = parameters.scaler;
  const span = { start: 5, end: 10 };
  const raw = factorWindows(inputs, span, 6);
  const input = Float64Array.from({ length: 5 * 6 * 4 }, (_, at) => {
    const [step, place] = [Math.floor(at / 4), at % 4];
    const column = parameters.windowColumns[place];
    if (column === undefined) return Number.isNaN(raw[step * SERIES + 2]) ? 0 : 1;
    const x = raw[step * SERIES + column];
    return Number.isNaN(x) ? 0 : (x - mean[column]) / sd[column];
  });
  const windows = { input, batchSize: 5, sequenceLength: 6 };
  const results = await Promise.all(members.map((member) => lstmJacobian(widened(member), windows)));
  const average = (of: 'outputs' | 'jacobian', perAsset: number) =>
    results[0][of].map((_, at) => {
      const sum = results.reduce((total, result) => total + result[of][at], 0);
      return (parameters.returnSd[Math.floor(at / perAsset) % 3] * sum) / 3;
    });
  const returns = average('outputs', 1).map((x, at) => x + parameters.returnMean[at % 3]);
  const { values } = await runOnnx(modelToOnnx(parameters, info), inputs, span);
  expect(largestError(values, returns)).toBeLessThan(PARITY);
  const jacobian = inForm(average('jacobian', 6 * SERIES), 6, 'cumulative');
  const file = exposuresToOnnx(parameters, info);
  const actual = await runExposures(file, inputs, span, { start: 0, end: 3 }, 'cumulative');
  actual.values.forEach((value, at) => {
    const [date, factor] = [Math.floor(at / (3 * SERIES)), at % SERIES];
    const place = parameters.windowColumns.indexOf(factor);
    // Missing at that date, or a series that the network does not read.
    if (place < 0 || (date === 3 && factor === 2)) expect(value).toBeNaN();
    else {
      const row = Math.floor(at / SERIES);
      const largest = Math.max(...jacobian.map(Math.abs));
      expect(Math.abs(value - jacobian[row * SERIES + place]) / largest).toBeLessThan(PARITY);
    }
  });
});
