/**
 * The workloads of the LSTM kernel, float32, as users call it through @macrograd/kernel. FLOPs count matrix products alone
 * (2 a multiply-add), not activations.
 *
 * - W1, pooled, one layer, one output: W1a forward; W1b forward, backward and Adam step; W1c forward and Jacobian.
 * - W2, one encoder, a head for every asset: every derivative of every asset at every date, into a buffer that is reused.
 * - W3, a network for every asset: W3t trains all of them, W3j takes their Jacobians.
 * - W6, second derivatives of a pooled model: all of them, those of one pair of places, the gradient of a penalty on the
 *   Jacobian. FLOPs are not counted: passes on dual numbers do more than products.
 */
import {
  lstmCrossPartials,
  lstmExposures,
  lstmForward,
  lstmHessian,
  lstmHiddenColumns,
  lstmJacobian,
  lstmJacobianEach,
  lstmJacobianPenalty,
  lstmTrain,
  lstmTrainEach,
} from '@macrograd/kernel';
import { filled } from './numbers.mjs';

const GATES = 4;
/** Training steps a timing of W1b, so that the call's own set-up does not count as a step. */
const TRAIN_STEPS = 3;

/** Sizes of the published figures, and of `--quick`. */
export const full = {
  pooled: { inputs: 12, hidden: 64, steps: 24, batch: 4096 },
  shared: { inputs: 12, hidden: 64, steps: 24, dates: 240, assets: 2000 },
  networks: { inputs: 8, hidden: 16, steps: 12, windows: 200, networks: 1000, epochs: 20 },
  second: { inputs: 6, hidden: 16, steps: 12, batch: 240 },
};
export const quick = {
  pooled: { ...full.pooled, batch: 384 },
  shared: { ...full.shared, dates: 24, assets: 200 },
  networks: { ...full.networks, networks: 20, epochs: 2 },
  second: { ...full.second, batch: 16 },
};

/** FLOPs of one window: the gates' product over [x | h], and over h alone. */
function windowFlops({ inputs, hidden, steps }) {
  const product = 2 * GATES * hidden * steps;
  return { forward: product * (inputs + hidden), hidden: product * hidden };
}

function parameterCount({ inputs, hidden }) {
  return GATES * hidden * (inputs + hidden + 2);
}

function model(sizes, outputs) {
  return {
    inputSize: sizes.inputs,
    hiddenSize: sizes.hidden,
    layers: 1,
    weights: filled(parameterCount(sizes), 1 / Math.sqrt(sizes.hidden), 1),
    headWeight: filled(outputs * sizes.hidden, 1, 2),
    headBias: new Float32Array(outputs),
  };
}

/** W1; one `run` is `calls` times the work (1 where absent) that `flops` counts, `result` is what the last run gave. */
export function pooled(sizes, threads) {
  const { inputs, hidden, steps, batch } = sizes;
  const network = model(sizes, 1);
  const windows = { input: filled(batch * steps * inputs, 1, 3), batchSize: batch, sequenceLength: steps };
  const targets = filled(batch, 1, 4);
  const out = new Float32Array(batch);
  const jacobian = new Float32Array(windows.input.length);
  const options = { threads, borrow: true };
  const training = { threads, seed: 1, epochs: TRAIN_STEPS, batchSize: batch, clipNorm: Number.POSITIVE_INFINITY };
  const { forward, hidden: ofHidden } = windowFlops(sizes);
  const shape = `F${inputs} H${hidden} L${steps} B${batch}`;
  let losses = [];
  return [
    {
      workload: 'W1a forward',
      shape,
      flops: batch * forward,
      run: () => lstmForward(network, windows, { ...options, out }),
      result: () => out,
    },
    {
      workload: 'W1b forward+backward+Adam',
      shape,
      // The cotangents of h (not of x), and the weights' gradient.
      flops: batch * (2 * forward + ofHidden),
      calls: TRAIN_STEPS,
      run: async () => {
        losses = (await lstmTrain(network, windows, targets, training)).trainingLoss;
      },
      result: () => losses,
    },
    {
      workload: 'W1c forward+Jacobian',
      shape,
      // The cotangents of h and x.
      flops: batch * 2 * forward,
      run: () => lstmJacobian(network, windows, { ...options, out: jacobian }),
      result: () => jacobian,
    },
  ];
}

