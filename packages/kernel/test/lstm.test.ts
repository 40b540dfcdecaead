import { CancelledError } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  activeIsa,
  estimateMemory,
  type JacobianPenalty,
  type LstmTrainOptions,
  lstmBackward,
  lstmForward,
  lstmJacobian,
  lstmJacobianPenalty,
  lstmStates,
  lstmTrain,
  type RealArray,
} from '../src/index.js';
import { batch, filled, inputSize, model, outputs, refusal, runsOnCallersThread } from './lstmCase.js';

/** Largest difference that float32 rounding leaves through six steps of values near 1. */
const F32_BOUND = 1e-6;
/** Truncation and rounding of central differences with step 1e-5. */
const DIFFERENCE_BOUND = 1e-8;

describe('lstmForward', () => {
  it('gives the same outputs in float32 and float64', async () => {
    const single = await lstmForward(model(Float32Array), batch(Float32Array));
    const double = await lstmForward(model(Float64Array), batch(Float64Array));
    expect(single).toBeInstanceOf(Float32Array);
    expect(double).toHaveLength(4 * outputs);
    for (const [i, value] of double.entries()) expect(Math.abs(single[i] - value)).toBeLessThan(F32_BOUND);
  });

  it('writes to the array that the caller owns', async () => {
    const out = new Float64Array(4 * outputs);
    expect(await lstmForward(model(Float64Array), batch(Float64Array), { out })).toBe(out);
    expect(out).toEqual(await lstmForward(model(Float64Array), batch(Float64Array)));
  });

  it('answers an empty batch with an empty array', async () => {
    expect(await lstmForward(model(Float32Array), batch(Float32Array, 0))).toHaveLength(0);
  });

  it('is not disturbed by arrays that change while it runs', async () => {
    const inputs = batch(Float32Array, 500);
    const expected = await lstmForward(model(Float32Array), inputs);
    const running = lstmForward(model(Float32Array), inputs);
    inputs.input.fill(9);
    expect(await running).toEqual(expected);
  });

  it('refuses an input that is not finite with its index', async () => {
    const inputs = batch(Float32Array);
    inputs.input[11] = Number.NaN;
    const error = await refusal(lstmForward(model(Float32Array), inputs));
    expect(error.code).toBe('not_finite');
    expect(error.message).toContain('input[11]');
  });

  it('refuses arrays of a wrong length', async () => {
    const error = await refusal(lstmForward(model(Float32Array), { ...batch(Float32Array), batchSize: 5 }));
    expect(error.code).toBe('shape_mismatch');
    expect(error.message).toContain('input has 72 elements');
  });

  it('refuses a mix of float32 and float64', async () => {
    const error = await refusal(lstmForward<RealArray>(model(Float32Array), batch(Float64Array)));
    expect(error.code).toBe('bad_argument');
  });
});

describe('lstmStates', () => {
  it('ends with the hidden state that the head reads', async () => {
    const network = model(Float64Array);
    const { hidden, cell } = await lstmStates(network, batch(Float64Array));
    expect(cell).toHaveLength(2 * 4 * 5);
    const y = await lstmForward(network, batch(Float64Array));
    const last = hidden.subarray(5 * 5, 6 * 5);
    const own = last.reduce((sum, h, j) => sum + h * network.headWeight[j], network.headBias[0]);
    expect(own).toBeCloseTo(y[0], 12);
  });
});

describe('lstmJacobian', () => {
  it('matches central differences of the outputs', async () => {
    const network = model(Float64Array);
    const inputs = batch(Float64Array, 2, 3);
    const { jacobian, outputs: y } = await lstmJacobian(network, inputs);
    expect(y).toEqual(await lstmForward(network, inputs));
    const width = 3 * inputSize;
    const step = 1e-5;
    for (let i = 0; i < inputs.input.length; i++) {
      const shifted = async (by: number) => {
        const input = inputs.input.slice();
        input[i] += by;
        return lstmForward(network, { ...inputs, input });
      };
      const [up, down] = [await shifted(step), await shifted(-step)];
      const sample = Math.floor(i / width);
      for (let o = 0; o < outputs; o++) {
        const row = sample * outputs + o;
        const difference = (up[row] - down[row]) / (2 * step);
        expect(Math.abs(jacobian[row * width + (i % width)] - difference)).toBeLessThan(DIFFERENCE_BOUND);
      }
    }
  });

  it('has the same bits for one and two threads', async () => {
    const network = model(Float32Array, 17);
    const inputs = batch(Float32Array, 700, 12);
    const one = await lstmJacobian(network, inputs, { threads: 1 });
    const two = await lstmJacobian(network, inputs, { threads: 2 });
    expect(two.jacobian).toEqual(one.jacobian);
  });

  it.skipIf(runsOnCallersThread)('stops within 50 ms of an abort, and leaves the event loop free', async () => {
    const network = model(Float32Array, 64);
    const inputs = batch(Float32Array, 60_000, 24);
    const controller = new AbortController();
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    let aborted = 0;
    setTimeout(() => {
      aborted = performance.now();
      controller.abort();
    }, 100);
    const error = await refusal(lstmJacobian(network, inputs, { signal: controller.signal, threads: 1, borrow: true }));
    const waited = performance.now() - aborted;
    clearInterval(ticking);
    expect(error).toBeInstanceOf(CancelledError);
    expect(waited).toBeLessThan(50);
    expect(turns).toBeGreaterThan(5);
  });
});

