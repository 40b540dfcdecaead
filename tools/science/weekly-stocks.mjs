/**
 * Hedge variance reduction on weekly US stocks 2006-2017, out of sample: `MACROGRAD_DATA=<folder> node
 * tools/science/weekly-stocks.mjs [--assets 2508] [--step 52] [--methods zero,ols,...] [--refresh 2] [--half-life 104]
 * [--strength 1] [--residual-limit 3]`. The folder holds
 * macro/daily_macro_panel.csv and stocks/us_stocks_weekly_close_2005_2017.csv.gz. Prints one line a method.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { walkForwardFolds } from '@macrograd/evaluation';
import {
  ewmOlsEstimator,
  kalmanEstimator,
  olsEstimator,
  rollingOlsEstimator,
  splineEstimator,
  zeroEstimator,
} from '@macrograd/linear';
import { conditionalBetaEstimator, guardedLstmEstimator, lstmEstimator } from '@macrograd/model';
import { printHedgeTable } from './hedge-table.mjs';

const FIRST = '2006-01-01';
/** Weeks before the first test week. */
const INITIAL = 156;
/** Weekly moves: column, whether its logarithm moves (in log-%), name. */
const MOVES = [
  ['DGS10', false, 'RATE10'],
  ['T10YIE', false, 'BREAKEVEN'],
  ['IGOAS', false, 'CREDIT'],
  ['DTWEXBGS', true, 'DOLLAR'],
  ['WTI', true, 'OIL'],
];
/** Levels that condition the exposures. */
const LEVELS = ['IGOAS', 'DGS10', 'T10YIE'];

const { values: arguments_ } = parseArgs({
  options: {
    assets: { type: 'string', default: '2508' },
    step: { type: 'string', default: '52' },
    methods: { type: 'string', default: 'zero,ols,ewm,ewm_refreshed,lstm,lstm_kalman,lstm_to_date,lstm_on_ewm' },
    // Weeks after which the refreshed methods are fitted anew, half-life of their weights, strength of their shrinkage (or validated).
    refresh: { type: 'string', default: '2' },
    'half-life': { type: 'string', default: '104' },
    strength: { type: 'string', default: '1' },
    'residual-limit': { type: 'string', default: '3' },
  },
});
const folder = process.env.MACROGRAD_DATA;
if (!folder) throw new Error('MACROGRAD_DATA is not set: give the folder with macro/ and stocks/');

const every = Number(arguments_.refresh);
const ewm = {
  halfLife: arguments_['half-life'] === 'validated' ? 'validated' : Number(arguments_['half-life']),
  strength: arguments_.strength === 'validated' ? 'validated' : Number(arguments_.strength),
};
const base = ewmOlsEstimator(ewm);
const calm = ewmOlsEstimator({ ...ewm, rowWeights: 'calm', residualLimit: Number(arguments_['residual-limit']) });
const makers = {
  zero: { make: () => zeroEstimator() },
  ols: { make: () => olsEstimator() },
  ols_refreshed: { make: () => olsEstimator(), every },
  rolling: { make: () => rollingOlsEstimator({ window: 104 }) },
  ewm: { make: () => base },
  ewm_refreshed: { make: () => base, every },
  ewm_weighted: { make: () => ewmOlsEstimator({ ...ewm, rowWeights: 'calm' }), every },
  ewm_calm: { make: () => calm },
  ewm_calm_refreshed: { make: () => calm, every },
  ewm_unshrunk: { make: () => ewmOlsEstimator({ halfLife: ewm.halfLife, shrinkage: 'none' }), every },
  kalman: { make: () => kalmanEstimator() },
  spline: { make: () => splineEstimator() },
  lstm: { make: () => lstmEstimator({ lookback: 1 }) },
  lstm_calm: { make: () => lstmEstimator({ lookback: 1, rowWeights: 'calm' }) },
  lstm_kalman: { make: () => lstmEstimator({ lookback: 1, heads: 'kalman' }) },
  // Encoder and variances from before the fold, heads filtered to the week before the hedge.
  lstm_to_date: {
    make: ({ train }) => lstmEstimator({ lookback: 1, heads: 'kalman', encoderRows: train.end }),
    span: ({ test }) => ({ start: 0, end: test.end }),
  },
  conditional: { make: () => conditionalBetaEstimator({ base }) },
  // The network of the fold on a base that is fitted anew.
  conditional_refreshed: { make: ({ train }) => conditionalBetaEstimator({ base, networkRows: train.end }), every },
  lstm_on_ewm: { make: () => guardedLstmEstimator({ base, lookback: 26, hiddenSize: 8 }) },
};

