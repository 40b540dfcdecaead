import type * as tfjs from '@tensorflow/tfjs-core';
import { loadTf } from './backend.js';
import type { LayersModelFiles } from './layers-model.js';

/**
 * Runs a layers model in TensorFlow.js on WebAssembly: windows [batch][step][input] -> outputs [batch][output].
 *
 * @example
 * await runLayersModel(ensembleToLayersModel(parameters, info), windows, [12, 36, 8]);
 */
export async function runLayersModel(
  { modelJson, weights }: LayersModelFiles,
  windows: Float32Array,
  shape: readonly [number, number, number],
): Promise<Float32Array> {
  const tf = await loadTf();
  const { loadLayersModel } = await import('@tensorflow/tfjs-layers');
  const model = await loadLayersModel(
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
