/** Returns of all assets from tfjs/model.json in a page, for the window in window.csv. */
// docs
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';

setWasmPaths('./'); // where the back end's .wasm files lie
await tf.setBackend('wasm');
const model = await loadLayersModel('tfjs/model.json');
const { inputs, fill, lookback } = model.getUserDefinedMetadata();
const [names, ...rows] = (await (await fetch('window.csv')).text())
  .trim()
  .split('\n')
  .map((row) => row.split(','));
const read = (row, input, place) => {
  const cell = row[names.indexOf(input.replace(/ observed$/, ''))];
  if (place >= fill.length) return cell === '' ? 0 : 1;
  return cell === '' ? fill[place] : Number(cell);
};
const window = rows.slice(-lookback).flatMap((row) => inputs.map((input, place) => read(row, input, place)));
const returns = model.predict(tf.tensor3d(window, [1, lookback, inputs.length])); // [1, asset], decimal
// end
document.querySelector('#result').textContent = (await returns.data()).join('\n');