const panel = readPanel(folder, Number(arguments_.assets));
const walk = walkForwardFolds(panel.axis.dates.length, { initial: INITIAL, step: Number(arguments_.step) });
console.log(`${panel.assets.length} stocks, ${panel.axis.dates.length} weeks, ${walk.folds.length} folds`);
const named = arguments_.methods.split(',').map((name) => [name, makers[name]]);
await printHedgeTable(panel, walk, Object.fromEntries(named));

/** Friday closes of stocks with every week, as simple returns, beside weekly moves and levels of the macro series. */
function readPanel(root, most) {
  const prices = gunzipSync(readFileSync(join(root, 'stocks/us_stocks_weekly_close_2005_2017.csv.gz'))).toString();
  const [head, ...lines] = prices.trim().split('\n');
  const names = head.split(',').slice(1);
  const all = lines.map((line) => line.split(','));
  const start = all.findIndex(([date]) => date >= FIRST) - 1;
  const rows = all.slice(start).map(([date, ...cells]) => ({ date, closes: cells.map((x) => (x ? Number(x) : NaN)) }));
  const complete = names.map((_, j) => j).filter((j) => rows.every(({ closes }) => closes[j] > 0));
  const chosen = complete.slice(0, most);
  const weeks = rows.length - 1;
  const returns = new Float64Array(weeks * chosen.length);
  for (let t = 0; t < weeks; t++) {
    chosen.forEach((j, i) => {
      returns[t * chosen.length + i] = rows[t + 1].closes[j] / rows[t].closes[j] - 1;
    });
  }
  const dates = rows.slice(1).map(({ date }) => date);
  const macro = readMacro(root, [rows[0].date, ...dates]);
  const factors = [
    ...MOVES.map(([, isLog, name]) => meta(name, 'factor', isLog ? 'log-%' : 'pp', isLog ? 'dlog' : 'diff')),
    ...LEVELS.map((name) => meta(`${name}_LEVEL`, 'state', 'pp', 'none')),
  ];
  const values = new Float64Array(weeks * factors.length);
  for (let t = 0; t < weeks; t++) {
    MOVES.forEach(([column, isLog], j) => {
      const [before, now] = [macro.get(column)[t], macro.get(column)[t + 1]];
      values[t * factors.length + j] = isLog ? 100 * Math.log(now / before) : now - before;
    });
    LEVELS.forEach((column, j) => {
      values[t * factors.length + MOVES.length + j] = macro.get(column)[t + 1];
    });
  }
  const axis = { frequency: 'W', dates: Int32Array.from(dates, (date) => Date.parse(date) / 86_400_000) };
  return {
    axis,
    inputs: { axis, factors, values },
    assets: chosen.map((j) => ({ name: names[j], source: 'stocks', labels: ['survivor'] })),
    returns,
    horizon: 0,
  };
}

function meta(name, role, unit, transform) {
  return { name, role, unit, transform, releaseLag: 0, source: 'daily_macro_panel' };
}

/** Last known value of each series at each of the dates. */
function readMacro(root, dates) {
  const [head, ...lines] = readFileSync(join(root, 'macro/daily_macro_panel.csv'), 'utf8').trim().split('\n');
  const names = head.split(',');
  const wanted = new Map(
    [...MOVES.map(([column]) => column), ...LEVELS].map((name) => [name, new Array(dates.length)]),
  );
  const last = new Map([...wanted.keys()].map((name) => [name, NaN]));
  let at = 0;
  const keep = () => {
    for (const [name, series] of wanted) series[at] = last.get(name);
    at++;
  };
  for (const line of lines) {
    const cells = line.split(',');
    while (at < dates.length && cells[0] > dates[at]) keep();
    for (const name of wanted.keys()) {
      const cell = cells[names.indexOf(name)];
      if (cell) last.set(name, Number(cell));
    }
  }
  while (at < dates.length) keep();
  return wanted;
}
