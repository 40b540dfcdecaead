/** The kernel as WebAssembly in a page: an example, and PyTorch's cases of golden.txt. */
// docs
import { loadKernel, lstmJacobian } from '@macrograd/kernel';

await loadKernel('macrograd.wasm'); // of @macrograd/kernel-wasm, served beside the page
const [inputSize, hiddenSize, batchSize, sequenceLength] = [2, 3, 4, 5];
const model = {
  inputSize,
  hiddenSize,
  layers: 1,
  weights: new Float32Array(4 * hiddenSize * (inputSize + hiddenSize + 2)).fill(0.1),
  headWeight: new Float32Array(hiddenSize).fill(1),
  headBias: new Float32Array(1),
};
const input = new Float32Array(batchSize * sequenceLength * inputSize).fill(0.5);
const { jacobian } = await lstmJacobian(model, { input, batchSize, sequenceLength }); // [batch][output][step][input]

// end
import { F32_BOUND, F64_BOUND, goldenErrors, parseGolden } from '../../../packages/kernel/test/lstmGolden.ts';

const show = (lines) => {
  document.querySelector('#result').textContent = lines.join('\n');
};
try {
  if (!jacobian.every((x) => x > 0)) throw new Error('positive weights have positive derivatives');
  const lines = [];
  for (const golden of parseGolden(await (await fetch('golden.txt')).text()).filter(({ gain }) => gain === 1)) {
    for (const [kind, bound] of [
      [Float32Array, F32_BOUND],
      [Float64Array, F64_BOUND],
    ]) {
      for (const { name, error } of await goldenErrors(kind, golden)) {
        lines.push(`case ${golden.seed} ${kind.name} ${name},${error},${bound}`);
      }
    }
  }
  show(lines);
} catch (error) {
  show([String(error)]);
}
