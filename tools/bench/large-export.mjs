/**
 * Writes a model.onnx whose weights are larger than 2 GB, which no file of protocol buffers can hold, runs it in ONNX
 * Runtime and compares it with the kernel: `node tools/bench/large-export.mjs`. Takes 2.3 GB of disk, which it frees, and
 * 6 GB of memory. Two networks of 512 units with a head for each of 560,000 assets.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monthEndOfIndex } from '@macrograd/core';
import { lstmForward } from '@macrograd/kernel';
import { maxErrors, plainNetwork, runOnnx, writeModelOnnx } from '@macrograd/onnx';

const [MEMBERS, HIDDEN, ASSETS, FACTORS, LOOKBACK] = [2, 512, 560_000, 4, 3];
/** As of every export: float32 against float32 in another order of sums. */
const TOLERANCE = 1e-5;

/** Numbers spread over +-size / 2 by multiplicative hashing: drawn ones would take most of the time. */
function draw(length, size) {
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) out[i] = size * ((Math.imul(i + length, 0x9e3779b1) >>> 0) / 2 ** 32 - 0.5);
  return out;
}
const network = () => ({
  inputSize: FACTORS,
  hiddenSize: HIDDEN,
  layers: 1,
  weights: draw(4 * HIDDEN * (FACTORS + HIDDEN + 2), 0.1),
  headWeight: draw(ASSETS * HIDDEN, 0.1),
  headBias: draw(ASSETS, 0.1),
});
const members = Array.from({ length: MEMBERS }, network);
const parameters = { ...plainNetwork(members[0], LOOKBACK), members };
const factors = Array.from({ length: FACTORS }, (_, j) => ({
  name: `F${j}`,
  role: 'factor',
  unit: 'pp',
  transform: 'diff',
  releaseLag: 0,
  source: 'drawn',
}));
const info = {
  assets: Array.from({ length: ASSETS }, (_, i) => `A${i}`),
  factors,
  frequency: 'M',
  horizon: 0,
  trainingSpan: { start: '1960-01-31', end: '2022-09-30' },
  version: '0.1.0',
  configHash: '',
};
const input = draw(LOOKBACK * FACTORS, 4);
const inputs = {
  axis: { frequency: 'M', dates: Int32Array.from({ length: LOOKBACK }, (_, i) => monthEndOfIndex(i)) },
  factors,
  values: Float64Array.from(input),
};

const folder = mkdtempSync(join(tmpdir(), 'macrograd-large-'));
try {
  const files = writeModelOnnx(join(folder, 'model.onnx'), parameters, info);
  for (const file of files) console.log(`${file}: ${(statSync(file).size / 1e9).toFixed(3)} GB`);
  const { values } = await runOnnx(files[0], inputs, { start: LOOKBACK - 1, end: LOOKBACK });
  const expected = new Float64Array(ASSETS);
  for (const member of members) {
    const own = await lstmForward(member, { input, batchSize: 1, sequenceLength: LOOKBACK });
    own.forEach((value, asset) => {
      expected[asset] += value / MEMBERS;
    });
  }
  const { maxRelativeError, compared } = maxErrors(values, expected);
  console.log(`${compared} returns, largest difference ${maxRelativeError.toExponential(1)} of the largest`);
  if (!(maxRelativeError <= TOLERANCE) || files.length !== 2) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
