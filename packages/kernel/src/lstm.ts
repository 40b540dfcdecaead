import { ArgumentError } from '@macrograd/core';
import type * as binding from '#binding';
import { type RunOptions, runNative } from './native.js';

/** Float32 for speed, float64 for checking; every array of a call is of the same kind. */
export type RealArray = Float32Array | Float64Array;

/** A stacked LSTM as `torch.nn.LSTM` (gates i, f, g, o) with a linear head on the last hidden state. */
export interface LstmModel<A extends RealArray = RealArray> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  /** For each layer weight_ih [4H][F], weight_hh [4H][H], bias_ih [4H], bias_hh [4H], one after another. */
  readonly weights: A;
  /** [output][hidden]. */
  readonly headWeight: A;
  /** [output]; its length is the number of outputs. */
  readonly headBias: A;
}

/** A batch of input sequences; step 0 is the oldest. All values must be finite. */
export interface LstmBatch<A extends RealArray = RealArray> {
  /** [batch][step][input]. */
  readonly input: A;
  readonly batchSize: number;
  readonly sequenceLength: number;
  /** [layer][batch][hidden]; zero where absent. */
  readonly initialHidden?: A;
  /** [layer][batch][hidden]; zero where absent. */
  readonly initialCell?: A;
}

/** What every call on a batch takes. */
export interface LstmRunOptions extends RunOptions {
  /**
   * Promise that the caller changes no array before the result is there: they are then read in place. By default they
   * are copied first.
   */
  readonly borrow?: boolean;
}

/** Gradients, shaped as what they are gradients of. */
export interface LstmGradients<A extends RealArray> {
  readonly weights: A;
  readonly headWeight: A;
  readonly headBias: A;
  readonly input: A;
  readonly initialHidden: A;
  readonly initialCell: A;
}

/**
 * Outputs of the head for every sequence, [batch][output].
 *
 * @param options.out Array to write to and return; made if absent. Not to be touched until the promise settles.
 * @throws MacrogradError `shape_mismatch`, `not_finite` (with the index, before any work), `cancelled`.
 * @example
 * const y = await lstmForward(model, { input, batchSize: 64, sequenceLength: 24 }, { threads: 1 });
 */
export async function lstmForward<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  options: LstmRunOptions & { readonly out?: A } = {},
): Promise<A> {
  const out = options.out ?? zerosLike(model.weights, batch.batchSize * model.headBias.length);
  await runNative((native, run) => {
    const call = marshal(model, batch, options);
    return isF32(call, out)
      ? native.lstmForwardF32(call, out as Float32Array, ...run)
      : native.lstmForwardF64(call as binding.LstmModelF64, out as Float64Array, ...run);
  }, options);
  return out;
}

/**
 * Hidden state of the top layer after every step, [batch][step][hidden], and last cell state of every layer,
 * [layer][batch][hidden].
 *
 * @throws As {@link lstmForward}.
 */
export async function lstmStates<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  options: LstmRunOptions = {},
): Promise<{ readonly hidden: A; readonly cell: A }> {
  const state = batch.batchSize * model.hiddenSize;
  const hidden = zerosLike(model.weights, state * batch.sequenceLength);
  const cell = zerosLike(model.weights, state * model.layers);
  await runNative((native, run) => {
    const call = marshal(model, batch, options);
    return isF32(call, hidden, cell)
      ? native.lstmStatesF32(call, hidden as Float32Array, cell as Float32Array, ...run)
      : native.lstmStatesF64(call as binding.LstmModelF64, hidden as Float64Array, cell as Float64Array, ...run);
  }, options);
  return { hidden, cell };
}

/**
 * Pulls cotangents back to all weights, inputs and initial states (a vector-Jacobian product).
 *
 * @param cotangent Derivatives of a scalar: of the outputs [batch][output], and of the top layer's hidden state at every
 * step [batch][step][hidden].
 * @throws As {@link lstmForward}.
 */
