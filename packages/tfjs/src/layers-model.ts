import { ArgumentError } from '@macrograd/core';
import type { LstmModel } from '@macrograd/kernel';

/** A layers model as files: the content of `model.json` and of the weights beside it. */
export interface LayersModelFiles {
  /** What `tf.loadLayersModel` reads; names the weights `weights.bin`. */
  readonly modelJson: LayersModelJson;
  /** Content of `weights.bin`: float32, little-endian. */
  readonly weights: Uint8Array;
}

/** The part of a `model.json` that is written and read here. */
export interface LayersModelJson {
  readonly format: 'layers-model';
  readonly generatedBy: string;
  readonly modelTopology: {
    readonly keras_version: string;
    readonly backend: string;
    readonly model_config: { readonly class_name: string; readonly config: unknown };
  };
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly WeightEntry[];
  }[];
  /** What the model was made of, for its users. */
  readonly userDefinedMetadata?: Readonly<Record<string, unknown>>;
}

/** One array of the weights file. */
export interface WeightEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** One array and its name; collected, then laid out one after the other. */
export interface NamedWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A layer as Keras serialises it. */
export interface LayerConfig {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Writes an LSTM with its head as a Keras model: LSTM layers (gates i, f, c, o, which are i, f, g, o; the two biases summed
 * into Keras's one) and a Dense layer. Input [batch, step, input], any number of steps; output [batch, output].
 *
 * @example
 * const { modelJson, weights } = lstmToLayersModel(model);
 * writeFileSync('model.json', JSON.stringify(modelJson));
 * writeFileSync('weights.bin', weights);
 */
export function lstmToLayersModel(model: LstmModel): LayersModelFiles {
  const { inputSize, hiddenSize: H, layers, headBias } = model;
  const configs: LayerConfig[] = [inputLayer(null, inputSize)];
  const arrays: NamedWeight[] = [];
  let at = 0;
  const take = (length: number) => {
    at += length;
    return Float32Array.from(model.weights.subarray(at - length, at));
  };
  for (let layer = 0; layer < layers; layer++) {
    const name = `lstm_${layer}`;
    const inputs = layer === 0 ? inputSize : H;
    const kernel = transposed(take(4 * H * inputs), 4 * H, inputs);
    const recurrent = transposed(take(4 * H * H), 4 * H, H);
    const [biasIh, biasHh] = [take(4 * H), take(4 * H)];
    configs.push(lstmLayer(name, H, layer < layers - 1));
    const bias = biasIh.map((value, i) => value + biasHh[i]);
    arrays.push(...lstmWeights(name, inputs, H, { kernel, recurrent, bias }));
  }
  const outputs = headBias.length;
  configs.push(denseLayer('head', outputs, true));
  arrays.push(
    { name: 'head/kernel', shape: [H, outputs], values: transposed(Float32Array.from(model.headWeight), outputs, H) },
    { name: 'head/bias', shape: [outputs], values: Float32Array.from(headBias) },
  );
  return layersModel({ class_name: 'Sequential', config: { name: 'macrograd', layers: configs } }, arrays);
}

/** Puts a topology and its arrays into the two files. */
export function layersModel(
  config: { readonly class_name: string; readonly config: unknown },
  arrays: readonly NamedWeight[],
): LayersModelFiles {
  const all = new Float32Array(arrays.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const { name, shape, values } of arrays) {
    if (shape.reduce((a, b) => a * b, 1) !== values.length) {
      throw new ArgumentError(`"${name}" has ${values.length} values and shape [${shape.join(', ')}]`);
    }
    all.set(values, at);
    at += values.length;
  }
  const weights = arrays.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
  return {
    modelJson: {
      format: 'layers-model',
      generatedBy: 'macrograd',
      modelTopology: { keras_version: '2.1.6', backend: 'tensorflow', model_config: config },
      weightsManifest: [{ paths: ['weights.bin'], weights }],
    },
    weights: new Uint8Array(all.buffer),
  };
}

/** Where a model reads sequences; `steps` null = any number. */
export function inputLayer(steps: number | null, inputs: number, name = 'input'): LayerConfig {
  return {
    class_name: 'InputLayer',
    config: { batch_input_shape: [null, steps, inputs], dtype: 'float32', sparse: false, name },
  };
}

/** An LSTM layer with the activations of `torch.nn.LSTM`. */
export function lstmLayer(name: string, units: number, returnSequences: boolean): LayerConfig {
  return {
    class_name: 'LSTM',
    config: {
      name,
      units,
      activation: 'tanh',
      recurrent_activation: 'sigmoid',
      use_bias: true,
      unit_forget_bias: false,
      return_sequences: returnSequences,
      return_state: false,
      go_backwards: false,
      stateful: false,
      unroll: false,
      implementation: 2,
      trainable: true,
    },
  };
}

/** A linear layer. */
export function denseLayer(name: string, units: number, useBias: boolean): LayerConfig {
  return { class_name: 'Dense', config: { name, units, activation: 'linear', use_bias: useBias, trainable: true } };
}

/** Arrays of an LSTM layer in Keras's order. */
export function lstmWeights(
  name: string,
  inputs: number,
  units: number,
  {
    kernel,
    recurrent,
    bias,
  }: { readonly kernel: Float32Array; readonly recurrent: Float32Array; readonly bias: Float32Array },
): NamedWeight[] {
  return [
    { name: `${name}/kernel`, shape: [inputs, 4 * units], values: kernel },
    { name: `${name}/recurrent_kernel`, shape: [units, 4 * units], values: recurrent },
    { name: `${name}/bias`, shape: [4 * units], values: bias },
  ];
}

/** [rows][columns] -> [columns][rows]. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)]);
}
