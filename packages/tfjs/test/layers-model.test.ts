import { InputError } from '@macrograd/core';
import { lstmForward } from '@macrograd/kernel';
import * as tf from '@tensorflow/tfjs-core';
import { layers as kerasLayers, loadLayersModel, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { loadTfjs, lstmFromLayersModel, lstmToLayersModel } from '../src/index.js';
import { batch, largestError, model } from './network.js';

await loadTfjs('wasm');

// Both in float32, through 12 steps of two layers.
const PARITY = 1e-5;

/** A model as TensorFlow.js saves it. */
async function saved(network: ReturnType<typeof sequential>) {
  let json: unknown;
  let weights = new Uint8Array(0);
  await network.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      json = { modelTopology, weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }] };
      weights = new Uint8Array(weightData as ArrayBuffer);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return { json, weights };
}

const input = () => tf.tensor3d(batch.input, [batch.batchSize, batch.sequenceLength, model.inputSize]);

describe('a layers model', () => {
  it('gives in TensorFlow.js what the kernel gives', async () => {
    const { modelJson, weights } = lstmToLayersModel(model);
    const loaded = await loadLayersModel(
      tf.io.fromMemory({
        modelTopology: modelJson.modelTopology,
        weightSpecs: modelJson.weightsManifest[0].weights as tf.io.WeightsManifestEntry[],
        weightData: weights.buffer as ArrayBuffer,
      }),
    );
    const outputs = await (loaded.predict(input()) as tf.Tensor).data();
    expect(largestError(outputs as Float32Array, await lstmForward(model, batch))).toBeLessThan(PARITY);
  });

  it('that was exported is imported with the same outputs', async () => {
    const { modelJson, weights } = lstmToLayersModel(model);
    const back = lstmFromLayersModel(JSON.parse(JSON.stringify(modelJson)), weights, 'model.json');
    expect(back).toMatchObject({ inputSize: 3, hiddenSize: 7, layers: 2 });
    expect(largestError(await lstmForward(back, batch), await lstmForward(model, batch))).toBeLessThan(PARITY);
  });

  it('that TensorFlow.js made and saved gives in the kernel what it gives there', async () => {
    // The default one needs operations that the core's bundle for Node leaves out.
    const recurrentInitializer = 'glorotUniform';
    const network = sequential({
      layers: [
        kerasLayers.lstm({
          units: 6,
          returnSequences: true,
          recurrentActivation: 'sigmoid',
          recurrentInitializer,
          inputShape: [12, 3],
        }),
        kerasLayers.dropout({ rate: 0.2 }),
        kerasLayers.lstm({ units: 6, recurrentActivation: 'sigmoid', recurrentInitializer, useBias: false }),
        kerasLayers.dense({ units: 4 }),
      ],
    });
    const { json, weights } = await saved(network);
    const own = lstmFromLayersModel(json, weights, 'model.json');
    const outputs = await (network.predict(input()) as tf.Tensor).data();
    expect(largestError(await lstmForward(own, batch), outputs as Float32Array)).toBeLessThan(PARITY);
  });
});

describe('a layers model is refused by the name of its layer', () => {
  const { modelJson, weights } = lstmToLayersModel(model);
  type Layers = { class_name: string; config: Record<string, unknown> }[];
  const edited = (edit: (layers: Layers, json: typeof modelJson) => void, bytes = weights) => {
    const json = structuredClone(modelJson);
    edit((json.modelTopology.model_config.config as { layers: Layers }).layers, json);
    return () => lstmFromLayersModel(json, bytes, 'model.json');
  };
  const broken = weights.slice();
  new Float32Array(broken.buffer)[5] = Number.NaN;

  it.each<[string, () => unknown, RegExp]>([
    ['a GRU', edited((layers) => Object.assign(layers[1], { class_name: 'GRU' })), /"lstm_0" is of the kind GRU/],
    [
      'the hard sigmoid that is the default of old versions',
      edited((layers) => Object.assign(layers[2].config, { recurrent_activation: 'hard_sigmoid' })),
      /"lstm_1" has recurrent_activation "hard_sigmoid", not "sigmoid"/,
    ],
    [
      'backwards',
      edited((layers) => Object.assign(layers[1].config, { go_backwards: true })),
      /"lstm_0" has go_backwards true/,
    ],
    [
      'all steps',
      edited((layers) => Object.assign(layers[2].config, { return_sequences: true })),
      /"lstm_1" gives all steps/,
    ],
    [
      'a head with a bend',
      edited((layers) => Object.assign(layers[3].config, { activation: 'relu' })),
      /"head" has activation "relu"/,
    ],
    ['truncated weights', edited(() => {}, weights.subarray(4)), /has weights of \d+ bytes, and its manifest says \d+/],
    ['weights that are not finite', edited(() => {}, broken), /"lstm_0\/kernel" holds NaN at index 5/],
    ['something else', () => lstmFromLayersModel({ layers: [] }, weights, 'x.json'), /x\.json: is not the model\.json/],
  ])('%s', (_, read, words) => {
    expect(read).toThrow(InputError);
    expect(read).toThrow(words);
  });
});
