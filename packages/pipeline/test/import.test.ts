import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, type ModelInfo } from '@macrograd/core';
import { lstmForward, lstmJacobian } from '@macrograd/kernel';
import {
  exposuresToOnnx,
  type ImportedLstm,
  importOnnx,
  importStateDict,
  plainNetwork,
  runExposures,
} from '@macrograd/onnx';
import { decodeSafetensors, type Tensor } from '@macrograd/store';
import { describe, expect, it } from 'vitest';

/** Written by test/reference/import_golden.py: a two-layer LSTM with a head, its Jacobian by autograd in float64. */
interface Expected {
  readonly batch: number;
  readonly steps: number;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly jacobian: readonly number[];
  readonly node_cases: Readonly<Record<string, NodeCase>>;
}

interface NodeCase {
  readonly batch: number;
  readonly steps: number;
  readonly input: readonly number[];
  readonly last: readonly number[];
}

const golden = (name: string) => join(import.meta.dirname, 'golden', 'import', name);
const expected: Expected = JSON.parse(readFileSync(golden('expected.json'), 'utf8'));
const fromOnnx = (name: string) => importOnnx(readFileSync(golden(name)), name);
const stateDict = () => decodeSafetensors(readFileSync(golden('state_dict.safetensors')), 'state_dict.safetensors');

// Both sides compute in float64 on the same float32 weights: sums in another order.
const EXACT = 1e-12;
// Keras has one bias, the float32 sum of PyTorch's two: 6e-8 of each, and sums of some ten of them.
const ONE_BIAS = 1e-7;
// ONNX Runtime computes in float32.
const RUNTIME = 1e-5;
// The node cases state their outputs in float32.
const FLOAT32 = 1e-6;

/** In float64, so that nothing but the weights can differ. */
function widened(model: ImportedLstm) {
  const { weights, headWeight, headBias } = model;
  return {
    ...model,
    weights: Float64Array.from(weights),
    headWeight: Float64Array.from(headWeight),
    headBias: Float64Array.from(headBias),
  };
}

function largestError(actual: Float64Array, wanted: readonly number[]): number {
  expect(actual.length).toBe(wanted.length);
  return Math.max(...wanted.map((value, i) => Math.abs(value - actual[i]))) / Math.max(...wanted.map(Math.abs));
}

describe("an imported network's Jacobian is what autograd gives", () => {
  it.each<[string, () => ImportedLstm, number]>([
    ['from PyTorch by ONNX', () => fromOnnx('torch.onnx'), EXACT],
    ["from PyTorch by its newer exporter's ONNX", () => fromOnnx('torch_dynamo.onnx'), EXACT],
    ['from Keras by tf2onnx', () => fromOnnx('tf2onnx.onnx'), ONE_BIAS],
    ['from a PyTorch state dict', () => importStateDict(stateDict(), 'state_dict.safetensors'), EXACT],
  ])('%s', async (_, read, tolerance) => {
    const model = read();
    expect(model).toMatchObject({ inputSize: 3, hiddenSize: 5, layers: 2 });
    const { batch, steps, input } = expected;
    const sequences = { input: Float64Array.from(input), batchSize: batch, sequenceLength: steps };
    const { outputs, jacobian } = await lstmJacobian(widened(model), sequences);
    expect(largestError(outputs, expected.output)).toBeLessThan(tolerance);
    expect(largestError(jacobian, expected.jacobian)).toBeLessThan(tolerance);
  });
});

it("an imported network's exposures.onnx gives autograd's Jacobian in ONNX Runtime", async () => {
  const { batch, steps, input, jacobian } = expected;
  const series = 3;
  const info: ModelInfo = {
    assets: ['A', 'B'],
    factors: ['X', 'Y', 'Z'].map((name) => ({
      name,
      role: 'factor',
      unit: 'pp',
      transform: 'none',
      releaseLag: 0,
      source: 'drawn',
    })),
    frequency: 'M',
    horizon: 0,
    trainingSpan: { start: '1960-01-31', end: '2022-09-30' },
    version: '0.1.0',
    configHash: '',
  };
  const file = exposuresToOnnx(plainNetwork(fromOnnx('torch.onnx'), steps), info, { forms: ['lags'] });
  // Windows one after the other, of which every last row has one whole window.
  const axis = { frequency: 'M' as const, dates: Int32Array.from({ length: batch * steps }, (_, i) => i) };
  const inputs = { axis, factors: info.factors, values: Float64Array.from(input) };
  for (let sample = 0; sample < batch; sample++) {
    const row = (sample + 1) * steps;
    const { values } = await runExposures(file, inputs, { start: row - 1, end: row }, { start: 0, end: 2 }, 'lags');
    const size = 2 * steps * series;
    // Lag 0 first there, the oldest step first here.
    const newestFirst = Array.from({ length: size }, (_, at) => {
      const [output, lag, j] = [Math.floor(at / (steps * series)), Math.floor(at / series) % steps, at % series];
      return jacobian[sample * size + (output * steps + steps - 1 - lag) * series + j];
    });
    expect(largestError(values, newestFirst)).toBeLessThan(RUNTIME);
  }
});

