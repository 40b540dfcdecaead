import { CancelledError } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import {
  type InputPlace,
  type JacobianPenalty,
  type LstmModel,
  lstmBackward,
  lstmCrossPartials,
  lstmHessian,
  lstmJacobian,
  lstmJacobianJvp,
  lstmJacobianPenalty,
  lstmJvp,
  lstmPullBackJacobian,
  lstmVjp,
  type RealArray,
} from '../src/index.js';
import { batch, filled, inputSize, model, outputs, refusal, relativeError, runsOnCallersThread } from './lstmCase.js';

/** Rounding of sums in another order; of float32 also the rational tanh, differentiated twice by its rule. */
const F64_BOUND = 1e-12;
const F32_BOUND = 2e-5;
/** Central differences: their step, and the bounds that rounding (absolute) and curvature (relative) leave. */
const STEP = 1e-6;
const ABSOLUTE = 1e-5;
const RELATIVE = 1e-3;

const [rows, steps] = [3, 4];
const width = steps * inputSize;
const exact = { model: model(Float64Array), batch: batch(Float64Array, rows, steps) };
const single = { model: model(Float32Array), batch: batch(Float32Array, rows, steps) };
const tangent = filled(Float64Array, rows * width, 1).reverse();
const kinds = [
  { ...exact, bound: F64_BOUND, array: Float64Array },
  { ...single, bound: F32_BOUND, array: Float32Array },
] as {
  model: LstmModel;
  batch: typeof exact.batch;
  bound: number;
  array: { from(values: ArrayLike<number>): RealArray };
}[];

function expectNear(actual: RealArray, differences: RealArray): void {
  expect(actual).toHaveLength(differences.length);
  for (const [i, difference] of differences.entries()) {
    expect(Math.abs(actual[i] - difference)).toBeLessThan(ABSOLUTE + RELATIVE * Math.abs(difference));
  }
}

/** Central difference of what `value` gives when the inputs move along `direction`. */
async function inputDifference(direction: Float64Array, value: (input: Float64Array) => Promise<Float64Array>) {
  const moved = (by: number) => exact.batch.input.map((x, i) => x + by * direction[i]);
  const [up, down] = [await value(moved(STEP)), await value(moved(-STEP))];
  return up.map((x, i) => (x - down[i]) / (2 * STEP));
}

async function jacobianAt(input: Float64Array): Promise<Float64Array> {
  return (await lstmJacobian(exact.model, { ...exact.batch, input })).jacobian;
}

/** Central difference of a scalar by each of some parameters. */
async function parameterDifferences(
  name: 'weights' | 'headWeight' | 'headBias',
  scalar: (network: LstmModel<Float64Array>) => Promise<number>,
): Promise<Float64Array> {
  const out = new Float64Array(exact.model[name].length);
  for (let i = 0; i < out.length; i++) {
    const moved = async (by: number) => {
      const values = exact.model[name].slice();
      values[i] += by;
      return scalar({ ...exact.model, [name]: values });
    };
    out[i] = ((await moved(STEP)) - (await moved(-STEP))) / (2 * STEP);
  }
  return out;
}

describe('products with the Jacobian', () => {
  it('move the outputs along a tangent, and pull cotangents back, as the Jacobian itself does', async () => {
    const { jacobian, outputs: y } = await lstmJacobian(exact.model, exact.batch);
    const cotangent = filled(Float64Array, rows * outputs, 1).reverse();
    const along = new Float64Array(rows * outputs);
    const pulled = new Float64Array(rows * width);
    for (const [i, derivative] of jacobian.entries()) {
      const [row, sample] = [Math.floor(i / width), Math.floor(i / width / outputs)];
      along[row] += derivative * tangent[sample * width + (i % width)];
      pulled[sample * width + (i % width)] += derivative * cotangent[row];
    }
    for (const { model: network, batch: inputs, bound, array } of kinds) {
      const jvp = await lstmJvp(network, inputs, array.from(tangent), { threads: 1 });
      expect(relativeError(jvp.outputs, y)).toBeLessThan(bound);
      expect(relativeError(jvp.tangents, along)).toBeLessThan(bound);
      const vjp = await lstmVjp(network, inputs, array.from(cotangent), { threads: 1 });
      expect(relativeError(vjp, pulled)).toBeLessThan(bound);
    }
    const both = await lstmBackward(exact.model, exact.batch, { outputs: cotangent });
    expect(both.input).toEqual(await lstmVjp(exact.model, exact.batch, cotangent));
  });

  it('refuse a tangent of another length or kind', async () => {
    const short = await refusal(lstmJvp(exact.model, exact.batch, new Float64Array(2)));
    expect(short.code).toBe('shape_mismatch');
    const mixed = lstmJvp<RealArray>(exact.model, exact.batch, new Float32Array(rows * width));
    expect((await refusal(mixed)).code).toBe('bad_argument');
  });
});

