import type { LstmModel } from '@macrograd/kernel';
import type * as tfjs from '@tensorflow/tfjs-core';

/** The namespace of TensorFlow.js's core, whichever back end it runs on. */
export type Tf = typeof tfjs;

/** One layer's parameters, transposed for products from the right. */
interface LayerTensors<T extends tfjs.Tensor = tfjs.Tensor> {
  /** [F, 4H]. */
  readonly weightIh: T;
  /** [H, 4H]. */
  readonly weightHh: T;
  /** [4H]. */
  readonly biasIh: T;
  /** [4H]. */
  readonly biasHh: T;
}

/** Parameters as tensors: variables in training. */
export interface NetworkTensors<T extends tfjs.Tensor = tfjs.Tensor> {
  readonly layers: readonly LayerTensors<T>[];
  /** [H, O]. */
  readonly headWeight: T;
  /** [O]. */
  readonly headBias: T;
}

/** Makes tensors of a model's parameters; `wrap` turns them into variables where they are to be trained. */
export function networkTensors<T extends tfjs.Tensor>(
  tf: Tf,
  model: LstmModel,
  wrap: (tensor: tfjs.Tensor) => T,
): NetworkTensors<T> {
  const { inputSize, hiddenSize: H, headBias } = model;
  let at = 0;
  const take = (length: number) => {
    at += length;
    return Float32Array.from(model.weights.subarray(at - length, at));
  };
  const matrix = (rows: number, columns: number, values: Float32Array) =>
    wrap(tf.tidy(() => tf.transpose(tf.tensor2d(values, [rows, columns]))));
  const layers = Array.from({ length: model.layers }, (_, layer) => {
    const inputs = layer === 0 ? inputSize : H;
    return {
      weightIh: matrix(4 * H, inputs, take(4 * H * inputs)),
      weightHh: matrix(4 * H, H, take(4 * H * H)),
      biasIh: wrap(tf.tensor1d(take(4 * H))),
      biasHh: wrap(tf.tensor1d(take(4 * H))),
    };
  });
  return {
    layers,
    headWeight: matrix(headBias.length, H, Float32Array.from(model.headWeight)),
    headBias: wrap(tf.tensor1d(Float32Array.from(headBias))),
  };
}

/** The model of the tensors' present values; the inverse of {@link networkTensors}. */
export async function modelOf(tf: Tf, model: LstmModel, network: NetworkTensors): Promise<LstmModel<Float32Array>> {
  const values = async (tensor: tfjs.Tensor) => Float32Array.from(await tensor.data());
  const rows = async (tensor: tfjs.Tensor) => {
    const turned = tf.transpose(tensor);
    const out = await values(turned);
    turned.dispose();
    return out;
  };
  const weights = new Float32Array(model.weights.length);
  let at = 0;
  for (const { weightIh, weightHh, biasIh, biasHh } of network.layers) {
    for (const part of [await rows(weightIh), await rows(weightHh), await values(biasIh), await values(biasHh)]) {
      weights.set(part, at);
      at += part.length;
    }
  }
  const headWeight = await rows(network.headWeight);
  return { ...model, weights, headWeight, headBias: await values(network.headBias) };
}

/** Every tensor of a network, in one order. */
export function tensorsOf<T extends tfjs.Tensor>({ layers, headWeight, headBias }: NetworkTensors<T>): T[] {
  const own = layers.flatMap(({ weightIh, weightHh, biasIh, biasHh }) => [weightIh, weightHh, biasIh, biasHh]);
  return [...own, headWeight, headBias];
}

/**
 * Outputs [batch, O] for inputs [batch, step, F], in operations that TensorFlow.js derives itself: the gates of
 * `torch.nn.LSTM`, from a zero state.
 */
export function forward(tf: Tf, { layers, headWeight, headBias }: NetworkTensors, input: tfjs.Tensor3D): tfjs.Tensor2D {
  let sequence = tf.unstack(input, 1) as tfjs.Tensor2D[];
  for (const { weightIh, weightHh, biasIh, biasHh } of layers) {
    const H = weightHh.shape[0];
    let hidden = tf.zeros([input.shape[0], H]) as tfjs.Tensor2D;
    let cell = hidden;
    sequence = sequence.map((step) => {
      const products = tf.add(tf.matMul(step, weightIh as tfjs.Tensor2D), tf.matMul(hidden, weightHh as tfjs.Tensor2D));
      const gates: tfjs.Tensor = tf.add(tf.add(products, biasIh), biasHh);
      const [i, f, g, o] = tf.split(gates, 4, 1);
      cell = tf.add(tf.mul(tf.sigmoid(f), cell), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      hidden = tf.mul(tf.sigmoid(o), tf.tanh(cell));
      return hidden;
    });
  }
  return tf.add(tf.matMul(sequence[sequence.length - 1], headWeight as tfjs.Tensor2D), headBias);
}
