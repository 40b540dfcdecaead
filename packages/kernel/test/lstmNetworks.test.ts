import { CancelledError } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  type LstmNetworkBatches,
  type LstmNetworks,
  lstmJacobian,
  lstmJacobianColumns,
  lstmJacobianEach,
  lstmTrain,
  lstmTrainEach,
  type RealArray,
} from '../src/index.js';
import { filled, inputSize, refusal, relativeError, runsOnCallersThread } from './lstmCase.js';

const [hiddenSize, layers, outputs, steps] = [5, 1, 2, 4];
const parameters = 4 * hiddenSize * (inputSize + hiddenSize + 2);
const batchSizes = [40, 7, 0, 61];
const windows = 108;
const options = { epochs: 5, batchSize: 16, learningRate: 0.01, inputNoise: 0.1, seed: 9 };

type Kind<A extends RealArray> = { new (length: number): A };

function networks<A extends RealArray>(kind: Kind<A>): LstmNetworks<A> {
  const count = batchSizes.length;
  return {
    inputSize,
    hiddenSize,
    layers,
    outputs,
    weights: filled(kind, count * parameters, 0.5),
    headWeight: filled(kind, count * outputs * hiddenSize, 1),
    headBias: filled(kind, count * outputs, 1),
  };
}

function batches<A extends RealArray>(kind: Kind<A>): LstmNetworkBatches<A> {
  return { input: filled(kind, windows * steps * inputSize, 1), batchSizes, sequenceLength: steps };
}

function targetsOf<A extends RealArray>(kind: Kind<A>): A {
  const targets = filled(kind, windows * outputs, 1);
  for (let i = 0; i < targets.length; i += 5) targets[i] = Number.NaN;
  return targets;
}

/** Network i of many as a call of its own takes it. */
function one<A extends RealArray>(kind: Kind<A>, i: number, all = networks(kind)) {
  const start = batchSizes.slice(0, i).reduce((sum, size) => sum + size, 0);
  const cut = (array: A, width: number, from = i, to = i + 1) => array.slice(from * width, to * width) as A;
  return {
    model: {
      inputSize,
      hiddenSize,
      layers,
      weights: cut(all.weights, parameters),
      headWeight: cut(all.headWeight, outputs * hiddenSize),
      headBias: cut(all.headBias, outputs),
    },
    batch: {
      input: cut(batches(kind).input, steps * inputSize, start, start + batchSizes[i]),
      batchSize: batchSizes[i],
      sequenceLength: steps,
    },
    targets: cut(targetsOf(kind), outputs, start, start + batchSizes[i]),
    start,
  };
}

describe('lstmTrainEach', () => {
  it.each([Float32Array, Float64Array])(
    'trains each network as alone, to the same bits: %o',
    async (kind: Kind<RealArray>) => {
      const start = networks(kind);
      const before = start.weights.slice();
      const each = await lstmTrainEach(start, batches(kind), targetsOf(kind), { ...options, threads: 2 });
      expect(start.weights).toEqual(before);
      for (const i of [0, 1, 3]) {
        const { model, batch, targets } = one(kind, i);
        const alone = await lstmTrain(model, batch, targets, { ...options, seed: options.seed + i, threads: 1 });
        expect(one(kind, i, each.networks).model).toEqual(alone.model);
        expect([...each.trainingLoss.subarray(i * 5, (i + 1) * 5)]).toEqual(alone.trainingLoss);
      }
    },
  );

  it('names the network that has nothing to learn from and leaves the others alone', async () => {
    const { failures, trainingLoss } = await lstmTrainEach(
      networks(Float32Array),
      batches(Float32Array),
      targetsOf(Float32Array),
      options,
    );
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ network: 2, code: 'bad_input' });
    expect(trainingLoss.findIndex(Number.isNaN)).toBe(2 * options.epochs);
    expect(trainingLoss.filter(Number.isNaN)).toHaveLength(options.epochs);
  });

  it('refuses counts that do not add up', async () => {
    const wrong = { ...batches(Float32Array), batchSizes: [40, 7, 1, 61] };
    const call = lstmTrainEach(networks(Float32Array), wrong, targetsOf(Float32Array), options);
    expect((await refusal(call)).code).toBe('shape_mismatch');
    const negative = { ...batches(Float32Array), batchSizes: [40, -1, 1, 61] };
    const other = lstmTrainEach(networks(Float32Array), negative, targetsOf(Float32Array), options);
    expect((await refusal(other)).message).toContain('batchSizes[1] is -1');
  });

  it.skipIf(runsOnCallersThread)('stops when it is told to', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const call = lstmTrainEach(networks(Float32Array), batches(Float32Array), targetsOf(Float32Array), {
      ...options,
      epochs: 1e6,
      signal: controller.signal,
    });
    expect(await refusal(call)).toBeInstanceOf(CancelledError);
  });
});

describe('lstmJacobianEach', () => {
  /** Rounding of sums in another order. */
  const F64_BOUND = 1e-12;
  const F32_BOUND = 1e-5;

  it.each([
    [Float32Array, F32_BOUND],
    [Float64Array, F64_BOUND],
  ] as const)('gives the Jacobian of every network on its own windows: %o', async (kind: Kind<RealArray>, bound) => {
    const width = steps * inputSize * outputs;
    const out = new kind(windows * width);
    expect(await lstmJacobianEach(networks(kind), batches(kind), { out, threads: 2 })).toBe(out);
    for (const i of [0, 1, 3]) {
      const { model, batch, start } = one<RealArray>(Float64Array, i, networks(kind));
      const exact = await lstmJacobian(
        {
          ...model,
          weights: Float64Array.from(model.weights),
          headWeight: Float64Array.from(model.headWeight),
          headBias: Float64Array.from(model.headBias),
        },
        { ...batch, input: Float64Array.from(one(kind, i).batch.input) },
      );
      expect(relativeError(out.slice(start * width, (start + batchSizes[i]) * width), exact.jacobian)).toBeLessThan(
        bound,
      );
    }
  });

  it('gives contracted columns', async () => {
    const kind = Float64Array;
    const sums = await lstmJacobianEach(networks(kind), batches(kind), { columns: 'sumOverSteps' });
    const { model, batch, start } = one(kind, 3);
    const alone = await lstmJacobianColumns(model, batch, { columns: 'sumOverSteps' });
    expect(relativeError(sums.slice(start * outputs * inputSize), alone)).toBeLessThan(F64_BOUND);
  });
});
