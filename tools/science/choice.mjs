/**
 * Choice and stack per asset against the best single method where the truth is known: `node tools/science/choice.mjs
 * [--processes const,...] [--seeds 401,402] [--assets 40] [--methods zero,ols,...]`. Error of the expected return
 * over its SD, test rows of all folds; the last columns are ratios to the best single method.
 */
import { parseArgs } from 'node:util';
import {
  chooseMethods,
  chosenForecasts,
  forecastFold,
  simulateWorld,
  stackMethods,
  TRIAL,
  walkForwardFolds,
} from '@macrograd/evaluation';
import { defaultEstimators } from '@macrograd/pipeline';

const { values: given } = parseArgs({
  options: {
    processes: { type: 'string', default: 'const,random_walk,threshold,lags,interaction,path,market' },
    seeds: { type: 'string', default: '401,402' },
    assets: { type: 'string', default: '40' },
    methods: { type: 'string', default: 'zero,ols,ewm_ols,rolling_ols,kalman,distributed_lag,spline' },
    r2: { type: 'string', default: '.3' },
  },
});
const estimators = defaultEstimators(given.methods.split(','));
console.log(
  `process      seed  ${estimators.map(({ method }) => method.slice(0, 7).padStart(7)).join(' ')}  chosen/best  stacked/best`,
);
for (const process of given.processes.split(',')) {
  for (const seed of given.seeds.split(',').map(Number)) {
    const world = simulateWorld({ process, seed, assets: Number(given.assets), r2: Number(given.r2) });
    const { panel } = world;
    const { folds, trial } = walkForwardFolds(panel.axis.dates.length, { initial: 240, step: 120 });
    const forecasts = [];
    for (const estimator of estimators) {
      for (const fold of trial ? [trial, ...folds] : folds) {
        const fitted = await estimator.fit(panel, fold.train, { seed: 1 });
        forecasts.push(await forecastFold(fitted, panel, fold));
      }
    }
    const of = (all) =>
      error(
        world,
        all.filter(({ fold }) => fold.index !== TRIAL),
      );
    const single = estimators.map(({ method }) => of(forecasts.filter((forecast) => forecast.method === method)));
    const best = Math.min(...single);
    const [chosen, stacked] = [chooseMethods, stackMethods].map((by) => of(chosenForecasts(forecasts, by(forecasts))));
    const cells = single.map((value) => value.toFixed(3).padStart(7)).join(' ');
    const ratios = [chosen, stacked].map((value) => (value / best).toFixed(3).padStart(11)).join('  ');
    console.log(`${process.padEnd(12)} ${seed}   ${cells}  ${ratios}`);
  }
}

/** Root mean squared error of the expected return over its SD across test rows, assets pooled. */
function error({ panel, expected }, forecasts) {
  const assets = panel.assets.length;
  let [errors, squares] = [0, 0];
  for (const { predicted, fold } of forecasts) {
    predicted.forEach((value, at) => {
      const truth = expected[fold.test.start * assets + at];
      errors += (value - truth) ** 2;
      squares += truth ** 2;
    });
  }
  return Math.sqrt(errors / squares);
}
