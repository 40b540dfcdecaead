import { Random } from '@macrograd/core';
import type { LstmModel } from '@macrograd/kernel';
import { expect } from 'vitest';

const random = new Random(3);
export const floats = (length: number, sd: number) => Float32Array.from({ length }, () => sd * random.normal());

function modelOf(inputSize: number, hiddenSize: number, layers: number, outputs: number): LstmModel<Float32Array> {
  const H = hiddenSize;
  const length = Array.from({ length: layers }, (_, layer) => 4 * H * ((layer === 0 ? inputSize : H) + H + 2));
  return {
    inputSize,
    hiddenSize,
    layers,
    weights: floats(
      length.reduce((a, b) => a + b, 0),
      0.4,
    ),
    headWeight: floats(outputs * H, 0.5),
    headBias: floats(outputs, 0.1),
  };
}

/** Two layers, two outputs. */
export const model = modelOf(3, 7, 2, 2);
export const batch = { input: floats(9 * 12 * 3, 1), batchSize: 9, sequenceLength: 12 };
/** Largest difference over the largest value. */
export function largestError(actual: Float32Array, expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(value - actual[i]))) / largest;
}