describe('second derivatives', () => {
  it('of every output along a tangent equal the change of the Jacobian', async () => {
    const change = await lstmJacobianJvp(exact.model, exact.batch, tangent);
    expectNear(change, await inputDifference(tangent, jacobianAt));
    const float32 = await lstmJacobianJvp(single.model, single.batch, Float32Array.from(tangent));
    expect(relativeError(float32, change)).toBeLessThan(F32_BOUND);
  });

  it('of all pairs equal differences of the Jacobian, and are symmetric', async () => {
    const hessian = await lstmHessian(exact.model, exact.batch);
    expect(hessian).toHaveLength(rows * outputs * width * width);
    for (let first = 0; first < width; first++) {
      const unit = Float64Array.from({ length: rows * width }, (_, i) => (i % width === first ? 1 : 0));
      const differences = await inputDifference(unit, jacobianAt);
      const own = differences.map((_, i) => hessian[(Math.floor(i / width) * width + first) * width + (i % width)]);
      expectNear(own, differences);
    }
    const transposed = hessian.map((_, i) => {
      const [row, a, b] = [Math.floor(i / width / width), Math.floor(i / width) % width, i % width];
      return hessian[(row * width + b) * width + a];
    });
    expect(relativeError(transposed, hessian)).toBeLessThan(F64_BOUND);
    const float32 = await lstmHessian(single.model, single.batch);
    expect(relativeError(float32, hessian)).toBeLessThan(F32_BOUND);
  });

  it('of chosen pairs are entries of all of them', async () => {
    const at = (step: number, input: number): InputPlace => ({ step, input });
    const pairs = [
      [at(3, 0), at(3, 1)],
      [at(0, 2), at(3, 0)],
      [at(3, 0), at(3, 0)],
    ] as const;
    for (const { model: network, batch: inputs, bound } of kinds) {
      const hessian = await lstmHessian(network, inputs);
      const chosen = await lstmCrossPartials(network, inputs, pairs);
      const truth = chosen.map((_, i) => {
        const [a, b] = pairs[i % pairs.length].map((place) => place.step * inputSize + place.input);
        return hessian[(Math.floor(i / pairs.length) * width + a) * width + b];
      });
      expect(relativeError(chosen, truth)).toBeLessThan(bound);
    }
  });

  it('refuse places outside the window', async () => {
    const inside = { step: 0, input: 0 };
    for (const outside of [
      { step: steps, input: 0 },
      { step: 0, input: inputSize },
      { step: -1, input: 0 },
    ]) {
      const call = lstmCrossPartials(exact.model, exact.batch, [[inside, outside]]);
      expect((await refusal(call)).code).toBe('bad_argument');
    }
  });

  it.skipIf(runsOnCallersThread)('stop when they are told to', async () => {
    const large = batch(Float32Array, 2000, 24);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const network = model(Float32Array, 32);
    const call = lstmJacobianJvp(network, large, large.input.slice(), { signal: controller.signal, threads: 1 });
    expect(await refusal(call)).toBeInstanceOf(CancelledError);
  });
});

describe('gradients of what depends on the Jacobian', () => {
  it('equal central differences by every parameter', async () => {
    const dJacobian = filled(Float64Array, rows * outputs * width, 1);
    const scalar = async (network: LstmModel<Float64Array>) => {
      const { jacobian } = await lstmJacobian(network, exact.batch, { threads: 1 });
      return jacobian.reduce((sum, x, i) => sum + x * dJacobian[i], 0);
    };
    const gradients = await lstmPullBackJacobian(exact.model, exact.batch, dJacobian);
    for (const name of ['weights', 'headWeight', 'headBias'] as const) {
      expectNear(gradients[name], await parameterDifferences(name, scalar));
    }
    const float32 = await lstmPullBackJacobian(single.model, single.batch, Float32Array.from(dJacobian));
    expect(relativeError(float32.weights, gradients.weights)).toBeLessThan(F32_BOUND);
  });

  it.each(['size', 'variation'] as JacobianPenalty[])(
    'penalty on the %s: value by its definition, gradient by differences',
    async (kind) => {
      const sample = outputs * width;
      const defined = (jacobian: Float64Array) => {
        const change = (x: number, i: number) => (kind === 'size' ? x : i < sample ? 0 : x - jacobian[i - sample]);
        const sum = jacobian.reduce((total, x, i) => total + change(x, i) ** 2, 0);
        return sum / 2 / (kind === 'size' ? rows : rows - 1);
      };
      const { value, gradients } = await lstmJacobianPenalty(exact.model, exact.batch, kind);
      expect(value).toBeCloseTo(defined(await jacobianAt(exact.batch.input)), 12);
      const scalar = async (network: LstmModel<Float64Array>) =>
        defined((await lstmJacobian(network, exact.batch, { threads: 1 })).jacobian);
      expectNear(gradients.weights, await parameterDifferences('weights', scalar));
      expectNear(gradients.headWeight, await parameterDifferences('headWeight', scalar));
    },
  );
});
