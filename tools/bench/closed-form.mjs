/**
 * Times the pooled LSTM with closed-form heads as users call it: `node tools/bench/closed-form.mjs [--json]`.
 *
 * Workload W5: 600 months, 6 factors, 3 members, one thread: 200 assets with lookback 1, then with the exposures of all
 * assets, dates and lags; 5,000 assets; lookback 36 with 200 assets. Median of three after one that warms up; GFLOP/s are left out, as a fit ends
 * early once left-out rows are explained no better.
 */
import { simulateWorld } from '@macrograd/evaluation';
import { activeIsa } from '@macrograd/kernel';
import { lstmEstimator } from '@macrograd/model';
import { medianSeconds } from './median.mjs';

const MONTHS = 600;
const REPEATS = 3;
const ALL = { start: 0, end: MONTHS };

async function exposures(fitted, panel) {
  let sum = 0;
  for await (const block of fitted.jacobian(panel.inputs, ALL, { form: 'lags' })) sum += block.values.length;
  return sum;
}

async function row(assets, lookback, withExposures) {
  const { panel } = simulateWorld({ process: 'threshold', seed: 1, months: MONTHS, assets });
  const estimator = lstmEstimator({ lookback, members: 3, threads: 1 });
  const seconds = await medianSeconds(async () => {
    const fitted = await estimator.fit(panel, ALL, { seed: 1 });
    if (withExposures) await exposures(fitted, panel);
  }, REPEATS);
  return {
    workload: withExposures ? 'W5 closed-form heads, exposures' : 'W5 closed-form heads',
    shape: `T${MONTHS} F6 N${assets} L${lookback}`,
    threads: 1,
    isa: activeIsa(),
    median_s: seconds,
    gflops: null,
    peak_gflops: null,
    percent_of_peak: null,
  };
}

const json = process.argv.includes('--json');
const cases = [
  [200, 1, false],
  [200, 1, true],
  [5000, 1, false],
  [200, 36, false],
];
for (const [assets, lookback, withExposures] of cases) {
  const one = await row(assets, lookback, withExposures);
  const text = `${one.workload.padEnd(34)}${one.shape.padEnd(20)}${one.isa.padEnd(8)}${one.median_s.toFixed(2)} s`;
  console.log(json ? JSON.stringify(one) : text);
}
