import { InputError } from '@macrograd/core';

/**
 * A stacked LSTM with a linear head as another program trained it, in the layout of `torch.nn.LSTM`: what
 * `@macrograd/kernel` takes as an `LstmModel`, so that its Jacobian can be had.
 */
export interface ImportedLstm {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  /** For each layer weight_ih [4H][F], weight_hh [4H][H], bias_ih [4H], bias_hh [4H]; gates i, f, g, o. */
  readonly weights: Float32Array;
  /** [output][hidden]; the identity where the model ends with the hidden state. */
  readonly headWeight: Float32Array;
  /** [output]. */
  readonly headBias: Float32Array;
}

/** One layer's arrays, gates i, f, g, o. */
export interface ImportedLayer {
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** [4H][F]. */
  readonly weightIh: Float32Array;
  /** [4H][H]. */
  readonly weightHh: Float32Array;
  readonly biasIh: Float32Array;
  readonly biasHh: Float32Array;
}

/** A head, [output][hidden] and [output]. */
export interface ImportedHead {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** Joins layers and head; refuses layers of different size and weights that are not finite. */
export function joinLayers(
  layers: readonly ImportedLayer[],
  head: ImportedHead | undefined,
  file: string,
): ImportedLstm {
  const first = layers[0];
  if (first === undefined) refuseImport(file, 'has no LSTM');
  const { hiddenSize, inputSize } = first;
  layers.forEach((layer, index) => {
    if (layer.hiddenSize !== hiddenSize) {
      refuseImport(file, `LSTM layers of ${hiddenSize} and ${layer.hiddenSize} units: all layers must have one size`);
    }
    if (index > 0 && layer.inputSize !== hiddenSize) {
      refuseImport(
        file,
        `LSTM layer ${index} takes ${layer.inputSize} inputs, and the one before it gives ${hiddenSize}`,
      );
    }
  });
  const parts = layers.flatMap(({ weightIh, weightHh, biasIh, biasHh }) => [weightIh, weightHh, biasIh, biasHh]);
  const weights = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    weights.set(part, at);
    at += part.length;
  }
  const { weight: headWeight, bias: headBias } = head ?? identityHead(hiddenSize);
  for (const [name, values] of Object.entries({
    'LSTM weights': weights,
    'head weights': headWeight,
    'head bias': headBias,
  })) {
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) refuseImport(file, `the ${name} hold ${values[bad]} at index ${bad}`);
  }
  return { inputSize, hiddenSize, layers: layers.length, weights, headWeight, headBias };
}

/** Throws: a model that can't be imported, in words. */
export function refuseImport(file: string, problem: string): never {
  throw new InputError(problem, {
    place: { file },
    remedy: 'only unidirectional LSTM layers from a zero state, read at the last step, and a linear head are imported',
  });
}

function identityHead(size: number): ImportedHead {
  const weight = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  return { weight, bias: new Float32Array(size) };
}
