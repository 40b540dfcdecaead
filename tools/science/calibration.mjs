/**
 * Coverage of the LSTM's 90 % intervals before and after calibration on worlds of its own fit: `node
 * tools/science/calibration.mjs [--processes const,threshold,path] [--seeds 21,22] [--worlds 2] [--assets 200]`.
 * Standing heads, fitted on the first 70 % of the months, read on the rest.
 */
import { parseArgs } from 'node:util';
import { calibrateIntervals, recoveryScore, scaleIntervals, simulateWorld } from '@macrograd/evaluation';
import { lstmEstimator } from '@macrograd/model';

const { values: given } = parseArgs({
  options: {
    processes: { type: 'string', default: 'const,threshold,path' },
    seeds: { type: 'string', default: '21,22' },
    worlds: { type: 'string', default: '2' },
    assets: { type: 'string', default: '200' },
  },
});

console.log('world          covered  in worlds of the fit  scale  covered then');
for (const process of given.processes.split(',')) {
  for (const seed of given.seeds.split(',').map(Number)) {
    const world = simulateWorld({ process, seed, assets: Number(given.assets) });
    const rows = world.panel.axis.dates.length;
    const span = { start: 0, end: Math.round(0.7 * rows) };
    const estimator = rememberingFirst(lstmEstimator());
    const fitted = await estimator.fit(world.panel, span, { seed });
    const { scale, coverage } = await calibrateIntervals(estimator, world.panel, span, {
      seed,
      worlds: Number(given.worlds),
    });
    const later = { start: span.end, end: rows };
    const before = await recoveryScore(world, fitted, later);
    const after = await recoveryScore(world, scaleIntervals(fitted, scale), later);
    const { scored } = world.truth;
    const of = (values) => scored.map((factor) => values[factor].toFixed(2)).join(' ');
    console.log(
      `${`${process} ${seed}`.padEnd(14)} ${before.coverage.toFixed(2)}  ${of(coverage)}  ${of(scale)}  ${after.coverage.toFixed(2)}`,
    );
  }
}

/** Calibration fits the data first: that fit is there already. */
function rememberingFirst(estimator) {
  let first;
  return {
    method: estimator.method,
    async fit(panel, span, options) {
      if (first?.panel === panel) return first.fitted;
      const fitted = await estimator.fit(panel, span, options);
      first ??= { panel, fitted };
      return fitted;
    },
  };
}
