import { MacrogradError } from '@macrograd/core';
import { expect } from 'vitest';
import type { LstmBatch, LstmModel, RealArray } from '../src/index.js';

/** Whether calls block: WebAssembly has no threads, so nothing can abort a call from outside. */
export const runsOnCallersThread = process.env.MACROGRAD_KERNEL === 'wasm';

/** Numbers on [-scale, scale), the same on every run. */
export function filled<A extends RealArray>(kind: { new (length: number): A }, length: number, scale: number): A {
  const out = new kind(length);
  let state = 7;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[i] = (state / 2 ** 31 - 1) * scale;
  }
  return out;
}

export const inputSize = 3;
export const outputs = 2;

/** A small network; weights as PyTorch draws them. */
export function model<A extends RealArray>(
  kind: { new (length: number): A },
  hiddenSize = 5,
  layers = 2,
): LstmModel<A> {
  const first = 4 * hiddenSize * (inputSize + hiddenSize + 2);
  const others = (layers - 1) * 4 * hiddenSize * (2 * hiddenSize + 2);
  return {
    inputSize,
    hiddenSize,
    layers,
    weights: filled(kind, first + others, 0.5),
    headWeight: filled(kind, outputs * hiddenSize, 1),
    headBias: filled(kind, outputs, 1),
  };
}

/** Windows for {@link model}. */
export function batch<A extends RealArray>(
  kind: { new (length: number): A },
  batchSize = 4,
  sequenceLength = 6,
): LstmBatch<A> {
  return { input: filled(kind, batchSize * sequenceLength * inputSize, 1), batchSize, sequenceLength };
}

/** The error that a call is refused with. */
export async function refusal(promise: Promise<unknown>): Promise<MacrogradError> {
  const error = await promise.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MacrogradError);
  return error as MacrogradError;
}

/** Largest error over largest value of the truth. */
export function relativeError(actual: RealArray, truth: RealArray): number {
  expect(actual).toHaveLength(truth.length);
  let [error, largest] = [0, 0];
  for (const [i, value] of truth.entries()) {
    error = Math.max(error, Math.abs(actual[i] - value));
    largest = Math.max(largest, Math.abs(value));
  }
  expect(Number.isFinite(error)).toBe(true);
  return error / largest;
}