/** W2, as {@link pooled}. */
export function shared(sizes, threads) {
  const { inputs, hidden, steps, dates, assets } = sizes;
  const encoder = model(sizes, 1);
  const windows = { input: filled(dates * steps * inputs, 1, 3), batchSize: dates, sequenceLength: steps };
  const heads = filled(assets * hidden, 1, 2);
  const columns = steps * inputs;
  const options = { threads, borrow: true };
  const jacobian = new Float32Array(dates * hidden * columns);
  const out = new Float32Array(dates * assets * columns);
  const { forward } = windowFlops(sizes);
  return [
    {
      workload: 'W2 shared encoder',
      shape: `F${inputs} H${hidden} L${steps} T${dates} N${assets}`,
      flops: dates * (forward + hidden * forward + 2 * assets * hidden * columns),
      run: async () => {
        await lstmHiddenColumns(encoder, windows, { ...options, out: jacobian });
        await lstmExposures({ dates, hiddenSize: hidden, columns }, jacobian, heads, { ...options, out });
      },
      result: () => out,
    },
  ];
}

/** W3, as {@link pooled}. */
export function networks(sizes, threads) {
  const { inputs, hidden, steps, windows, networks: count, epochs } = sizes;
  const all = {
    inputSize: inputs,
    hiddenSize: hidden,
    layers: 1,
    outputs: 1,
    weights: filled(count * parameterCount(sizes), 1 / Math.sqrt(hidden), 1),
    headWeight: filled(count * hidden, 1, 2),
    headBias: new Float32Array(count),
  };
  const batchSizes = new Array(count).fill(windows);
  const batches = { input: filled(count * windows * steps * inputs, 1, 3), batchSizes, sequenceLength: steps };
  const targets = filled(count * windows, 1, 4);
  const jacobian = new Float32Array(batches.input.length);
  const training = { threads, seed: 1, epochs, batchSize: windows, clipNorm: Number.POSITIVE_INFINITY };
  const { forward, hidden: ofHidden } = windowFlops(sizes);
  const shape = `N${count} F${inputs} H${hidden} L${steps} B${windows}`;
  let losses = [];
  return [
    {
      workload: 'W3t networks, training',
      shape: `${shape} E${epochs}`,
      flops: count * windows * epochs * (2 * forward + ofHidden),
      run: async () => {
        losses = (await lstmTrainEach(all, batches, targets, training)).trainingLoss;
      },
      result: () => losses,
    },
    {
      workload: 'W3j networks, Jacobian',
      shape,
      flops: count * windows * 2 * forward,
      run: () => lstmJacobianEach(all, batches, { threads, borrow: true, out: jacobian }),
      result: () => jacobian,
    },
  ];
}

/** W6. */
export function second(sizes, threads) {
  const { inputs, hidden, steps, batch } = sizes;
  const network = model(sizes, 1);
  const windows = { input: filled(batch * steps * inputs, 1, 3), batchSize: batch, sequenceLength: steps };
  const options = { threads, borrow: true };
  const width = steps * inputs;
  const [all, chosen] = [new Float32Array(batch * width * width), new Float32Array(batch)];
  const last = (input) => ({ step: steps - 1, input });
  const shape = `F${inputs} H${hidden} L${steps} B${batch}`;
  return [
    { workload: 'W6 all cross-partials', shape, run: () => lstmHessian(network, windows, { ...options, out: all }) },
    {
      workload: 'W6 one pair',
      shape,
      run: () => lstmCrossPartials(network, windows, [[last(0), last(1)]], { ...options, out: chosen }),
    },
    {
      workload: 'W6 penalty and its gradient',
      shape,
      run: () => lstmJacobianPenalty(network, windows, 'variation', options),
    },
    {
      workload: 'W6 Jacobian, beside them',
      shape,
      run: () => lstmJacobian(network, windows, { ...options, out: all.subarray(0, batch * width) }),
    },
  ];
}
