/**
 * Hedge variance reduction by where exposures are read, at the state of t-1 or averaged over likely moves, in simulated worlds:
 * `node tools/science/hedge-reading.mjs [--processes threshold,interaction] [--methods ols,spline,lstm] [--seeds 21,22]
 * [--assets 100]`. One fit on the first 70 % of 600 months; the rest is hedged. Last column: 16 draws instead of 4.
 */
import { parseArgs } from 'node:util';
import { forecastFold, scoreForecasts, simulateWorld } from '@macrograd/evaluation';
import { defaultEstimators } from '@macrograd/pipeline';

const { values: arguments_ } = parseArgs({
  options: {
    processes: { type: 'string', default: 'const,threshold,interaction' },
    methods: { type: 'string', default: 'ols,spline,lstm' },
    seeds: { type: 'string', default: '21,22' },
    assets: { type: 'string', default: '100' },
  },
});
const listed = (name) => arguments_[name].split(',');
const MONTHS = 600;
const fold = { index: 0, train: { start: 0, end: 0.7 * MONTHS }, test: { start: 0.7 * MONTHS, end: MONTHS } };
const readings = [{ readAt: 'state' }, { readAt: 'average' }, { readAt: 'average', draws: 16 }];

console.log('process      seed  method   state  average  average, 16 draws');
for (const process of listed('processes')) {
  for (const seed of listed('seeds').map(Number)) {
    const { panel } = simulateWorld({ process, assets: Number(arguments_.assets), months: MONTHS, r2: 0.3, seed });
    for (const estimator of defaultEstimators(listed('methods'))) {
      const fitted = await estimator.fit(panel, fold.train, { seed: 1 });
      const cells = [];
      for (const reading of readings) {
        const scores = scoreForecasts([await forecastFold(fitted, panel, fold, reading)]);
        const { hedgeVarianceReduction } = scores.find(({ asset, fold: label }) => asset === 'all' && label === 'all');
        cells.push(hedgeVarianceReduction.toFixed(4).padStart(8));
      }
      console.log(
        `${process.padEnd(12)} ${String(seed).padStart(4)}  ${estimator.method.padEnd(6)} ${cells.join(' ')}`,
      );
    }
  }
}
