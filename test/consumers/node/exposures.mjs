/** Cumulative exposures from exposures.onnx in Node: `node exposures.mjs exposures.onnx window.csv`. */
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [model, csv] = process.argv.slice(2);
const rows = readFileSync(csv, 'utf8').trim().split('\n').slice(1);
const window = rows.map((row) =>
  row
    .split(',')
    .slice(1)
    .map((cell) => (cell === '' ? Number.NaN : Number(cell))),
);
const session = await InferenceSession.create(model);
// Places in the metadata's list of assets, which Node's interface does not show; docs/results.md names the table.
const assets = BigInt64Array.from([0, 1, 2], BigInt);
const outputs = await session.run({
  factors: new Tensor('float32', window.flat(), [1, window.length, window[0].length]),
  assets: new Tensor('int64', assets, [assets.length]),
});
const [, count, factors] = outputs.cumulative.dims;
for (let asset = 0; asset < count; asset++) {
  console.log(outputs.cumulative.data.slice(asset * factors, (asset + 1) * factors).join());
}
