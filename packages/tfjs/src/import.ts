import { InputError } from '@macrograd/core';
import type { LstmModel } from '@macrograd/kernel';
import { type LayerConfig, transposed, type WeightEntry } from './layers-model.js';

type Settings = Readonly<Record<string, unknown>>;
type Arrays = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;

/** Settings of an LSTM layer that change what it computes, and the only value that the kernel computes. */
const LSTM_SETTINGS: Settings = {
  activation: 'tanh',
  recurrent_activation: 'sigmoid',
  go_backwards: false,
  stateful: false,
  return_state: false,
};

/**
 * Reads a Keras model that TensorFlow.js saved (`model.json` parsed, and the bytes of its weights files one after the
 * other): LSTM layers and a linear Dense layer in a row. `file` names the source in messages.
 *
 * @throws InputError for anything else, by the name of the layer: other layers, activations, settings or weights
 * @example
 * const model = lstmFromLayersModel(JSON.parse(readFileSync('model.json', 'utf8')), readFileSync('weights.bin'), 'model.json');
 * const { jacobian } = await lstmJacobian(model, batch);
 */
export function lstmFromLayersModel(modelJson: unknown, weights: Uint8Array, file: string): LstmModel<Float32Array> {
  const { layers, entries } = readTopology(modelJson, file);
  const arrays = readArrays(entries, weights, file);
  const kept = layers.filter(({ class_name: kind }) => kind !== 'InputLayer' && kind !== 'Dropout');
  const head = kept.at(-1)?.class_name === 'Dense' ? kept.pop() : undefined;
  if (kept.length === 0) refuse(file, 'has no LSTM layer');
  const parts: Float32Array[] = [];
  let [inputSize, units] = [0, 0];
  kept.forEach((layer, index) => {
    const own = readLstm(layer, arrays, index < kept.length - 1, file);
    if (index === 0) [inputSize, units] = [own.inputs, own.units];
    if (own.units !== units) refuse(file, `layer "${nameOf(layer)}" has ${own.units} units, and the first ${units}`);
    parts.push(own.weightIh, own.weightHh, own.bias, new Float32Array(own.bias.length));
  });
  const flat = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    flat.set(part, at);
    at += part.length;
  }
  return { inputSize, hiddenSize: units, layers: kept.length, weights: flat, ...readHead(head, arrays, units, file) };
}

function readTopology(modelJson: unknown, file: string): { layers: LayerConfig[]; entries: readonly WeightEntry[] } {
  const json = modelJson as {
    modelTopology?: { model_config?: { config?: unknown }; config?: unknown };
    weightsManifest?: readonly { weights: readonly WeightEntry[] }[];
  } | null;
  const topology = json?.modelTopology?.model_config ?? json?.modelTopology;
  const config = topology?.config as { layers?: LayerConfig[] } | LayerConfig[] | undefined;
  const layers = Array.isArray(config) ? config : config?.layers;
  if (!Array.isArray(layers) || !Array.isArray(json?.weightsManifest))
    refuse(file, 'is not the model.json of a layers model');
  return { layers, entries: json.weightsManifest.flatMap((group) => group.weights) };
}

function readArrays(entries: readonly WeightEntry[], bytes: Uint8Array, file: string): Arrays {
  const wanted = entries.reduce((sum, { shape }) => sum + 4 * size(shape), 0);
  if (bytes.length !== wanted) refuse(file, `has weights of ${bytes.length} bytes, and its manifest says ${wanted}`);
  // A copy of its own, since the bytes may start anywhere in a larger buffer.
  const { buffer } = new Uint8Array(bytes);
  let at = 0;
  return new Map(
    entries.map(({ name, shape, dtype }) => {
      if (dtype !== 'float32') refuse(file, `weight "${name}" has type ${dtype}, not float32`);
      const values = new Float32Array(buffer, 4 * at, size(shape));
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) refuse(file, `weight "${name}" holds ${values[bad]} at index ${bad}`);
      at += values.length;
      return [name, { shape, values }];
    }),
  );
}

function readLstm(layer: LayerConfig, arrays: Arrays, before: boolean, file: string) {
  const name = nameOf(layer);
  const { class_name: kind, config } = layer;
  if (kind !== 'LSTM') refuse(file, `layer "${name}" is of the kind ${kind}`);
  for (const [setting, wanted] of Object.entries(LSTM_SETTINGS)) {
    const value = config[setting] ?? wanted;
    if (value !== wanted)
      refuse(file, `layer "${name}" has ${setting} ${JSON.stringify(value)}, not ${JSON.stringify(wanted)}`);
  }
  if ((config.return_sequences ?? false) !== before) {
    refuse(
      file,
      `layer "${name}" ${before ? 'gives its last state to the next layer' : 'gives all steps to the head'}`,
    );
  }
  const kernel = weightOf(arrays, name, 'kernel', file);
  const recurrent = weightOf(arrays, name, 'recurrent_kernel', file);
  const [inputs, rows] = kernel.shape;
  const units = rows / 4;
  if (recurrent.shape.join() !== [units, rows].join())
    refuse(file, `layer "${name}" has recurrent weights of another size`);
  const bias = config.use_bias === false ? new Float32Array(rows) : weightOf(arrays, name, 'bias', file).values;
  return {
    inputs,
    units,
    weightIh: transposed(kernel.values, inputs, rows),
    weightHh: transposed(recurrent.values, units, rows),
    bias,
  };
}

function readHead(layer: LayerConfig | undefined, arrays: Arrays, units: number, file: string) {
  if (layer === undefined) {
    const headWeight = Float32Array.from({ length: units * units }, (_, i) => (i % (units + 1) === 0 ? 1 : 0));
    return { headWeight, headBias: new Float32Array(units) };
  }
  const name = nameOf(layer);
  if ((layer.config.activation ?? 'linear') !== 'linear') {
    refuse(file, `layer "${name}" has activation ${JSON.stringify(layer.config.activation)}, not "linear"`);
  }
  const kernel = weightOf(arrays, name, 'kernel', file);
  const [inputs, outputs] = kernel.shape;
  if (inputs !== units) refuse(file, `layer "${name}" takes ${inputs} inputs, and the LSTM gives ${units}`);
  const headBias =
    layer.config.use_bias === false ? new Float32Array(outputs) : weightOf(arrays, name, 'bias', file).values;
  return { headWeight: transposed(kernel.values, inputs, outputs), headBias };
}

/** Keras names weights `<layer>/<weight>`, with cells and scopes in between in some versions. */
function weightOf(arrays: Arrays, layer: string, weight: string, file: string) {
  const found = [...arrays].find(
    ([name]) => name.split('/').includes(layer) && name.split('/').at(-1)?.split(':')[0] === weight,
  );
  if (found === undefined) refuse(file, `has no weight "${layer}/${weight}"`);
  return found[1];
}

function nameOf({ config }: LayerConfig): string {
  return String(config.name);
}

function size(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function refuse(file: string, problem: string): never {
  throw new InputError(problem, {
    place: { file },
    remedy: 'only LSTM layers from a zero state, read at the last step, and a linear Dense layer are imported',
  });
}
