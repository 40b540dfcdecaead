import { type ImportedHead, type ImportedLayer, type ImportedLstm, joinLayers, refuseImport } from './lstm.js';

/** A named array with its shape, as a safetensors file holds it. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

const LSTM_NAME = /^(.*?)(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)_l(\d+)(_reverse)?$/;

/**
 * Reads the state dict of a PyTorch module with one `torch.nn.LSTM` and at most one `torch.nn.Linear` behind it.
 * `file` names the source in messages.
 *
 * @throws InputError for anything else, by the name of the tensor: bidirectional or projected layers, further tensors
 * @example
 * const model = importStateDict(decodeSafetensors(readFileSync('model.safetensors'), 'model.safetensors'), 'model.safetensors');
 * const { jacobian } = await lstmJacobian(model, batch);
 */
export function importStateDict(tensors: ReadonlyMap<string, NamedTensor>, file: string): ImportedLstm {
  const layers: Partial<Record<string, NamedTensor>>[] = [];
  const rest = new Map<string, NamedTensor>();
  const prefixes = new Set<string>();
  for (const [name, tensor] of tensors) {
    const match = LSTM_NAME.exec(name);
    if (!match) {
      rest.set(name, tensor);
      continue;
    }
    const [, prefix, part, layer, reverse] = match;
    if (reverse) refuseImport(file, `tensor "${name}": a bidirectional LSTM`);
    if (part === 'weight_hr') refuseImport(file, `tensor "${name}": an LSTM with projections`);
    prefixes.add(prefix);
    layers[Number(layer)] ??= {};
    layers[Number(layer)][part] = tensor;
  }
  if (prefixes.size > 1) refuseImport(file, `has more than one LSTM: ${[...prefixes].join(', ')}`);
  const read = Array.from(layers, (parts, index) => layerOf(parts, index, file));
  return joinLayers(read, headOf(rest, read[0]?.hiddenSize ?? 0, file), file);
}

function layerOf(parts: Partial<Record<string, NamedTensor>> | undefined, index: number, file: string): ImportedLayer {
  const inputs = parts?.weight_ih;
  const states = parts?.weight_hh;
  if (inputs === undefined || states === undefined) refuseImport(file, `LSTM layer ${index} lacks its weights`);
  const [rows, inputSize] = inputs.shape;
  const hiddenSize = states.shape[1];
  if (rows !== 4 * hiddenSize)
    refuseImport(file, `LSTM layer ${index} has weights of ${rows} rows, not 4 x ${hiddenSize}`);
  const take = (tensor: NamedTensor | undefined, ...shape: number[]) => {
    if (tensor === undefined) return new Float32Array(shape[0]);
    if (tensor.shape.join() !== shape.join()) {
      refuseImport(
        file,
        `LSTM layer ${index} has a tensor of shape [${tensor.shape.join(', ')}], not [${shape.join(', ')}]`,
      );
    }
    return Float32Array.from(tensor.data);
  };
  return {
    inputSize,
    hiddenSize,
    weightIh: take(inputs, rows, inputSize),
    weightHh: take(states, rows, hiddenSize),
    biasIh: take(parts?.bias_ih, rows),
    biasHh: take(parts?.bias_hh, rows),
  };
}

function headOf(rest: ReadonlyMap<string, NamedTensor>, hiddenSize: number, file: string): ImportedHead | undefined {
  if (rest.size === 0) return undefined;
  const weight = [...rest].find(([name, { shape }]) => name.endsWith('weight') && shape.length === 2);
  const unused = [...rest.keys()].filter(
    (name) => name !== weight?.[0] && name !== weight?.[0].replace(/weight$/, 'bias'),
  );
  if (weight === undefined || unused.length > 0)
    refuseImport(file, `tensor "${unused[0]}" belongs to no LSTM or linear head`);
  const [name, { shape, data }] = weight;
  if (shape[1] !== hiddenSize)
    refuseImport(file, `tensor "${name}" takes ${shape[1]} inputs, and the LSTM gives ${hiddenSize}`);
  const bias = rest.get(name.replace(/weight$/, 'bias'));
  if (bias && bias.shape.join() !== String(shape[0]))
    refuseImport(file, `the bias of "${name}" does not have its length`);
  return { weight: Float32Array.from(data), bias: bias ? Float32Array.from(bias.data) : new Float32Array(shape[0]) };
}
