/**
 * Traditional methods on 5,000 assets, 600 months, 12 factors: `node tools/bench/large.mjs [threads]`. Best of three calls, after one
 * that warms up, and what the process held in memory at most so far, inputs and results included. Bands by resampling
 * are timed once, on 5 and 10 draws, so that what a draw costs is the difference. Maximum likelihood of Kalman variances is timed in
 * Rust (`cargo test --release -p macrograd-linear --test kalman_speed`).
 */
import {
  assetResponses,
  bootstrapAssetResponses,
  diffuseModel,
  kalmanPath,
  rollingRegression,
  vectorAutoregression,
} from '@macrograd/kernel';
import { filled } from './numbers.mjs';

const threads = Number(process.argv[2] ?? 2);
const [rows, factors, assets] = [600, 12, 5000];

async function time(name, work, calls = 3) {
  if (calls > 1) await work();
  let best = Infinity;
  for (let call = 0; call < calls; call++) {
    const start = performance.now();
    await work();
    best = Math.min(best, performance.now() - start);
  }
  const held = process.resourceUsage().maxRSS / 1024;
  console.log(`${name.padEnd(60)}${(best / 1e3).toFixed(3).padStart(9)} s${held.toFixed(0).padStart(8)} MiB`);
}

/** Constant and factors, [row][column]. */
function designOf(columns) {
  const design = new Float64Array(rows * columns).fill(1);
  const x = filled(rows * (columns - 1), 1, 1);
  for (let row = 0; row < rows; row++)
    design.set(x.subarray(row * (columns - 1), (row + 1) * (columns - 1)), row * columns + 1);
  return design;
}

const returns = Float64Array.from(filled(rows * assets, 1, 2));
const panel = { design: designOf(factors + 1), returns, rows, columns: factors + 1, assets };
const series = { values: Float64Array.from(filled(rows * factors, 1, 3)), rows, series: factors };
const fit = vectorAutoregression(series, 2);

const width = factors * 3;
const covariance = new Float64Array(assets * width * width);
for (let at = 0; at < assets * width; at++) covariance[at * width + (at % width)] = 0.01;
const equations = { coefficients: Float64Array.from(filled(assets * width, 1, 4)), covariance, assets, lags: 3 };
await time('responses with asymptotic errors, 24 horizons', () =>
  assetResponses(fit, equations, { horizon: 24 }, { threads }),
);

const sample = { returns, assets, lags: 3 };
for (const draws of [5, 10]) {
  const request = { horizon: 24, draws, threads };
  await time(
    `bands of responses by resampling, ${draws} draws`,
    () => bootstrapAssetResponses(series, 2, sample, request),
    1,
  );
}

const few = { ...panel, returns: Float64Array.from(filled(rows * 100, 1, 5)), assets: 100 };
const model = diffuseModel(new Float64Array(few.columns).fill(0.001));
const noise = new Float64Array(few.assets).fill(1);
for (const form of ['covariance', 'square_root']) {
  const options = { threads, reading: 'smoother', noise, form };
  await time(`Kalman smoother, 100 assets, one pattern, ${form}`, () => kalmanPath(few, [model], options));
}

let out;
await time('rolling OLS, window 60', async () => {
  out = await rollingRegression(panel, { threads, window: 60, ...(out && { out }) });
});
