import { createRequire } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';
import { InputError } from '@macrograd/core';
import type { LstmBatch, LstmModel } from '@macrograd/kernel';
import type * as tfjs from '@tensorflow/tfjs-core';
import { forward, modelOf, networkTensors, type Tf, tensorsOf } from './network.js';

/** Where TensorFlow.js computes: its native addon, or WebAssembly. */
export type TfjsKind = 'node' | 'wasm';

/** Settings of {@link TfjsBackend.train}. */
export interface TfjsTrainOptions {
  /** Adam steps, each on the whole batch. */
  readonly steps: number;
  /** Default .001. */
  readonly learningRate?: number;
}

/** An LSTM by TensorFlow.js: what the kernel does, computed and derived by another program. */
export interface TfjsBackend {
  readonly kind: TfjsKind;
  /** Outputs of the head, [batch][output]. */
  forward(model: LstmModel, batch: LstmBatch): Promise<Float32Array>;
  /** d output / d input, [batch][output][step][input]. */
  jacobian(model: LstmModel, batch: LstmBatch): Promise<Float32Array>;
  /** Trains on mean squared error with Adam; the model that was passed stays as it is. */
  train(
    model: LstmModel,
    batch: LstmBatch,
    targets: Float32Array,
    options: TfjsTrainOptions,
  ): Promise<{ readonly model: LstmModel<Float32Array>; readonly loss: readonly number[] }>;
}

/**
 * Loads TensorFlow.js. `auto` takes `@tensorflow/tfjs-node` where it is installed (or in the folder that the environment
 * variable MACROGRAD_TFJS_NODE names), else WebAssembly.
 *
 * @throws InputError when `node` is asked for and `@tensorflow/tfjs-node` is not installed or does not load here
 * @example
 * const backend = await loadTfjs('wasm');
 * const outputs = await backend.forward(model, { input, batchSize: 8, sequenceLength: 24 });
 */
export async function loadTfjs(wanted: TfjsKind | 'auto' = 'auto'): Promise<TfjsBackend> {
  if (wanted === 'node') return backendOf(await loadNode(), 'node');
  const node = wanted === 'auto' ? await loadNode().catch(() => undefined) : undefined;
  return node ? backendOf(node, 'node') : backendOf(await loadTf(), 'wasm');
}

/** TensorFlow.js on its native addon; says how to get it where it is not there. */
export async function loadNode(): Promise<Tf> {
  try {
    return await importNode();
  } catch (cause) {
    return refuseNode(cause);
  }
}

async function importNode(): Promise<Tf> {
  // A name that the compiler does not follow: the package is optional.
  const name: string = '@tensorflow/tfjs-node';
  const folder = process.env.MACROGRAD_TFJS_NODE;
  const tf: Tf = folder
    ? createRequire(join(resolve(folder), 'package.json'))(name)
    : ((await import(name)) as { default: Tf }).default;
  await tf.setBackend('tensorflow');
  return tf;
}

/** TensorFlow.js's core on WebAssembly. */
export async function loadTf(): Promise<Tf> {
  const tf = await import('@tensorflow/tfjs-core');
  // Registers the gradients of the core's operations, which the core's own bundle for Node leaves out.
  await import('@tensorflow/tfjs-layers');
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${dirname(entry)}${sep}`);
  if (!(await tf.setBackend('wasm'))) {
    throw new InputError('the WebAssembly back end of TensorFlow.js does not start', { remedy: 'update Node' });
  }
  return tf;
}

function refuseNode(cause: unknown): never {
  const missing = cause instanceof Error && 'code' in cause && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(cause.code));
  throw new InputError(
    missing ? '@tensorflow/tfjs-node is not installed' : '@tensorflow/tfjs-node is installed and does not load',
    {
      remedy: missing
        ? 'npm install @tensorflow/tfjs-node@4.22.0 (or node tools/tfjs-node/build.mjs), or use the wasm back end'
        : 'it needs Node 22 or older with its own addon built (node tools/tfjs-node/build.mjs), or use the wasm back end',
      cause,
    },
  );
}

function backendOf(tf: Tf, kind: TfjsKind): TfjsBackend {
  // All copies of TensorFlow.js in a process share one engine, so the back end is named before each piece of work.
  const ready = () => tf.setBackend(kind === 'node' ? 'tensorflow' : 'wasm');
  return {
    kind,
    forward: async (model, batch) => {
      await ready();
      return taken(
        tf.tidy(() =>
          forward(
            tf,
            networkTensors(tf, model, (tensor) => tensor),
            inputOf(tf, model, batch),
          ),
        ),
      );
    },
    jacobian: async (model, batch) => {
      await ready();
      return jacobianBy(tf, model, batch);
    },
    train: async (model, batch, targets, options) => {
      await ready();
      return trainBy(tf, model, batch, targets, options);
    },
  };
}

async function jacobianBy(tf: Tf, model: LstmModel, batch: LstmBatch): Promise<Float32Array> {
  const outputs = model.headBias.length;
  const width = batch.sequenceLength * model.inputSize;
  const jacobian = new Float32Array(batch.batchSize * outputs * width);
  for (let output = 0; output < outputs; output++) {
    // Samples do not touch each other, so the derivative of a sum over them holds that of each.
    const gradient = tf.tidy(() => {
      const network = networkTensors(tf, model, (tensor) => tensor);
      const sum = (input: tfjs.Tensor) =>
        tf.sum<tfjs.Scalar>(tf.slice(forward(tf, network, input as tfjs.Tensor3D), [0, output], [-1, 1]));
      return tf.grad(sum)(inputOf(tf, model, batch));
    });
    const values = await taken(gradient);
    for (let sample = 0; sample < batch.batchSize; sample++) {
      jacobian.set(values.subarray(sample * width, (sample + 1) * width), (sample * outputs + output) * width);
    }
  }
  return jacobian;
}

async function trainBy(
  tf: Tf,
  model: LstmModel,
  batch: LstmBatch,
  targets: Float32Array,
  { steps, learningRate = 1e-3 }: TfjsTrainOptions,
) {
  const network = networkTensors(tf, model, (tensor) => tf.variable(tensor));
  const variables = tensorsOf(network);
  const [input, wanted] = [inputOf(tf, model, batch), tf.tensor2d(targets, [batch.batchSize, model.headBias.length])];
  // Epsilon as torch.optim.Adam has it; TensorFlow.js would take 1e-7.
  const optimizer = tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
  const loss: number[] = [];
  try {
    for (let step = 0; step < steps; step++) {
      const error = optimizer.minimize(
        () => tf.mean<tfjs.Scalar>(tf.square(tf.sub(forward(tf, network, input), wanted))),
        true,
        variables,
      );
      if (error) loss.push((await taken(error))[0]);
    }
    return { model: await modelOf(tf, model, network), loss };
  } finally {
    optimizer.dispose();
    tf.dispose([input, wanted, ...variables]);
  }
}

function inputOf(tf: Tf, model: LstmModel, { input, batchSize, sequenceLength }: LstmBatch): tfjs.Tensor3D {
  return tf.tensor3d(Float32Array.from(input), [batchSize, sequenceLength, model.inputSize]);
}

async function taken(tensor: tfjs.Tensor): Promise<Float32Array> {
  const values = Float32Array.from(await tensor.data());
  tensor.dispose();
  return values;
}
