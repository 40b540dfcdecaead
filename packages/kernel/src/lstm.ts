import { ArgumentError } from '@macrograd/core';
import type * as binding from '#binding';
import {
  checkedSizes,
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
import { callNative, type RunOptions, runNative } from './native.js';

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
  options: LstmOutOptions<A> = {},
): Promise<A> {
  const out = options.out ?? zerosLike(model.weights, batch.batchSize * model.headBias.length);
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, 'lstmForward', [...arrays, out])(call, lend(out), ...run);
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
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, 'lstmStates', arrays)(call, lend(hidden), lend(cell), ...run);
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
  const [dOutputs, dHidden] = [cotangent.outputs, cotangent.hidden].map((array) => array && own(array, options));
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    const all = [...arrays, ...(dOutputs ? [dOutputs] : []), ...(dHidden ? [dHidden] : [])];
    const entry = entryOf(native, 'lstmBackward', all);
    const lent = gradients as LstmGradients<RealArray> as LstmGradients<Float32Array>;
    return entry(call, dOutputs && lend(dOutputs), dHidden && lend(dHidden), lent, ...run);
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
  options: LstmOutOptions<A> = {},
): Promise<{ readonly outputs: A; readonly jacobian: A }> {
  const outputs = zerosLike(model.weights, batch.batchSize * model.headBias.length);
  const jacobian = options.out ?? zerosLike(model.weights, batch.input.length * model.headBias.length);
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, 'lstmJacobian', [...arrays, jacobian])(call, lend(outputs), lend(jacobian), ...run);
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
  /** Probability that a unit of the last hidden state is left out of a training window; default 0. */
  readonly dropout?: number;
  /** Penalties on the Jacobian in the loss, over a step's windows; see `lstmJacobianPenalty`. Each default 0. */
  readonly penalties?: {
    /** Shrinks exposures towards none. */
    readonly size?: number;
    /** Shrinks exposures towards constant ones. Rows must be dates in order; steps then take runs of them. */
    readonly variation?: number;
  };
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
  if (batch.initialHidden || batch.initialCell) {
    throw new ArgumentError('training starts from zero states', 'leave initialHidden and initialCell out');
  }
  const { call, arrays } = marshal(model, batch, {});
  const ownTargets = targets.slice() as A;
  const report = await runNative(
    (native, run) =>
      entryOf(native, 'lstmTrain', [...arrays, ownTargets])(call, lend(ownTargets), trainSettings(options), ...run),
    options,
  );
  const { weights, headWeight, headBias } = call as unknown as LstmModel<A>;
  return { model: { ...model, weights, headWeight, headBias }, ...report };
}

/** The native form of training options. */
export function trainSettings(options: LstmTrainOptions): binding.LstmTrainSettings {
  const learningRate = options.learningRate ?? 1e-3;
  return {
    epochs: options.epochs ?? 100,
    batchSize: options.batchSize ?? 256,
    learningRate,
    headLearningRate: options.headLearningRate ?? learningRate,
    weightDecay: options.weightDecay ?? 0,
    clipNorm: options.clipNorm ?? 1,
    inputNoise: options.inputNoise ?? 0,
    dropout: options.dropout ?? 0,
    sizePenalty: options.penalties?.size ?? 0,
    variationPenalty: options.penalties?.variation ?? 0,
    patience: options.patience ?? 10,
    cosine: options.cosine ?? false,
    seed: options.seed,
    validationRows: options.validationRows ?? 0,
  };
}

/** Bytes that a call takes beside its caller's arrays, by purpose. */
export interface LstmMemory {
  /** Weights in the order in which products read them. */
  readonly weights: number;
  /** States, and what the backward pass reads of the forward pass. */
  readonly tapes: number;
  /** Buffers of the backward pass, and sums of weight gradients. */
  readonly backward: number;
  /** Parameters, moments and gradients of the optimiser, and the gathered batch. */
  readonly training: number;
  readonly total: number;
}

/**
 * Memory that a forward pass, a Jacobian or a training step of these sizes takes beside the arrays that go in and out;
 * the formula is in docs/performance.md. Forward pass and Jacobian need it for a tile of windows a thread, whatever the
 * batch; training for a few tiles a thread, and for the step's batch.
 *
 * @param sizes Those of a model and a batch (of a training step: its `batchSize`), float32 unless `precision` says otherwise.
 * @throws MacrogradError `bad_argument`.
 * @example
 * const sizes = { inputSize: 12, hiddenSize: 64, layers: 1, outputs: 1, batchSize: 256, sequenceLength: 24 };
 * const { total } = estimateMemory(sizes, 'training', { threads: 1 });
 */
export function estimateMemory(
  sizes: {
    readonly inputSize: number;
    readonly hiddenSize: number;
    readonly layers: number;
    readonly outputs: number;
    readonly batchSize: number;
    readonly sequenceLength: number;
  },
  work: 'forward' | 'jacobian' | 'training',
  options: { readonly threads?: number; readonly precision?: 'float32' | 'float64' } = {},
): LstmMemory {
  const { outputs, ...others } = checkedSizes(sizes);
  const double = options.precision === 'float64';
  const parts = callNative((native) => native.lstmMemory(others, outputs, options.threads ?? 0, work, double));
  return { ...parts, total: parts.weights + parts.tapes + parts.backward + parts.training };
}

/** Float32 operations a second, in units of 10^9, that this processor reaches with fused products alone. */
export function measurePeak(threads: number): Promise<number> {
  return runNative((native) => native.measurePeakGflops(threads));
}
