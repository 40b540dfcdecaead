import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  diffuseModel,
  type KalmanPathOptions,
  kalmanPath,
  kalmanVariances,
  kalmanVariancesEach,
} from '../src/linearKalman.js';

interface GoldenAsset {
  filtered: number[];
  filteredCovariance: number[];
  smoothed: number[];
  smoothedCovariance: number[];
  logLikelihood: number;
  diffuseRows: number;
}
interface GoldenCase {
  name: string;
  rows: number;
  columns: number;
  assets: number;
  design: number[];
  returns: (number | null)[];
  noise: number[];
  stepVariance: number[];
  initialMean: number[];
  initialVariance: (number | null)[];
  transition: number[];
  condition: number;
  expected: GoldenAsset[];
}

const golden = JSON.parse(readFileSync(new URL('./golden/kalman.json', import.meta.url), 'utf8'));
const cases: GoldenCase[] = golden.cases;

/** Two filters in float64 that square the design's condition number, here at most 2,000. */
const STATE_TOLERANCE = 1e-8;
const LIKELIHOOD_TOLERANCE = 1e-9;
/**
 * In the first rows the near-collinear design has a condition number near 10^4, and P - P N P loses its square. Mean and
 * deviation have the same columns: only what fades tells them apart, little in the first rows.
 */
const NEAR_COLLINEAR_COVARIANCE_TOLERANCE = 1e-6;

function inputsOf(source: GoldenCase) {
  const { rows, columns, assets } = source;
  const returns = Float64Array.from(source.returns, (value) => value ?? Number.NaN);
  const panel = { design: Float64Array.from(source.design), returns, rows, columns, assets };
  const model = {
    stepVariance: Float64Array.from(source.stepVariance),
    initialMean: Float64Array.from(source.initialMean),
    initialVariance: Float64Array.from(source.initialVariance, (value) => value ?? Number.POSITIVE_INFINITY),
    transition: Float64Array.from(source.transition),
  };
  return { panel, model, noise: Float64Array.from(source.noise) };
}

/** Largest difference relative to the largest entry of its kind, over every `every`-th row from `first` on. */
function difference(actual: Float64Array, expected: number[], width: number, every: number, first: number): number {
  let worst = 0;
  const size = Math.max(...expected.map(Math.abs));
  expected.forEach((value, at) => {
    const row = Math.floor(at / width) * every;
    if (row < first) return;
    const own = actual[row * width + (at % width)];
    worst = Math.max(worst, Math.abs(own - value) / Math.max(Math.abs(value), 1e-3 * size));
  });
  return worst;
}

describe.each(cases)('coefficients that move, against statsmodels: $name', (source) => {
  const { panel, model, noise } = inputsOf(source);
  const { rows, columns } = source;

  it.each([
    ['filter', 'filtered', 'covariance'],
    ['smoother', 'smoothed', 'covariance'],
    ['filter', 'filtered', 'square_root'],
    ['smoother', 'smoothed', 'square_root'],
  ] as const)('%s: %s states, covariances, likelihood in %s form', async (reading, key, form) => {
    const options: KalmanPathOptions = { reading, fullCovariance: true, noise, form };
    const path = await kalmanPath(panel, [model], options);
    source.expected.forEach((expected, asset) => {
      // While nothing is known of a coefficient statsmodels prints the finite part; here it is NaN.
      const first = reading === 'filter' ? expected.diffuseRows : 0;
      const states = path.coefficients.subarray(asset * rows * columns, (asset + 1) * rows * columns);
      const size = rows * columns * columns;
      const covariances = path.variances.subarray(asset * size, (asset + 1) * size);
      expect(difference(states, expected[key], columns, golden.stateRows, first)).toBeLessThan(STATE_TOLERANCE);
      const wanted = expected[`${key}Covariance`];
      const off = difference(covariances, wanted, columns * columns, golden.covarianceRows, first);
      const near = ['near-collinear', 'mean and deviation'].includes(source.name) && reading === 'smoother';
      expect(off).toBeLessThan(near ? NEAR_COLLINEAR_COVARIANCE_TOLERANCE : STATE_TOLERANCE);
      expect(Math.abs(path.logLikelihood[asset] / expected.logLikelihood - 1)).toBeLessThan(LIKELIHOOD_TOLERANCE);
    });
  });
});

it('maximum-likelihood variances of the Nile are those of statsmodels, and not less likely', async () => {
  const { volume, noise, step, logLikelihood } = golden.nile;
  const panel = {
    design: new Float64Array(100).fill(1),
    returns: Float64Array.from(volume),
    rows: 100,
    columns: 1,
    assets: 1,
  };
  const search = { model: diffuseModel(Float64Array.of(0)), stepParameter: [0], initialParameter: [-1] };
  const found = await kalmanVariances(panel, search);
  expect(found.converged).toBe(true);
  // The likelihood is flat at its top: variances agree to the root of its own digits.
  expect(found.model.stepVariance[0] / (step / noise)).toBeCloseTo(1, 3);
  expect(found.logLikelihood).toBeGreaterThan(logLikelihood - 1e-9 * Math.abs(logLikelihood));
  expect(Math.abs(found.logLikelihood / logLikelihood - 1)).toBeLessThan(LIKELIHOOD_TOLERANCE);
});

it('mean and deviation read as one coefficient are the sum of both, with its variance', async () => {
  const source = cases.find(({ name }) => name === 'mean and deviation');
  if (!source) throw new Error('no such case');
  const { panel, model } = inputsOf(source);
  const [apart, together] = [
    await kalmanPath(panel, [model], { fullCovariance: true }),
    await kalmanPath(panel, [model], { parts: 2 }),
  ];
  const [k, width] = [panel.columns, panel.columns / 2];
  expect(together.coefficients).toHaveLength(panel.assets * panel.rows * width);
  together.coefficients.forEach((value, at) => {
    const [row, j] = [Math.floor(at / width), at % width];
    const sum = apart.coefficients[row * k + j] + apart.coefficients[row * k + width + j];
    const covariance = (a: number, b: number) => apart.variances[(row * k + a) * k + b];
    const variance = covariance(j, j) + 2 * covariance(j, width + j) + covariance(width + j, width + j);
    if (Number.isNaN(sum)) {
      expect(value).toBeNaN();
    } else {
      expect(value).toBeCloseTo(sum, 12);
      expect(together.variances[at]).toBeCloseTo(variance, 12);
    }
  });
});

it('variances asset by asset are those of each asset alone', async () => {
  const { panel } = inputsOf(cases[0]);
  const search = {
    model: diffuseModel(new Float64Array(4)),
    stepParameter: [-1, 0, 1, 2],
    initialParameter: [-1, -1, -1, -1],
  };
  const each = await kalmanVariancesEach(panel, search);
  for (let asset = 0; asset < panel.assets; asset++) {
    const returns = Float64Array.from({ length: panel.rows }, (_, row) => panel.returns[row * panel.assets + asset]);
    const alone = await kalmanVariances({ ...panel, returns, assets: 1 }, search);
    // Two searches from other starts end within the rounding of a flat top, or one of them on a lower one.
    expect(each[asset]?.logLikelihood).toBeGreaterThan(alone.logLikelihood - 1e-3);
  }
});
