import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EncoderParameters, type FactorPanel, type LstmParameters, monthEndOfIndex } from '@macrograd/core';
import { expect, it } from 'vitest';
import { modelToOnnx, verifyOnnx } from '../src/index.js';
import { lstmReturns } from './reference.js';
import { infoOf } from './synthetic.js';

/** An ensemble and its returns by PyTorch, written by test/reference/onnx_golden.py; tensors flat, null = missing. */
interface Golden {
  readonly parameters: {
    readonly columns: readonly number[];
    readonly window_columns: readonly number[];
    readonly flagged: readonly number[];
    readonly members: readonly {
      readonly lookback: number;
      readonly hidden_size: number;
      readonly input_size: number;
      readonly lag_count: number;
      readonly filter_count: number;
    }[];
  };
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly inputs: readonly (number | null)[];
  readonly returns: readonly number[];
}

const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden', 'lstm_returns.json'), 'utf8'));
const { tensors } = golden;
const f64 = (name: string) => Float64Array.from(tensors[name]);
const f32 = (name: string) => Float32Array.from(tensors[name]);

const members = golden.parameters.members.map(
  (sizes, index): EncoderParameters => ({
    lookback: sizes.lookback,
    hiddenSize: sizes.hidden_size,
    inputSize: sizes.input_size,
    lagCount: sizes.lag_count,
    filterCount: sizes.filter_count,
    weightIh: f32(`members.${index}.weight_ih`),
    weightHh: f32(`members.${index}.weight_hh`),
    bias: f32(`members.${index}.bias`),
    lagFilters: f64(`members.${index}.lag_filters`),
    featureMean: f64(`members.${index}.feature_mean`),
    heads: f64(`members.${index}.heads`),
    seed: index,
  }),
);
const mean = f64('scaler.mean');
const parameters: LstmParameters = {
  method: 'lstm',
  scaler: { mean, sd: f64('scaler.sd'), count: new Int32Array(mean.length) },
  columns: golden.parameters.columns,
  windowColumns: golden.parameters.window_columns,
  flagged: golden.parameters.flagged,
  returnMean: f64('return_mean'),
  returnSd: f64('return_sd'),
  members,
};
const assets = parameters.returnMean.length;
const rows = golden.returns.length / assets;
const inputs: FactorPanel = {
  axis: { frequency: 'M', dates: Int32Array.from({ length: rows }, (_, i) => monthEndOfIndex(i)) },
  factors: infoOf(mean.length, assets).factors,
  values: Float64Array.from(golden.inputs, (x) => x ?? Number.NaN),
};

// float32 graph against float64 PyTorch, relative to the largest return.
const PARITY = 1e-5;
// The same sums in float64 in another order.
const REFERENCE_TOLERANCE = 1e-13;

it('an exported ensemble gives the returns that PyTorch gives, missing values and short windows included', async () => {
  const expected = {
    span: { start: 0, end: rows },
    assets: { start: 0, end: assets },
    values: Float64Array.from(golden.returns),
  };
  const bytes = modelToOnnx(parameters, infoOf(mean.length, assets));
  expect((await verifyOnnx(bytes, inputs, expected, PARITY)).compared).toBe(rows * assets);
});

it('the reference of the other tests gives the returns that PyTorch gives', () => {
  const own = Array.from({ length: rows }, (_, row) => lstmReturns(parameters, inputs, row)).flat();
  const error = Math.max(...own.map((value, i) => Math.abs(value - golden.returns[i])));
  expect(error / Math.max(...golden.returns.map(Math.abs))).toBeLessThan(REFERENCE_TOLERANCE);
});
