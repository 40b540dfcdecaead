import { ArgumentError } from '@macrograd/core';
import {
  entryOf,
  type LstmBatch,
  type LstmModel,
  type LstmOutOptions,
  type LstmRunOptions,
  lend,
  marshal,
  own,
  type RealArray,
  zerosLike,
} from './lstmCall.js';
import { runNative } from './native.js';

/** An input's place in a window. */
export interface InputPlace {
  /** From 0, the oldest. */
  readonly step: number;
  readonly input: number;
}

/** Gradient with respect to all parameters, shaped as in the model. */
export interface LstmParameterGradients<A extends RealArray> {
  readonly weights: A;
  readonly headWeight: A;
  readonly headBias: A;
}

/** Penalty on the Jacobian: its size (towards no exposure) or its change from window to window (towards constant ones). */
export type JacobianPenalty = 'size' | 'variation';

/**
 * Outputs and how they change when the inputs move along `tangent`, a Jacobian-vector product: both [batch][output].
 *
 * @param tangent [batch][step][input].
 * @throws MacrogradError As `lstmForward`.
 */
export async function lstmJvp<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  tangent: A,
  options: LstmRunOptions = {},
): Promise<{ readonly outputs: A; readonly tangents: A }> {
  const outputs = zerosLike(model.weights, batch.batchSize * model.headBias.length);
  const tangents = zerosLike(outputs, outputs.length);
  const direction = own(tangent, options);
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    const entry = entryOf(native, 'lstmJvp', [...arrays, direction]);
    return entry(call, lend(direction), lend(outputs), lend(tangents), ...run);
  }, options);
  return { outputs, tangents };
}

/**
 * What cotangents of the outputs ask of the inputs, [batch][step][input]: a vector-Jacobian product. `lstmBackward` gives
 * the parameters' gradient too.
 *
 * @param cotangent [batch][output].
 * @throws MacrogradError As `lstmForward`.
 */
export async function lstmVjp<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  cotangent: A,
  options: LstmOutOptions<A> = {},
): Promise<A> {
  const out = options.out ?? zerosLike(model.weights, batch.input.length);
  const given = own(cotangent, options);
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, 'lstmVjp', [...arrays, given, out])(call, lend(given), lend(out), ...run);
  }, options);
  return out;
}

/**
 * How the Jacobian changes when the inputs move along `tangent`, [batch][output][step][input]: each output's matrix of
 * second derivatives times the tangent (Pearlmutter 1994).
 *
 * @param tangent [batch][step][input].
 * @throws MacrogradError As `lstmForward`.
 */
export async function lstmJacobianJvp<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  tangent: A,
  options: LstmOutOptions<A> = {},
): Promise<A> {
  const out = options.out ?? zerosLike(model.weights, batch.input.length * model.headBias.length);
  const direction = own(tangent, options);
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, 'lstmJacobianJvp', [...arrays, direction, out])(call, lend(direction), lend(out), ...run);
  }, options);
  return out;
}

/**
 * Second derivatives of every output for chosen pairs of inputs, [batch][output][pair]: how the exposure to one factor
 * depends on the level of another. Pairs that share their first input share its passes.
 *
 * @throws MacrogradError As `lstmForward`; `bad_argument` for a place outside the window.
 * @example
 * const last = sequenceLength - 1;
 * const inflationAndRate = [{ step: last, input: 0 }, { step: last, input: 1 }] as const;
 * const interactions = await lstmCrossPartials(model, batch, [inflationAndRate]);
 */
export async function lstmCrossPartials<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  pairs: readonly (readonly [InputPlace, InputPlace])[],
  options: LstmOutOptions<A> = {},
): Promise<A> {
  const flat = pairs.flatMap((pair) => pair.flatMap(({ step, input }) => [step, input]));
  const wrong = flat.findIndex((index) => !Number.isInteger(index) || index < 0);
  if (wrong >= 0) {
    throw new ArgumentError(`a place in pairs[${wrong >> 2}] is ${flat[wrong]}`, 'pass integers of at least 0');
  }
  const out = options.out ?? zerosLike(model.weights, batch.batchSize * model.headBias.length * pairs.length);
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, 'lstmCrossPartials', [...arrays, out])(call, Uint32Array.from(flat), lend(out), ...run);
  }, options);
  return out;
}

/**
 * All second derivatives, [batch][output][step][input][step][input]. Takes steps x inputs passes and as much memory squared:
 * for windows of some ten inputs; else {@link lstmCrossPartials}.
 *
 * @throws MacrogradError As `lstmForward`.
 */
export async function lstmHessian<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  options: LstmOutOptions<A> = {},
): Promise<A> {
  const width = batch.sequenceLength * model.inputSize;
  const out = options.out ?? zerosLike(model.weights, batch.batchSize * model.headBias.length * width * width);
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, 'lstmHessian', [...arrays, out])(call, lend(out), ...run);
  }, options);
  return out;
}

/**
 * Pulls a cotangent of the Jacobian back to the parameters: the gradient of any scalar that depends on the Jacobian.
 *
 * @param dJacobian Derivatives of the scalar, [batch][output][step][input].
 * @throws MacrogradError As `lstmForward`.
 */
export async function lstmPullBackJacobian<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  dJacobian: A,
  options: LstmRunOptions = {},
): Promise<LstmParameterGradients<A>> {
  const [gradients, given] = [parameterGradients(model), own(dJacobian, options)];
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    const entry = entryOf(native, 'lstmPullBackJacobian', [...arrays, given]);
    return entry(call, lend(given), lendGradients(gradients), ...run);
  }, options);
  return gradients;
}

/**
 * A penalty on the exposures and its gradient with respect to the parameters. `size`: mean over windows of half the squared
 * Jacobian. `variation`: mean over consecutive windows, which are dates in order, of half the squared change.
 * Derivation: docs/derivations/lstm_second.md.
 *
 * @throws MacrogradError As `lstmForward`.
 */
export async function lstmJacobianPenalty<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  penalty: JacobianPenalty,
  options: LstmRunOptions = {},
): Promise<{ readonly value: number; readonly gradients: LstmParameterGradients<A> }> {
  const gradients = parameterGradients(model);
  const value = await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, 'lstmJacobianPenalty', arrays)(call, penalty, lendGradients(gradients), ...run);
  }, options);
  return { value, gradients };
}

function parameterGradients<A extends RealArray>(model: LstmModel<A>): LstmParameterGradients<A> {
  return {
    weights: zerosLike(model.weights, model.weights.length),
    headWeight: zerosLike(model.weights, model.headWeight.length),
    headBias: zerosLike(model.weights, model.headBias.length),
  };
}

function lendGradients(gradients: LstmParameterGradients<RealArray>): LstmParameterGradients<Float32Array> {
  return gradients as LstmParameterGradients<Float32Array>;
}
