/**
 * Times the LSTM kernel through @macrograd/kernel, as users call it: `node tools/bench/run.mjs [--json]`.
 *
 * Workloads (float32, F 12, H 64, L 24, batch 4096, one layer, one output): W1a forward; W1b forward, backward and Adam
 * step; W1c forward and Jacobian of the output with respect to all inputs. FLOPs count matrix products alone
 * (2 a multiply-add), not activations; the peak is measured in the same run, so their ratio means something on any
 * machine. The median of the repeats is shown, after one run to warm up.
 */
import { activeIsa, lstmForward, lstmJacobian, lstmTrain, measurePeak } from '@macrograd/kernel';
import { medianSeconds } from './median.mjs';

const INPUTS = 12;
const HIDDEN = 64;
const STEPS = 24;
const BATCH = 4096;
const REPEATS = 7;
/** Training steps a timing, so that the call's own set-up does not count as a step. */
const TRAIN_STEPS = 3;

const GATES = 4;
const product = 2 * GATES * HIDDEN * STEPS * BATCH;
/** Forward: all of [x | h]. */
const forwardFlops = product * (INPUTS + HIDDEN);
/** Training adds the cotangents of h (not of x) and the weights' gradient. */
const trainFlops = forwardFlops + product * HIDDEN + forwardFlops;
/** The Jacobian adds the cotangents of h and x. */
const jacobianFlops = 2 * forwardFlops;

/** Numbers on [-scale, scale), the same on every run. */
function filled(length, scale) {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}

function model() {
  return {
    inputSize: INPUTS,
    hiddenSize: HIDDEN,
    layers: 1,
    weights: filled(GATES * HIDDEN * (INPUTS + HIDDEN + 2), 1 / Math.sqrt(HIDDEN)),
    headWeight: filled(HIDDEN, 1),
    headBias: new Float32Array(1),
  };
}

async function rows(threads) {
  const network = model();
  const batch = { input: filled(BATCH * STEPS * INPUTS, 1), batchSize: BATCH, sequenceLength: STEPS };
  const targets = filled(BATCH, 1);
  const out = new Float32Array(BATCH);
  const jacobian = new Float32Array(batch.input.length);
  const options = { threads, borrow: true };
  const training = { threads, seed: 1, epochs: TRAIN_STEPS, batchSize: BATCH };
  const workloads = [
    ['W1a forward', forwardFlops, 1, () => lstmForward(network, batch, { ...options, out })],
    ['W1b forward+backward+Adam', trainFlops, TRAIN_STEPS, () => lstmTrain(network, batch, targets, training)],
    ['W1c forward+Jacobian', jacobianFlops, 1, () => lstmJacobian(network, batch, { ...options, out: jacobian })],
  ];
  const peak = await measurePeak(threads);
  const result = [];
  for (const [workload, flops, calls, work] of workloads) {
    const seconds = (await medianSeconds(work, REPEATS)) / calls;
    const gflops = (flops / seconds) * 1e-9;
    result.push({
      workload,
      shape: `F${INPUTS} H${HIDDEN} L${STEPS} B${BATCH}`,
      threads,
      isa: activeIsa(),
      median_s: seconds,
      gflops,
      peak_gflops: peak,
      percent_of_peak: (100 * gflops) / peak,
    });
  }
  return result;
}

const json = process.argv.includes('--json');
if (!json) console.log(`${'workload'.padEnd(28)}${'threads isa    median ms   GFLOP/s   peak   % of peak'}`);
for (const threads of [1, 2]) {
  for (const row of await rows(threads)) {
    const columns = [
      row.workload.padEnd(28),
      String(row.threads).padEnd(8),
      row.isa.padEnd(7),
      (row.median_s * 1e3).toFixed(1).padStart(9),
      row.gflops.toFixed(1).padStart(10),
      row.peak_gflops.toFixed(0).padStart(7),
      row.percent_of_peak.toFixed(0).padStart(12),
    ];
    console.log(json ? JSON.stringify(row) : columns.join(''));
  }
}