export async function lstmBackward<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  cotangent: { readonly outputs?: A; readonly hidden?: A },
  options: LstmRunOptions = {},
): Promise<LstmGradients<A>> {
  const states = model.layers * batch.batchSize * model.hiddenSize;
  const zeros = (length: number) => zerosLike(model.weights, length);
  const gradients: LstmGradients<A> = {
    weights: zeros(model.weights.length),
    headWeight: zeros(model.headWeight.length),
    headBias: zeros(model.headBias.length),
    input: zeros(batch.input.length),
    initialHidden: zeros(states),
    initialCell: zeros(states),
  };
  const own = (array: A | undefined) => (array === undefined ? null : options.borrow ? array : (array.slice() as A));
  const dOutputs = own(cotangent.outputs);
  const dHidden = own(cotangent.hidden);
  await runNative((native, run) => {
    const call = marshal(model, batch, options);
    return isF32(call, ...[dOutputs, dHidden].filter((array) => array !== null))
      ? native.lstmBackwardF32(
          call,
          dOutputs as Float32Array | null,
          dHidden as Float32Array | null,
          gradients as LstmGradients<Float32Array>,
          ...run,
        )
      : native.lstmBackwardF64(
          call as binding.LstmModelF64,
          dOutputs as Float64Array | null,
          dHidden as Float64Array | null,
          gradients as LstmGradients<Float64Array>,
          ...run,
        );
  }, options);
  return gradients;
}

/**
 * Derivative of every output with respect to every input of its own sequence, [batch][output][step][input], and the
 * outputs themselves, [batch][output].
 *
 * @param options.out Array for the Jacobian; made if absent. Not to be touched until the promise settles.
 * @throws As {@link lstmForward}.
 */
export async function lstmJacobian<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  options: LstmRunOptions & { readonly out?: A } = {},
): Promise<{ readonly outputs: A; readonly jacobian: A }> {
  const outputs = zerosLike(model.weights, batch.batchSize * model.headBias.length);
  const jacobian = options.out ?? zerosLike(model.weights, batch.input.length * model.headBias.length);
  await runNative((native, run) => {
    const call = marshal(model, batch, options);
    return isF32(call, outputs, jacobian)
      ? native.lstmJacobianF32(call, outputs as Float32Array, jacobian as Float32Array, ...run)
      : native.lstmJacobianF64(call as binding.LstmModelF64, outputs as Float64Array, jacobian as Float64Array, ...run);
  }, options);
  return { outputs, jacobian };
}

/** Settings of {@link lstmTrain}; the defaults suit a few thousand windows of standardised data. */
export interface LstmTrainOptions extends RunOptions {
  /** Passes over the training rows, at most; default 100. */
  readonly epochs?: number;
  /** Rows a step; default 256. */
  readonly batchSize?: number;
  /** Adam's step size for the LSTM; default .001. */
  readonly learningRate?: number;
  /** Adam's step size for the head; default `learningRate`. */
  readonly headLearningRate?: number;
  /** Decoupled weight decay of the LSTM (AdamW); default 0. */
  readonly weightDecay?: number;
  /** Largest Euclidean length of a step's gradient; default 1. */
  readonly clipNorm?: number;
  /** Standard deviation of the noise on the inputs, fresh each step; default 0. */
  readonly inputNoise?: number;
  /** Epochs without a smaller validation loss before training stops; 0 = never; default 10. */
  readonly patience?: number;
  /** Half a cosine instead of a constant step size; default false. */
  readonly cosine?: boolean;
  /** Rows at the end of the batch that are not trained on but choose the epoch to keep; default 0. */
  readonly validationRows?: number;
  /** Integer of at least 0; the same seed gives the same bits for any number of threads. */
  readonly seed: number;
}

/** A trained model and how its loss went. */
export interface LstmTraining<A extends RealArray> {
  readonly model: LstmModel<A>;
  /** Mean squared error of each epoch. */
  readonly trainingLoss: readonly number[];
  /** Mean squared error on the validation rows after each epoch; empty without such rows. */
  readonly validationLoss: readonly number[];
  /** Epoch, from 0, whose parameters were kept. */
  readonly bestEpoch: number;
}