describe('of the six LSTM node cases of ONNX', () => {
  it.each(['test_lstm_defaults', 'test_lstm_with_initial_bias', 'test_lstm_batchwise'])(
    '%s is computed',
    async (name) => {
      const model = widened(fromOnnx(`${name}.onnx`));
      const { batch, steps, input, last } = expected.node_cases[name];
      const sequences = { input: Float64Array.from(input), batchSize: batch, sequenceLength: steps };
      expect(largestError(await lstmForward(model, sequences), last)).toBeLessThan(FLOAT32);
    },
  );

  it.each([
    ['test_lstm_with_peepholes', /\(LSTM\) has peepholes/],
    ['test_lstm_reverse', /\(LSTM\) has direction reverse/],
    ['test_lstm_bidirectional', /\(LSTM\) has direction bidirectional/],
  ])('%s is refused by name', (name, words) => {
    expect(() => fromOnnx(`${name}.onnx`)).toThrow(InputError);
    expect(() => fromOnnx(`${name}.onnx`)).toThrow(words);
  });
});

describe('a state dict is refused by the name of its tensor', () => {
  const edited = (edit: (tensors: Map<string, Tensor>) => void) => {
    const tensors = stateDict();
    edit(tensors);
    return () => importStateDict(tensors, 'model.safetensors');
  };
  const like = (shape: readonly number[]) => ({
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });

  it.each<[string, (tensors: Map<string, Tensor>) => void, RegExp]>([
    ['bidirectional', (t) => t.set('lstm.weight_ih_l0_reverse', like([20, 3])), /_l0_reverse": a bidirectional/],
    ['projected', (t) => t.set('lstm.weight_hr_l0', like([2, 5])), /weight_hr_l0": an LSTM with projections/],
    ['further tensors', (t) => t.set('norm.weight', like([5])), /"norm.weight" belongs to no/],
    ['a layer without weights', (t) => t.delete('lstm.weight_ih_l0'), /layer 0 lacks its weights/],
    ['another shape', (t) => t.set('lstm.bias_ih_l1', like([19])), /shape \[19\], not \[20\]/],
    ['a GRU', (t) => t.set('lstm.weight_ih_l0', like([15, 3])), /15 rows, not 4 x 5/],
    ['a head of another size', (t) => t.set('fc.weight', like([2, 4])), /takes 4 inputs, and the LSTM gives 5/],
    ['weights that are not finite', (t) => t.get('fc.bias')?.data.fill(Number.NaN), /head bias hold NaN at index 0/],
  ])('%s', (_, edit, words) => expect(edited(edit)).toThrow(words));
});

it('bytes that are no ONNX model are refused', () => {
  expect(() => importOnnx(Uint8Array.of(1, 2, 3), 'x.onnx')).toThrow(/x\.onnx: is not an ONNX model/);
  const whole = readFileSync(golden('torch.onnx'));
  expect(() => importOnnx(whole.subarray(0, whole.length / 2), 'x.onnx')).toThrow(InputError);
});

it.each<[string, readonly number[], RegExp]>([
  ['a .keras archive', [0x50, 0x4b, 3, 4, 20, 0], /zip archive \(Keras \.keras or PyTorch \.pt\): export it as ONNX/],
  ['Keras HDF5', [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a], /HDF5 \(Keras \.h5\): export it as ONNX by tf2onnx/],
  ['a pickle', [0x80, 0x02, 0x8a, 0x0a], /pickle, which can run code: save the state dict as safetensors/],
])('%s is refused with the way in', (_, bytes, words) => {
  expect(() => importOnnx(Uint8Array.from(bytes), 'model')).toThrow(words);
});
