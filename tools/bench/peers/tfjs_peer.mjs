/** TensorFlow.js on WebAssembly: forward pass and training step. `--threads N [--quick]`, rows as work.py prints them. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { medianSeconds } from '../median.mjs';
import { filled, probe } from '../numbers.mjs';
import { full, quick } from '../workloads.mjs';

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'W1' },
    steps: { type: 'string' },
  },
});
const threads = Number(options.threads);
const { inputs, hidden, steps, batch } = (options.quick ? quick : full).pooled;
const REPEATS = 3;
const LEARNING_RATE = 1e-3;

// The package that declares TensorFlow.js as its dependency.
const require = createRequire(join(import.meta.dirname, '..', '..', '..', 'packages', 'tfjs', 'package.json'));
const [tf, layers, wasm] = ['core', 'layers', 'backend-wasm'].map((part) => require(`@tensorflow/tfjs-${part}`));
wasm.setThreadsCount(threads);
await tf.setBackend('wasm');
await tf.ready();

/** A [rows][columns] array as its transpose. */
function transposed(values, rows, columns) {
  return tf.tidy(() => tf.transpose(tf.tensor2d(values, [rows, columns])));
}

function model() {
  const network = layers.sequential();
  network.add(
    layers.layers.lstm({
      units: hidden,
      recurrentActivation: 'sigmoid',
      recurrentInitializer: 'zeros',
      inputShape: [steps, inputs],
    }),
  );
  network.add(layers.layers.dense({ units: 1 }));
  const sizes = [4 * hidden * inputs, 4 * hidden * hidden, 4 * hidden, 4 * hidden];
  const flat = filled(
    sizes.reduce((sum, size) => sum + size, 0),
    1 / Math.sqrt(hidden),
    1,
  );
  const [ih, hh, biasIh, biasHh] = sizes.map((size, i) => {
    const start = sizes.slice(0, i).reduce((sum, length) => sum + length, 0);
    return flat.subarray(start, start + size);
  });
  network.setWeights([
    transposed(ih, 4 * hidden, inputs),
    transposed(hh, 4 * hidden, hidden),
    tf.tensor1d(biasIh.map((b, i) => b + biasHh[i])),
    transposed(filled(hidden, 1, 2), 1, hidden),
    tf.tensor1d([0]),
  ]);
  return network;
}

const x = tf.tensor3d(filled(batch * steps * inputs, 1, 3), [batch, steps, inputs]);
const y = tf.tensor2d(filled(batch, 1, 4), [batch, 1]);

async function report(workload, values, run) {
  const seconds = await medianSeconds(run, options.quick ? 1 : REPEATS);
  console.log(JSON.stringify({ peer: 'TensorFlow.js, wasm', workload, threads, median_s: seconds, probe: values }));
}

if (options.only.split(',').includes('W1')) {
  const network = model();
  const forward = async () => {
    const out = network.predictOnBatch(x);
    const values = await out.data();
    out.dispose();
    return values;
  };
  await report('W1a forward', probe(await forward()), forward);
  network.compile({ optimizer: tf.train.adam(LEARNING_RATE), loss: 'meanSquaredError' });
  const train = () => network.trainOnBatch(x, y);
  // One bias where PyTorch has two: only the first loss is comparable.
  await report('W1b forward+backward+Adam', [await train()], train);
}
