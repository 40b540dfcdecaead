/**
 * Times the traditional methods by processor time: `node tools/bench/linear.mjs [--json] [--probes] [--quick] [--large]`.
 *
 * W4a rolling OLS, window 60, 600 months, 8 factors and a constant, 500 assets; W4b random-walk Kalman filter and
 * smoother, 100 assets, 8 columns; W4c order of an autoregression of 8 series by AIC up to 12, and its fit; W4d principal
 * components of 600 x 120. One thread. `--large` adds what 5,000 assets cost. tools/bench/peers/linear.py has numpy beside
 * it on the same numbers.
 */
import { parseArgs } from 'node:util';
import {
  activeIsa,
  assetResponses,
  bestOrder,
  diffuseModel,
  kalmanPath,
  principalComponents,
  rollingRegression,
  varOrder,
  vectorAutoregression,
} from '@macrograd/kernel';
import { cpuSeconds, medianSeconds } from './median.mjs';
import { filled, probe } from './numbers.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    probes: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
  },
});
const THREADS = { threads: 1 };
const ROWS = options.quick ? 120 : 600;

/** Constant and drawn columns, and returns that depend on them: [row][column], [row][asset]. */
function regression(rows, factors, assets) {
  const columns = factors + 1;
  const x = filled(rows * factors, 1, 1);
  const b = filled(assets * factors, 1, 2);
  const noise = filled(rows * assets, 1, 3);
  const design = new Float64Array(rows * columns).fill(1);
  const returns = Float64Array.from(noise);
  for (let row = 0; row < rows; row++) {
    design.set(x.subarray(row * factors, (row + 1) * factors), row * columns + 1);
    for (let asset = 0; asset < assets; asset++) {
      for (let j = 0; j < factors; j++) returns[row * assets + asset] += x[row * factors + j] * b[asset * factors + j];
    }
  }
  return { design, returns, rows, columns, assets };
}

/** Persistent series, [row][series]. */
function persistent(rows, series, seed) {
  const values = Float64Array.from(filled(rows * series, 1, seed));
  for (let at = series; at < values.length; at++)
    values[at] += 0.5 * values[at - series] + 0.2 * values[at - (at % series)];
  return { values, rows, series };
}

function responsesOf(assets, horizon) {
  const series = persistent(ROWS, 8, 4);
  const fit = vectorAutoregression(series, 2);
  const width = 24;
  const covariance = new Float64Array(assets * width * width);
  for (let at = 0; at < assets * width; at++) covariance[at * width + (at % width)] = 0.01;
  const coefficients = Float64Array.from(filled(assets * width, 1, 6));
  return () => assetResponses(fit, { coefficients, covariance, assets, lags: 3 }, { horizon }, THREADS);
}

function workloads() {
  const assets = options.quick ? 40 : 500;
  const rolling = (count) => {
    const panel = regression(ROWS, 8, count);
    return () => rollingRegression(panel, { ...THREADS, window: 60 });
  };
  const kalman = () => {
    const panel = regression(ROWS, 7, options.quick ? 10 : 100);
    const model = diffuseModel(new Float64Array(8).fill(0.001));
    const noise = new Float64Array(panel.assets).fill(1);
    return () => kalmanPath(panel, [model], { ...THREADS, reading: 'smoother', noise });
  };
  const series = persistent(ROWS, 8, 4);
  const wide = persistent(ROWS, options.quick ? 24 : 120, 5);
  const order = () => bestOrder(varOrder(series, 12), 'aic');
  const list = [
    [
      'W4a rolling OLS',
      `T${ROWS} K9 window 60 N${assets}`,
      rolling(assets),
      (out) => out.coefficients.slice(-64 * 9),
      1,
    ],
    ['W4b Kalman smoother', `T${ROWS} K8 N${options.quick ? 10 : 100}`, kalman(), (out) => out.coefficients, 1],
    ['W4c VAR order', `T${ROWS} K8 up to 12`, order, (best) => [best], 50],
    [
      'W4c VAR order and fit',
      `T${ROWS} K8 up to 12`,
      () => vectorAutoregression(series, Math.max(1, order())),
      (fit) => fit.coefficients,
      50,
    ],
    [
      'W4d PCA',
      `T${ROWS} N${wide.series}`,
      () => principalComponents(wide, { components: 8 }),
      (out) => out.eigenvalues,
      20,
    ],
  ];
  if (options.large) {
    list.push(['rolling OLS', `T${ROWS} K9 N5000`, rolling(5000), null, 1]);
    list.push(['responses of assets', 'K8 lags 0-2, 24 horizons, N5000', responsesOf(5000, 24), null, 1]);
  }
  return list;
}

for (const [workload, shape, run, result, calls] of workloads()) {
  const several = async () => {
    for (let call = 0; call < (options.quick ? 1 : calls); call++) await run();
  };
  const seconds = (await medianSeconds(several, options.quick ? 1 : 7, cpuSeconds)) / (options.quick ? 1 : calls);
  const row = {
    workload,
    shape,
    threads: 1,
    isa: activeIsa(),
    median_s: seconds,
    gflops: null,
    peak_gflops: null,
    percent_of_peak: null,
  };
  const shown = options.probes && result ? { ...row, probe: probe(result(await run())) } : row;
  console.log(
    options.json
      ? JSON.stringify(shown)
      : `${workload.padEnd(24)}${shape.padEnd(34)}${row.isa.padEnd(8)}${(1e3 * seconds).toFixed(2).padStart(10)} ms of CPU`,
  );
}
