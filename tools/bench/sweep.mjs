/**
 * Cost per FLOP over sizes: `npm run bench -- --sweep [--json] [--quick]`. One size varies at a time around F 12, H 64, L 24,
 * B 4096, one layer; a point that costs more than twice as much per FLOP as the cheaper of its neighbours is a cliff.
 */
import { lstmForward, lstmJacobian } from '@macrograd/kernel';
import { medianSeconds } from './median.mjs';
import { filled } from './numbers.mjs';

const base = { inputs: 12, hidden: 64, steps: 24, batch: 4096, layers: 1 };
const grids = {
  hidden: [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256],
  inputs: [1, 2, 4, 8, 12, 16, 24, 32, 48, 64],
  steps: [1, 2, 4, 8, 12, 24, 36, 60, 120],
  batch: [1, 2, 4, 8, 16, 33, 64, 128, 256, 512, 1024, 4096, 16_384, 65_536],
  layers: [1, 2, 3],
};
const quickGrids = { hidden: [8, 64], inputs: [1, 12], steps: [1, 24], batch: [16, 384], layers: [1, 2] };
/** Most FLOPs of a timing: large points take a smaller batch, where the batch itself is not what varies. */
const MAX_FLOPS = 4e9;
/** Least seconds of a timing: small points are repeated, so that the call's own cost is seen and not its jitter. */
const MIN_SECONDS = 5e-3;
const CLIFF = 2;
const REPEATS = 5;

function flopsOf({ inputs, hidden, steps, batch, layers }) {
  return 2 * 4 * hidden * steps * batch * (inputs + hidden + (layers - 1) * 2 * hidden);
}

function setUp(sizes) {
  const { inputs, hidden, steps, batch, layers } = sizes;
  const parameters = 4 * hidden * (inputs + hidden + 2) + (layers - 1) * 4 * hidden * (2 * hidden + 2);
  const model = {
    inputSize: inputs,
    hiddenSize: hidden,
    layers,
    weights: filled(parameters, 1 / Math.sqrt(hidden), 1),
    headWeight: filled(hidden, 1, 2),
    headBias: new Float32Array(1),
  };
  const windows = { input: filled(batch * steps * inputs, 1, 3), batchSize: batch, sequenceLength: steps };
  return { model, windows, out: new Float32Array(windows.input.length) };
}

async function nanosecondsPerFlop(kind, sizes, quick) {
  const { model, windows, out } = setUp(sizes);
  const options = { threads: 1, borrow: true };
  const call =
    kind === 'forward'
      ? () => lstmForward(model, windows, { ...options, out: out.subarray(0, sizes.batch) })
      : () => lstmJacobian(model, windows, { ...options, out });
  const flops = flopsOf(sizes) * (kind === 'forward' ? 1 : 2);
  const first = await medianSeconds(call, 1, undefined, 0);
  const calls = quick ? 1 : Math.max(1, Math.ceil(MIN_SECONDS / first));
  const work = async () => {
    for (let i = 0; i < calls; i++) await call();
  };
  return (1e9 * (await medianSeconds(work, quick ? 1 : REPEATS, undefined, 0))) / calls / flops;
}

/** Cliffs are told by neighbours: what a point costs over the cheaper of them. */
function ratios(costs) {
  return costs.map((cost, i) => {
    const neighbours = [costs[i - 1], costs[i + 1]].filter((other) => other !== undefined);
    return cost / Math.min(...neighbours);
  });
}

/** Points of all grids: { kind, size, value, ns_per_flop, over_neighbour, cliff }. */
export async function* sweep(quick) {
  for (const kind of ['forward', 'jacobian']) {
    for (const [size, values] of Object.entries(quick ? quickGrids : grids)) {
      const costs = [];
      for (const value of values) {
        const sizes = { ...base, ...(quick && { batch: 128 }), [size]: value };
        const share = MAX_FLOPS / flopsOf(sizes);
        if (share < 1 && size !== 'batch') sizes.batch = Math.max(1, Math.floor(sizes.batch * share));
        costs.push(await nanosecondsPerFlop(kind, sizes, quick));
      }
      const over = ratios(costs);
      for (const [i, value] of values.entries()) {
        yield { kind, size, value, ns_per_flop: costs[i], over_neighbour: over[i], cliff: over[i] > CLIFF };
      }
    }
  }
}
