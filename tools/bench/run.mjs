/**
 * Times the kernel as users call it: `npm run bench -- [--json] [--quick] [--threads 1,2] [--only W1,W5] [--probes] [--sweep]`.
 *
 * What the workloads are stands in workloads.mjs, linear.mjs and closedForm.mjs. The median of the repeats is shown, after runs to
 * warm up; the peak is measured in the same run, so that their ratio means something on any machine. `--quick` takes sizes
 * that say that everything runs, and nothing about speed; `--probes` adds values of each result, which `npm run bench:peers`
 * compares with other programs'; `--sweep` goes over sizes instead (sweep.mjs).
 */
import { parseArgs } from 'node:util';
import { activeIsa, measurePeak } from '@macrograd/kernel';
import { closedForm } from './closedForm.mjs';
import { linear } from './linear.mjs';
import { medianSeconds } from './median.mjs';
import { probe } from './numbers.mjs';
import { sweep } from './sweep.mjs';
import * as workloads from './workloads.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    sweep: { type: 'boolean', default: false },
    probes: { type: 'boolean', default: false },
    threads: { type: 'string', default: '1,2' },
    only: { type: 'string', default: 'W1,W2,W3,W4,W5,W6' },
  },
});
const sizes = options.quick ? workloads.quick : workloads.full;

/** Groups by name: their workloads at a number of threads, and how often each is timed. */
const groups = {
  W1: { of: (threads) => workloads.pooled(sizes.pooled, threads), repeats: 7 },
  W2: { of: (threads) => workloads.shared(sizes.shared, threads), repeats: 5 },
  W3: { of: (threads) => workloads.networks(sizes.networks, threads), repeats: 3 },
  W4: { of: (threads) => linear(threads, options.quick), repeats: 7 },
  W5: { of: (threads) => closedForm(threads, options.quick), repeats: 3 },
  W6: { of: (threads) => workloads.second(sizes.second, threads), repeats: 5 },
};

async function row({ workload, shape, flops, calls = 1, run, result, extra }, threads, repeats, peak) {
  const seconds = (await medianSeconds(run, options.quick ? 1 : repeats)) / calls;
  const gflops = flops === undefined ? null : (flops / seconds) * 1e-9;
  return {
    workload,
    shape,
    threads,
    isa: activeIsa(),
    median_s: seconds,
    gflops,
    peak_gflops: gflops === null ? null : peak,
    percent_of_peak: gflops === null ? null : (100 * gflops) / peak,
    ...extra?.(),
    ...(options.probes && result && { probe: probe(result()) }),
  };
}

const cell = (value, digits, width) => (value === null ? '-' : value.toFixed(digits)).padStart(width);

function line(row) {
  return [
    row.workload.padEnd(34),
    row.shape.padEnd(30),
    String(row.threads).padEnd(8),
    row.isa.padEnd(7),
    cell(row.median_s * 1e3, 1, 10),
    cell(row.gflops, 1, 10),
    cell(row.peak_gflops, 0, 7),
    cell(row.percent_of_peak, 0, 12),
  ].join('');
}

async function printSweep() {
  for await (const { cliff, ...point } of sweep(options.quick)) {
    const { kind, size, value, ns_per_flop: cost, over_neighbour: over } = point;
    const text = `${kind.padEnd(10)}${size.padEnd(8)}${String(value).padStart(6)}${cost.toFixed(4).padStart(10)} ns/FLOP`;
    const mark = cliff ? '  more than twice its neighbour' : '';
    console.log(options.json ? JSON.stringify({ ...point, cliff }) : `${text}${over.toFixed(2).padStart(8)} x${mark}`);
  }
}

async function printWorkloads() {
  if (!options.json) {
    console.log(`${'workload'.padEnd(34)}${'shape'.padEnd(30)}threads isa     median ms   GFLOP/s   peak   % of peak`);
  }
  for (const threads of options.threads.split(',').map(Number)) {
    const peak = await measurePeak(threads);
    for (const name of options.only.split(',')) {
      const group = groups[name];
      if (!group) throw new Error(`unknown workload ${name}: use some of ${Object.keys(groups).join(', ')}`);
      for (const workload of group.of(threads)) {
        const one = await row(workload, threads, group.repeats, peak);
        console.log(options.json ? JSON.stringify(one) : line(one));
      }
    }
  }
}

await (options.sweep ? printSweep() : printWorkloads());
