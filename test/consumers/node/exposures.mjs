/** Cumulative exposures of three assets from out/onnx/exposures.onnx in Node, for the window in window.csv. */
// docs
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const rows = readFileSync('window.csv', 'utf8').trim().split('\n').slice(1);
const cell = (text) => (text === '' ? Number.NaN : Number(text));
const window = rows.map((row) => row.split(',').slice(1).map(cell));
const session = await InferenceSession.create('out/onnx/exposures.onnx');
const { cumulative } = await session.run({
  factors: new Tensor('float32', window.flat(), [1, window.length, window[0].length]),
  assets: new Tensor('int64', [0n, 1n, 2n], [3]), // places in the metadata's list, that of summary.parquet
});
// end
const [, count, factors] = cumulative.dims;
for (let asset = 0; asset < count; asset++) {
  console.log(cumulative.data.slice(asset * factors, (asset + 1) * factors).join());
}
