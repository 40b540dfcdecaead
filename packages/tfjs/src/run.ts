import type * as tfjs from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadNode, loadTf, type TfjsKind } from './backend.js';
import type { LayersModelFiles } from './layers-model.js';
import type { Tf } from './network.js';

/** TensorFlow.js with what reads layers models: one package on Node, one of several elsewhere. */
type TfWithLayers = Tf & { readonly loadLayersModel: (source: tfjs.io.IOHandler) => Promise<LayersModel> };

/**
 * Runs a layers model in TensorFlow.js: windows [batch][step][input] -> outputs [batch][output]. On WebAssembly, or by
 * `@tensorflow/tfjs-node` where that is asked for.
 *
 * @throws InputError when `node` is asked for and `@tensorflow/tfjs-node` is not installed or does not load here
 * @example
 * await runLayersModel(ensembleToLayersModel(parameters, info), windows, [12, 36, 8]);
 */
export async function runLayersModel(
  { modelJson, weights }: LayersModelFiles,
  windows: Float32Array,
  shape: readonly [number, number, number],
  kind: TfjsKind = 'wasm',
): Promise<Float32Array> {
  const tf = await (kind === 'node' ? (loadNode() as Promise<TfWithLayers>) : loadWithLayers());
  const model = await tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: modelJson.modelTopology,
      weightSpecs: modelJson.weightsManifest.flatMap((group) => group.weights) as tfjs.io.WeightsManifestEntry[],
      weightData: new Uint8Array(weights).buffer,
    }),
  );
  const input = tf.tensor3d(windows, [...shape]);
  const output = model.predict(input) as tfjs.Tensor;
  try {
    return Float32Array.from(await output.data());
  } finally {
    tf.dispose([input, output]);
    model.dispose();
  }
}

async function loadWithLayers(): Promise<TfWithLayers> {
  const tf = await loadTf();
  const { loadLayersModel } = await import('@tensorflow/tfjs-layers');
  return { ...tf, loadLayersModel };
}
