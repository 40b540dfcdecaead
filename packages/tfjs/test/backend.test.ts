import { InputError } from '@macrograd/core';
import { lstmForward, lstmJacobian, lstmTrain } from '@macrograd/kernel';
import { describe, expect, it } from 'vitest';
import { loadTfjs } from '../src/index.js';
import { batch, floats, largestError, model } from './network.js';

// The native addon is optional.
const native = await loadTfjs('node').then(
  (backend) => [backend],
  () => [],
);
const backends = [await loadTfjs('wasm'), ...native];

// Both in float32, through 12 steps of two layers.
const PARITY = 1e-5;

describe.each(backends)('TensorFlow.js on $kind agrees with the kernel', (backend) => {
  it('on outputs', async () => {
    expect(largestError(await backend.forward(model, batch), await lstmForward(model, batch))).toBeLessThan(PARITY);
  });

  it('on the Jacobian, derived by its own automatic differentiation', async () => {
    const { jacobian } = await lstmJacobian(model, batch);
    expect(largestError(await backend.jacobian(model, batch), jacobian)).toBeLessThan(PARITY);
  });

  it('on weights and loss over 20 training steps', async () => {
    const targets = floats(9 * 2, 1);
    const steps = 20;
    const learningRate = 0.01;
    const theirs = await backend.train(model, batch, targets, { steps, learningRate });
    const ours = await lstmTrain(model, batch, targets, {
      epochs: steps,
      batchSize: batch.batchSize,
      learningRate,
      clipNorm: Number.POSITIVE_INFINITY,
      patience: 0,
      seed: 1,
    });
    expect(largestError(theirs.model.weights, ours.model.weights)).toBeLessThan(PARITY);
    expect(largestError(theirs.model.headWeight, ours.model.headWeight)).toBeLessThan(PARITY);
    expect(largestError(Float32Array.from(theirs.loss), Float32Array.from(ours.trainingLoss))).toBeLessThan(PARITY);
    expect(ours.trainingLoss[19]).toBeLessThan(0.9 * ours.trainingLoss[0]);
  });
});

it('tfjs-node is optional: where it is absent, the error says how to get it', async () => {
  const loaded = await loadTfjs('node').catch((error: unknown) => error);
  if (loaded instanceof Error) {
    expect(loaded).toBeInstanceOf(InputError);
    expect(loaded.message).toMatch(/tfjs-node is (not installed|installed and does not load).*wasm/);
  } else {
    expect(loaded).toMatchObject({ kind: 'node' });
  }
});
