/**
 * W4, the traditional methods in float64: W4a rolling OLS with variances, window 60, 600 months, 8 factors and a constant, 500
 * assets, and 5,000; W4b random-walk Kalman filter and smoother with variances, 100 assets, 8 columns; W4c order of an
 * autoregression of 8 series by AIC up to 12, and its fit; W4d 8 principal components of 600 x 120; responses of 5,000
 * assets to the shocks of an autoregression. Long results go into one array that is used again from call to call.
 */
import {
  assetResponses,
  bestOrder,
  diffuseModel,
  kalmanPath,
  principalComponents,
  rollingRegression,
  varOrder,
  vectorAutoregression,
} from '@macrograd/kernel';
import { filled } from './numbers.mjs';

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

function rolling(name, rows, count, threads) {
  const panel = regression(rows, 8, count);
  let out;
  return {
    workload: name,
    shape: `T${rows} K9 window 60 N${count}`,
    run: async () => {
      out = await rollingRegression(panel, { threads, window: 60, ...(out && { out }) });
    },
    result: () => out.coefficients.slice(-48 * panel.columns),
  };
}

function kalman(rows, assets, threads) {
  const panel = regression(rows, 7, assets);
  const model = diffuseModel(new Float64Array(panel.columns).fill(0.001));
  const noise = new Float64Array(assets).fill(1);
  let out;
  return {
    workload: 'W4b Kalman smoother',
    shape: `T${rows} K${panel.columns} N${assets}`,
    run: async () => {
      out = await kalmanPath(panel, [model], { threads, reading: 'smoother', noise });
    },
    result: () => out.coefficients,
  };
}

/** Work of a millisecond, timed many calls at a time. */
function short(workload, shape, calls, call, result) {
  let out;
  return {
    workload,
    shape,
    calls,
    run: async () => {
      for (let at = 0; at < calls; at++) out = await call();
    },
    result: () => result(out),
  };
}

function autoregressions(rows, calls) {
  const series = persistent(rows, 8, 4);
  const shape = `T${rows} K8 up to 12`;
  const order = () => bestOrder(varOrder(series, 12), 'aic');
  const fit = () => vectorAutoregression(series, Math.max(1, order()));
  return [
    short('W4c VAR order', shape, calls, order, (best) => [best]),
    short('W4c VAR order and fit', shape, calls, fit, (found) => found.coefficients),
  ];
}

function components(rows, width, calls) {
  const wide = persistent(rows, width, 5);
  const call = () => principalComponents(wide, { components: 8 });
  return short('W4d PCA', `T${rows} N${width}`, calls, call, (out) => out.eigenvalues);
}

function responses(rows, assets, threads) {
  const [width, horizon] = [24, 24];
  const fit = vectorAutoregression(persistent(rows, 8, 4), 2);
  const covariance = new Float64Array(assets * width * width);
  for (let at = 0; at < assets * width; at++) covariance[at * width + (at % width)] = 0.01;
  const coefficients = Float64Array.from(filled(assets * width, 1, 6));
  const equations = { coefficients, covariance, assets, lags: 3 };
  return {
    workload: 'W4 responses of assets',
    shape: `K8 lags 0-2 24 horizons N${assets}`,
    run: () => assetResponses(fit, equations, { horizon }, { threads }),
  };
}

/** All of them; VAR and components take one thread whatever is asked for. */
export function linear(threads, isQuick) {
  const [rows, assets, few, width, calls] = isQuick ? [120, 40, 10, 24, 1] : [600, 500, 100, 120, 50];
  const many = isQuick ? 80 : 5000;
  return [
    rolling('W4a rolling OLS', rows, assets, threads),
    rolling('W4 rolling OLS, many assets', rows, many, threads),
    kalman(rows, few, threads),
    ...autoregressions(rows, calls),
    components(rows, width, calls),
    responses(rows, many, threads),
  ];
}