describe('lstmBackward', () => {
  it('gives the Jacobian summed over the batch as the gradient of its inputs', async () => {
    const network = model(Float64Array);
    const inputs = batch(Float64Array);
    const cotangent = Float64Array.from({ length: 4 * outputs }, (_, i) => (i % outputs === 0 ? 1 : 0));
    const gradients = await lstmBackward(network, inputs, { outputs: cotangent });
    const { jacobian } = await lstmJacobian(network, inputs);
    const width = 6 * inputSize;
    for (let i = 0; i < gradients.input.length; i++) {
      const sample = Math.floor(i / width);
      expect(gradients.input[i]).toBeCloseTo(jacobian[sample * outputs * width + (i % width)], 12);
    }
    expect(gradients.headBias).toEqual(Float64Array.from([4, 0]));
  });

  it('has the same bits for one and two threads', async () => {
    const network = model(Float32Array, 17);
    const inputs = batch(Float32Array, 700, 12);
    const cotangent = { outputs: filled(Float32Array, 700 * outputs, 1) };
    const one = await lstmBackward(network, inputs, cotangent, { threads: 1 });
    const two = await lstmBackward(network, inputs, cotangent, { threads: 2 });
    expect(two).toEqual(one);
  });
});

describe('lstmTrain', () => {
  const inputs = batch(Float32Array, 400, 5);
  // The target is a product of two inputs of the last steps; every seventh is missing.
  const targets = Float32Array.from({ length: 400 * outputs }, (_, i) => {
    const at = Math.floor(i / outputs) * 5 * inputSize;
    return i % 7 === 0 ? Number.NaN : inputs.input[at + 12] * inputs.input[at + 9 + (i % outputs)];
  });
  const options = { epochs: 40, batchSize: 100, learningRate: 0.01, validationRows: 80, inputNoise: 0.05, seed: 3 };

  it('lowers the loss on rows that it was not trained on', async () => {
    const trained = await lstmTrain(model(Float32Array, 8, 1), inputs, targets, options);
    expect(trained.trainingLoss.length).toBe(trained.validationLoss.length);
    expect(trained.validationLoss[trained.bestEpoch]).toBe(Math.min(...trained.validationLoss));
    expect(trained.validationLoss[trained.bestEpoch]).toBeLessThan(0.5 * trained.validationLoss[0]);
  });

  it('has the same bits for one and two threads and leaves the given model as it was', async () => {
    const start = model(Float32Array, 8, 1);
    const before = start.weights.slice();
    const one = await lstmTrain(start, inputs, targets, { ...options, threads: 1 });
    const two = await lstmTrain(start, inputs, targets, { ...options, threads: 2 });
    expect(two).toEqual(one);
    expect(start.weights).toEqual(before);
    expect(one.model.weights).not.toEqual(before);
  });

  it('shrinks the exposures, or their variation, by the penalty that is asked for', async () => {
    const start = model(Float64Array, 8, 1);
    const windows = { input: Float64Array.from(inputs.input), batchSize: 400, sequenceLength: 5 };
    const observed = Float64Array.from(targets);
    const learn = async (penalties: NonNullable<LstmTrainOptions['penalties']>) => {
      const trained = await lstmTrain(start, windows, observed, { ...options, inputNoise: 0, penalties });
      const of = async (kind: JacobianPenalty) => (await lstmJacobianPenalty(trained.model, windows, kind)).value;
      return { size: await of('size'), variation: await of('variation') };
    };
    const free = await learn({});
    expect((await learn({ variation: 10 })).variation).toBeLessThan(0.2 * free.variation);
    expect((await learn({ size: 10 })).size).toBeLessThan(0.2 * free.size);
  });

  it('leaves out units by the seed alone', async () => {
    const train = (dropout: number, threads: number) =>
      lstmTrain(model(Float32Array, 8, 1), inputs, targets, { ...options, epochs: 3, dropout, threads });
    const [one, two, none] = [await train(0.4, 1), await train(0.4, 2), await train(0, 1)];
    expect(two).toEqual(one);
    expect(one.model.weights).not.toEqual(none.model.weights);
    expect((await refusal(train(1, 1))).code).toBe('bad_argument');
  });

  it('refuses targets that are all missing', async () => {
    const none = new Float32Array(400 * outputs).fill(Number.NaN);
    expect((await refusal(lstmTrain(model(Float32Array), inputs, none, options))).code).toBe('bad_input');
  });
});

describe('estimateMemory', () => {
  const sizes = { inputSize: 12, hiddenSize: 64, layers: 2, outputs: 1, batchSize: 4096, sequenceLength: 24 };

  it('grows with threads, steps and precision, and not with the batch of a forward pass', () => {
    const of = (changes: Partial<typeof sizes>, threads = 1, precision: 'float32' | 'float64' = 'float32') =>
      estimateMemory({ ...sizes, ...changes }, 'jacobian', { threads, precision });
    const one = of({});
    expect(one.total).toBe(one.weights + one.tapes + one.backward + one.training);
    expect(of({}, 2).tapes).toBe(runsOnCallersThread ? one.tapes : 2 * one.tapes);
    expect(of({ batchSize: 100_000 })).toEqual(one);
    expect(of({ sequenceLength: 48 }).tapes).toBeGreaterThan(1.9 * one.tapes);
    expect(of({}, 1, 'float64').weights).toBe(2 * one.weights);
    expect(estimateMemory(sizes, 'training', { threads: 1 }).total).toBeGreaterThan(one.total);
  });

  it('refuses sizes that are no counts', () => {
    expect(() => estimateMemory({ ...sizes, layers: -1 }, 'forward')).toThrow('layers is -1');
  });
});

describe('activeIsa', () => {
  it('names an instruction set', () => {
    expect(runsOnCallersThread ? ['simd128'] : ['scalar', 'avx2', 'avx512', 'neon']).toContain(activeIsa());
  });
});
