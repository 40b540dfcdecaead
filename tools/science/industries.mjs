/**
 * 49 US industries on FRED-MD, monthly: `MACROGRAD_DATA=<folder> node tools/science/industries.mjs [--methods zero,ols,...]
 * [--from 1960-01] [--statement]`. The folder holds fredmd/vintage_2026-02.csv and french/. Prints what inflation's changes
 * do above and below 5 % (a static regression), and hedge variance reductions of every method, walk-forward.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { walkForwardFolds } from '@macrograd/evaluation';
import { benjaminiHochberg, normalCdf } from '@macrograd/exposure';
import { kalmanEstimator, splineEstimator } from '@macrograd/linear';
import { guardedLstmEstimator, lstmEstimator } from '@macrograd/model';
import { defaultEstimators, loadConfig } from '@macrograd/pipeline';
import { printHedgeTable } from './hedge-table.mjs';
import { inflationByRegime } from './inflation-regimes.mjs';

const { values: arguments_ } = parseArgs({
  options: {
    methods: { type: 'string', default: 'zero,ols,ewm_ols,ewm_refreshed,rolling_ols,kalman,spline,lstm,lstm_on_ewm' },
    from: { type: 'string', default: '1960-01' },
    statement: { type: 'boolean', default: false },
  },
});
const folder = process.env.MACROGRAD_DATA;
if (!folder) throw new Error('MACROGRAD_DATA is not set: give the folder with fredmd/ and french/');

await printStatement();
if (!arguments_.statement) await printWalkForward();

async function printStatement() {
  const industries = await inflationByRegime(await panelOf('industries'));
  const [market] = await inflationByRegime(await panelOf('market'));
  const text = ({ above, below }) =>
    [above, below].map(({ unit, t }) => `${unit.toFixed(2)} (${t.toFixed(1)})`).join('  ');
  console.log("% per pp of yearly inflation's change where its level is above 5 %, and where it is not; t in brackets");
  console.log(`market      ${text(market)}`);
  const pattern = industries.filter(({ above, below }) => above.unit < 0 && below.unit > 0);
  const both = pattern.filter(({ above, below }) => above.t < -1.96 && below.t > 1.96);
  // Both signs at once are as sure as the less sure of the two (intersection-union test).
  const pValues = industries.map(({ above, below }) => Math.max(...[-above.t, below.t].map((t) => 1 - normalCdf(t))));
  const { count } = benjaminiHochberg(Float64Array.from(pValues), 0.1);
  console.log(
    `industries  ${pattern.length} of ${industries.length} with the market's signs, ${both.length} with both |t| above 1.96,` +
      ` ${count} after discovery control at .10`,
  );
}

async function printWalkForward() {
  const panel = await panelOf('industries');
  const walk = walkForwardFolds(panel.axis.dates.length);
  console.log(`${panel.assets.length} industries, ${panel.axis.dates.length} months, ${walk.folds.length} folds`);
  const [ewm] = defaultEstimators(['ewm_ols']);
  const own = {
    ewm_refreshed: { make: () => ewm, every: 1 },
    kalman: { make: () => kalmanEstimator() },
    spline_own: { make: () => splineEstimator({ prior: 'empirical_bayes' }) },
    lstm_calm: { make: () => lstmEstimator({ rowWeights: 'calm' }) },
    lstm_on_ewm: { make: () => guardedLstmEstimator({ base: ewm, hiddenSize: 8 }) },
    ...averaged('spline'),
    ...averaged('lstm'),
  };
  const named = arguments_.methods
    .split(',')
    .map((name) => [name, own[name] ?? { make: () => defaultEstimators([name])[0] }]);
  await printHedgeTable(panel, walk, Object.fromEntries(named));
}

/** A method whose hedges are the mean over likely moves of its exposures. */
function averaged(name) {
  return { [`${name}_average`]: { make: () => defaultEstimators([name])[0], hedge: { readAt: 'average' } } };
}

/** Monthly excess returns of the industries or of the market on changes of six released series. */
async function panelOf(what) {
  const dir = mkdtempSync(join(tmpdir(), 'macrograd-industries-'));
  const assets = {
    industries: `{ file: ${folder}/french/49_Industry_Portfolios.csv, format: french, unit: percent, return: total, risk_free: { file: ${folder}/french/F-F_Research_Data_Factors.csv, series: RF, unit: percent } }`,
    market: `{ file: ${folder}/french/F-F_Research_Data_Factors.csv, format: french, columns: [Mkt-RF], unit: percent, return: excess }`,
  };
  const config = `factors:
  - file: ${folder}/fredmd/vintage_2026-02.csv
    format: fredmd
    series:
      INFL: { column: CPIAUCSL, transform: yoy_diff }
      RATE10: { column: GS10, transform: diff }
      POLICY: { column: FEDFUNDS, transform: diff }
      CREDIT: { expr: BAA - GS10, transform: diff }
      UNEMP: { column: UNRATE, transform: diff }
      GROWTH: { column: INDPRO, transform: dlog }
      INFL_LEVEL: { column: CPIAUCSL, transform: yoy, role: state }
assets: [${assets[what]}]
span: { start: ${arguments_.from}, end: 2025-12 }
output: out
`;
  try {
    writeFileSync(join(dir, 'config.yaml'), config);
    return (await loadConfig(join(dir, 'config.yaml'))).panel;
  } finally {
    rmSync(dir, { recursive: true });
  }
}