/**
 * Trains LSTM and head on squared error from the given model on; the model that was passed stays as it is. The whole loop
 * is native.
 *
 * @param targets [batch][output]; NaN = missing: no loss and no gradient.
 * @throws As {@link lstmForward}; `bad_input` when no target is observed; `native_failure` when training diverges.
 */
export async function lstmTrain<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  targets: A,
  options: LstmTrainOptions,
): Promise<LstmTraining<A>> {
  const learningRate = options.learningRate ?? 1e-3;
  const settings: binding.LstmTrainSettings = {
    epochs: options.epochs ?? 100,
    batchSize: options.batchSize ?? 256,
    learningRate,
    headLearningRate: options.headLearningRate ?? learningRate,
    weightDecay: options.weightDecay ?? 0,
    clipNorm: options.clipNorm ?? 1,
    inputNoise: options.inputNoise ?? 0,
    patience: options.patience ?? 10,
    cosine: options.cosine ?? false,
    seed: options.seed,
    validationRows: options.validationRows ?? 0,
  };
  if (batch.initialHidden || batch.initialCell) {
    throw new ArgumentError('training starts from zero states', 'leave initialHidden and initialCell out');
  }
  const call = marshal(model, batch, {});
  const ownTargets = targets.slice();
  const report = await runNative(
    (native, run) =>
      isF32(call, ownTargets)
        ? native.lstmTrainF32(call, ownTargets as Float32Array, settings, ...run)
        : native.lstmTrainF64(call as binding.LstmModelF64, ownTargets as Float64Array, settings, ...run),
    options,
  );
  const { weights, headWeight, headBias } = call as unknown as LstmModel<A>;
  return { model: { ...model, weights, headWeight, headBias }, ...report };
}

/** Float32 operations a second, in units of 10^9, that this processor reaches with fused products alone. */
export function measurePeak(threads: number): Promise<number> {
  return runNative((native) => native.measurePeakGflops(threads));
}

/** The native form of a call; copies what JavaScript could change while it runs. */
function marshal(model: LstmModel, batch: LstmBatch, options: { readonly borrow?: boolean }): NativeModel {
  const own = <A extends RealArray>(array: A): A => (options.borrow ? array : (array.slice() as A));
  const call = {
    sizes: {
      inputSize: model.inputSize,
      hiddenSize: model.hiddenSize,
      layers: model.layers,
      batchSize: batch.batchSize,
      sequenceLength: batch.sequenceLength,
    },
    weights: own(model.weights),
    headWeight: own(model.headWeight),
    headBias: own(model.headBias),
    input: own(batch.input),
    ...(batch.initialHidden && { initialHidden: own(batch.initialHidden) }),
    ...(batch.initialCell && { initialCell: own(batch.initialCell) }),
  };
  for (const [name, size] of Object.entries(call.sizes)) {
    if (!Number.isInteger(size) || size < 0)
      throw new ArgumentError(`${name} is ${size}`, 'pass an integer of at least 0');
  }
  return call as NativeModel;
}

type NativeModel = binding.LstmModelF32 | binding.LstmModelF64;

/** Whether a call is all float32; throws when kinds are mixed. */
function isF32(call: NativeModel, ...others: readonly RealArray[]): call is binding.LstmModelF32 {
  const { sizes: _, ...arrays } = call;
  const all = [...Object.values(arrays), ...others].filter((value) => ArrayBuffer.isView(value));
  const f32 = all.filter((value) => value instanceof Float32Array).length;
  if (f32 !== 0 && f32 !== all.length) {
    throw new ArgumentError('arrays of one call mix float32 and float64', 'convert them to one kind');
  }
  return f32 !== 0;
}

/** An array of zeros of the same kind. */
function zerosLike<A extends RealArray>(like: A, length: number): A {
  return (like instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)) as A;
}
