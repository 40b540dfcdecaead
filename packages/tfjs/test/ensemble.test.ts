import { type FactorPanel, type LstmParameters, type ModelInfo, monthEndOfIndex, Random } from '@macrograd/core';
import { closedFormFeatures } from '@macrograd/kernel';
import { expect, it } from 'vitest';
import {
  ensembleToLayersModel,
  ensembleWindow,
  ensembleWindows,
  loadTfjs,
  runLayersModel,
  type TfjsKind,
} from '../src/index.js';

// float32 weights with the standardisation folded in, against the kernel's float32 encoder.
const PARITY = 1e-5;
const [SERIES, ASSETS, HIDDEN, FILTERS, LAGS, ROWS] = [4, 5, 6, 2, 7, 30];

const random = new Random(8);
const floats = (length: number, sd = 1) => Float64Array.from({ length }, () => sd * random.normal());
const [columns, windowColumns, flagged] = [
  [1, 3, 0],
  [1, 3, 0, 2],
  [3, 2],
];
const inputSize = windowColumns.length + flagged.length;
const features = columns.length + HIDDEN + FILTERS;

const parameters: LstmParameters = {
  method: 'lstm',
  scaler: { mean: floats(SERIES), sd: floats(SERIES).map((x) => 0.5 + Math.abs(x)), count: new Int32Array(SERIES) },
  columns,
  windowColumns,
  flagged,
  returnMean: floats(ASSETS, 0.01),
  returnSd: floats(ASSETS, 0.02).map((x) => 0.02 + Math.abs(x)),
  members: [1, 12, 5].map((lookback, seed) => ({
    lookback,
    hiddenSize: HIDDEN,
    inputSize,
    weightIh: Float32Array.from(floats(4 * HIDDEN * inputSize, 0.6)),
    weightHh: Float32Array.from(floats(4 * HIDDEN * HIDDEN, 0.3)),
    bias: Float32Array.from(floats(4 * HIDDEN, 0.5)),
    lagFilters: floats(LAGS * columns.length * FILTERS, 0.3),
    lagCount: LAGS,
    filterCount: FILTERS,
    featureMean: floats(features, 0.2),
    heads: floats(ASSETS * features, 0.3),
    seed,
  })),
};
const info: ModelInfo = {
  assets: ['A', 'B', 'C', 'D', 'E'],
  factors: ['F0', 'F1', 'F2', 'F3'].map((name, j) => ({
    name,
    role: j === 2 ? ('state' as const) : ('factor' as const),
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
const inputs: FactorPanel = {
  axis: { frequency: 'M', dates: Int32Array.from({ length: ROWS }, (_, row) => monthEndOfIndex(row)) },
  factors: info.factors,
  values: floats(ROWS * SERIES, 2).map((x, i) => (i % 13 === 3 || (i % SERIES === 3 && i < 40) ? Number.NaN : x)),
};

/** Returns by the kernel's features and the definition of the heads, [row][asset]. */
async function expectedReturns(limit = Number.POSITIVE_INFINITY): Promise<Float64Array> {
  const { scaler, members, returnMean, returnSd } = parameters;
  const z = (row: number, column: number) => {
    const value = (inputs.values[row * SERIES + column] - scaler.mean[column]) / scaler.sd[column];
    return Number.isNaN(value) ? 0 : Math.max(-limit, Math.min(limit, value));
  };
  const observed = (row: number, column: number) => (Number.isNaN(inputs.values[row * SERIES + column]) ? 0 : 1);
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  const window = Float64Array.from(
    rows.flatMap((row) => [...windowColumns.map((j) => z(row, j)), ...flagged.map((j) => observed(row, j))]),
  );
  const factors = Float64Array.from(rows.flatMap((row) => columns.map((j) => z(row, j))));
  const own = { window, factors, rows: ROWS, windowSize: inputSize, factorCount: columns.length };
  const out = Float64Array.from({ length: ROWS * ASSETS }, (_, i) => returnMean[i % ASSETS]);
  for (const member of members) {
    const made = await closedFormFeatures(own, member, { start: 0, end: ROWS });
    out.forEach((_, i) => {
      const [row, asset] = [Math.floor(i / ASSETS), i % ASSETS];
      for (let k = 0; k < features; k++) {
        const head = member.heads[asset * features + k];
        out[i] += (returnSd[asset] * head * made[row * features + k]) / members.length;
      }
    });
  }
  return out;
}

// The native addon is optional.
const native: readonly TfjsKind[] = await loadTfjs('node').then(
  () => ['node'],
  () => [],
);

it.each<[number | undefined, TfjsKind]>([
  [undefined, 'wasm'],
  [1.5, 'wasm'],
  ...native.map((kind): [number, TfjsKind] => [1.5, kind]),
])('an ensemble as a layers model gives the returns of the kernel, limit %s, on %s', async (limit, kind) => {
  const files = ensembleToLayersModel({ ...parameters, ...(limit && { inputLimit: limit }) }, info);
  const span = { start: 0, end: ROWS };
  const steps = ensembleWindow(parameters);
  expect(steps).toBe(12);
  const windows = ensembleWindows(parameters, inputs, span);
  const actual = await runLayersModel(files, windows, [ROWS, steps, inputSize], kind);
  const expected = await expectedReturns(limit);
  const largest = Math.max(...expected.map(Math.abs));
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i] - value) / largest).toBeLessThan(PARITY);
  });
  expect(files.modelJson.userDefinedMetadata).toMatchObject({
    inputs: ['F1', 'F3', 'F0', 'F2', 'F3 observed', 'F2 observed'],
  });
});

it('names that do not match are refused', () => {
  expect(() => ensembleToLayersModel(parameters, { ...info, assets: ['A'] })).toThrow(/do not match/);
});

it('refuses products of factors and state in words', () => {
  const members = parameters.members.map((member) => ({ ...member, conditional: true }));
  expect(() => ensembleToLayersModel({ ...parameters, members }, info)).toThrow(/form conditional/);
});
