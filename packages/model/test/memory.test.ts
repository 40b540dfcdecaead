import type { EncoderParameters, LstmParameters } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { effectiveMemory, lstmEstimator } from '../src/index.js';
import { TRAIN, world } from './world.js';

/** The gates are computed in float64 from float32 weights: rounding alone. */
const ROUNDING = 1e-6;

const { panel } = world();

/** A fitted ensemble, with the weights of its members changed. */
async function changed(change: (member: EncoderParameters) => Partial<EncoderParameters>, lookback: number) {
  const fitted = await lstmEstimator({ lookback, members: 2, hiddenSize: 4, steps: 5, longSteps: 5 }).fit(
    panel,
    TRAIN,
    {
      seed: 1,
    },
  );
  const parameters = fitted.parameters() as LstmParameters;
  return { ...parameters, members: parameters.members.map((member) => ({ ...member, ...change(member) })) };
}

/** Forget gates that stand still: no weights, one bias a unit. */
function still(biases: readonly number[]) {
  return ({ weightIh, weightHh, bias }: EncoderParameters) => {
    const quiet = (weights: Float32Array) =>
      weights.map((w, i) => (Math.floor((4 * i) / weights.length) === 1 ? 0 : w));
    return {
      weightIh: quiet(weightIh),
      weightHh: quiet(weightHh),
      bias: bias.map((b, i) => (Math.floor(i / biases.length) === 1 ? biases[i % biases.length] : b)),
    };
  };
}

describe('effective memory', () => {
  it('of gates that stand still is the geometric sum within the window', async () => {
    const lookback = 12;
    const parameters = await changed(still([1, 1, 1, 1]), lookback);
    const memory = await effectiveMemory(parameters, panel.inputs, TRAIN);
    const f = 1 / (1 + Math.exp(-1));
    expect(memory.lookback).toBe(lookback);
    memory.retention.forEach((share, lag) => {
      expect(Math.abs(share - f ** lag)).toBeLessThan(ROUNDING);
    });
    expect(Math.abs(memory.periods - (f - f ** lookback) / (1 - f))).toBeLessThan(ROUNDING * lookback);
  });

  it('counts units by what heads make of them: one without heads is not heard', async () => {
    const biases = [3, -3, 3, -3];
    const silent = (units: readonly number[]) => (member: EncoderParameters) => {
      const features = member.featureMean.length;
      const first = features - member.filterCount - member.hiddenSize;
      const heads = member.heads.map((head, i) => (units.includes((i % features) - first) ? 0 : head));
      return { ...still(biases)(member), heads };
    };
    const long = await effectiveMemory(await changed(silent([1, 3]), 8), panel.inputs, TRAIN);
    const short = await effectiveMemory(await changed(silent([0, 2]), 8), panel.inputs, TRAIN);
    const [f, g] = [3, -3].map((bias) => 1 / (1 + Math.exp(-bias)));
    expect(Math.abs(long.retention[1] - f)).toBeLessThan(ROUNDING);
    expect(Math.abs(short.retention[1] - g)).toBeLessThan(ROUNDING);
  });

  it('of a window of one row is nothing, and what a fitted gate does lies between nothing and the window', async () => {
    const one = await effectiveMemory(await changed(() => ({}), 1), panel.inputs, TRAIN);
    expect([one.lookback, one.retention.length, one.periods]).toEqual([1, 1, 0]);
    expect(Math.abs(one.retention[0] - 1)).toBeLessThan(ROUNDING);
    const fitted = await effectiveMemory(await changed(() => ({}), 8), panel.inputs, TRAIN);
    expect(fitted.periods).toBeGreaterThan(0);
    expect(fitted.periods).toBeLessThan(7);
    // What is left can only shrink with the lag.
    fitted.retention.subarray(1).forEach((share, i) => {
      expect(share).toBeLessThanOrEqual(fitted.retention[i]);
    });
  });
});
