import { type FactorPanel, type FeatureParameters, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { exposureForms, exposuresToOnnx, modelToOnnx, runExposures, verifyOnnx } from '../src/index.js';
import { factorPanel, infoOf } from './synthetic.js';

// float32 over some thirty features, against float64.
const PARITY = 1e-5;
// Central differences in float64 with this step are exact to about 1e-9 beside splines of width .25.
const STEP = 1e-5;
const [SERIES, ASSETS, LAGS, BASES, KNOTS] = [5, 6, 7, 3, 4];

function featureParameters(seed: number, products: FeatureParameters['products']): FeatureParameters {
  const random = new Random(seed);
  const floats = (length: number, sd = 1) => Float64Array.from({ length }, () => sd * random.normal());
  const columns = [3, 1, 4];
  const lagged = [2, 0];
  const missingColumns = [4];
  const features = columns.length * (1 + KNOTS) + lagged.length * BASES + products.length + missingColumns.length;
  return {
    method: 'spline',
    scaler: { mean: floats(SERIES), sd: floats(SERIES).map((x) => 0.5 + Math.abs(x)), count: new Int32Array(SERIES) },
    columns,
    lagged,
    lagCount: LAGS,
    lagBasis: floats(LAGS * BASES),
    knots: floats(columns.length * KNOTS),
    bend: 0.25,
    products,
    missingColumns,
    featureMean: floats(features, 0.3),
    featureSd: floats(features).map((x) => 0.5 + Math.abs(x)),
    // Some two of three values of each series lie inside.
    low: new Float64Array(columns.length).fill(-0.9),
    high: Float64Array.of(0.8, 1, 1.2),
    intercept: floats(ASSETS, 0.01),
    heads: floats(ASSETS * features, 0.02),
    headCovariance: Float64Array.from(
      [1, 2].flatMap(() => [...crossProduct(floats(features * features, 0.1), features)]),
    ),
    // The last asset was not estimated.
    assetGroup: Int32Array.from({ length: ASSETS }, (_, asset) => (asset === ASSETS - 1 ? -1 : asset % 2)),
    returnSd: floats(ASSETS, 0.02).map((x) => 0.02 + Math.abs(x)),
  };
}

/** B B' of a square B. */
function crossProduct(root: Float64Array, size: number): Float64Array {
  const row = (i: number) => root.subarray(i * size, (i + 1) * size);
  return Float64Array.from({ length: size * size }, (_, at) => {
    const other = row(at % size);
    return row(Math.floor(at / size)).reduce((sum, x, k) => sum + x * other[k], 0);
  });
}

/** sd sqrt(d' C d) of an asset, d the derivatives of its standardised features; NaN where it has no covariance. */
function standardError(p: FeatureParameters, asset: number, d: readonly number[]): number {
  const { headCovariance, assetGroup, returnSd } = p;
  if (!headCovariance || !assetGroup || !returnSd || assetGroup[asset] < 0) return Number.NaN;
  const size = d.length;
  const start = assetGroup[asset] * size * size;
  const variance = d.reduce(
    (sum, a, i) => sum + a * d.reduce((inner, b, j) => inner + b * headCovariance[start + i * size + j], 0),
    0,
  );
  return returnSd[asset] * Math.sqrt(variance);
}

type Z = (step: number, column: number) => number;

/** z held at the ends of the training range. */
function held({ low, high }: FeatureParameters, z: Z): Z {
  return (step, column) => Math.min(Math.max(z(step, column), low![column]), high![column]);
}

/** Standardised features at a row, written from the definition of the parameters. */
function featuresAt(p: FeatureParameters, z: Z, missing: (series: number) => boolean, row: number): number[] {
  const lagSum = (column: number, basis: number) => {
    let sum = 0;
    for (let lag = 0; lag < LAGS; lag++) sum += p.lagBasis[lag * BASES + basis] * z(row - lag, column);
    return sum;
  };
  const every = p.columns.map((_, column) => column);
  const features = [
    ...every.map((column) => z(row, column)),
    ...p.lagged.flatMap((column) => [0, 1, 2].map((basis) => lagSum(column, basis))),
    ...every.flatMap((column) =>
      [...p.knots.subarray(column * KNOTS, (column + 1) * KNOTS)].map(
        (knot) => p.bend * Math.log1p(Math.exp((z(row, column) - knot) / p.bend)),
      ),
    ),
    ...p.products.map(([a, b]) => z(row, a) * z(row, b)),
    ...p.missingColumns.map((series) => (missing(series) ? 1 : 0)),
  ];
  return features.map((feature, k) => (feature - p.featureMean[k]) / p.featureSd[k]);
}

/** Heads of every asset times features, [asset]. */
function read(p: FeatureParameters, features: readonly number[]): number[] {
  const width = features.length;
  return Array.from(p.intercept, (_, asset) =>
    features.reduce((sum, feature, k) => sum + p.heads[asset * width + k] * feature, 0),
  );
}

function standardised(p: FeatureParameters, inputs: FactorPanel): Z {
  return (step, column) => {
    const series = p.columns[column];
    const value = step < 0 ? Number.NaN : inputs.values[step * SERIES + series];
    return Number.isNaN(value) ? 0 : (value - p.scaler.mean[series]) / p.scaler.sd[series];
  };
}

const allProducts: FeatureParameters['products'] = [
  [0, 1],
  [2, 0],
  [1, 1],
];
const lagsAlone = (parameters: FeatureParameters): FeatureParameters => {
  const columns = parameters.columns.length;
  const kept = columns + parameters.lagged.length * BASES;
  const width = parameters.featureMean.length;
  const rows = (values: Float64Array) => values.filter((_, at) => at % width < kept);
  return {
    ...parameters,
    method: 'distributed_lag',
    knots: new Float64Array(0),
    products: [],
    missingColumns: [],
    featureMean: rows(parameters.featureMean),
    featureSd: rows(parameters.featureSd),
    heads: rows(parameters.heads),
    headCovariance: rows(parameters.headCovariance ?? new Float64Array(0)).filter(
      (_, at) => Math.floor(at / kept) % width < kept,
    ),
  };
};

describe.each<[string, FeatureParameters]>([
  ['with splines and products', featureParameters(1, allProducts)],
  ['with splines', featureParameters(1, [])],
  ['of lags alone', lagsAlone(featureParameters(1, []))],
])('an exported regression on features, %s', (_, parameters) => {
  const info = infoOf(SERIES, ASSETS);
  const inputs = factorPanel(40, SERIES, [4], 2);
  const missingAt = (row: number) => (series: number) => Number.isNaN(inputs.values[row * SERIES + series]);
  const z = standardised(parameters, inputs);

  it('gives the returns of its definition', async () => {
    const values = Float64Array.from(
      Array.from({ length: 40 }, (_, row) =>
        read(parameters, featuresAt(parameters, held(parameters, z), missingAt(row), row)).map(
          (x, asset) => x + parameters.intercept[asset],
        ),
      ).flat(),
    );
    const expected = { span: { start: 0, end: 40 }, assets: { start: 0, end: ASSETS }, values };
    const { compared } = await verifyOnnx(modelToOnnx(parameters, info), inputs, expected, PARITY);
    expect(compared).toBe(40 * ASSETS);
  });

  it('gives the derivatives of its returns as exposures, with their standard errors', async () => {
    const bytes = exposuresToOnnx(parameters, info);
    const row = 39;
    const targets = [1, 2, 3, 4];
    const derivative = (lag: number, series: number) => {
      const column = parameters.columns.indexOf(series);
      if (column < 0) return [...parameters.featureMean].map(() => Number.NaN);
      const moved = (by: number) => {
        // Beyond the range the exposure is that at its end, so that the move starts there.
        const inside = held(parameters, z);
        const own: Z = (step, j) => inside(step, j) + (step === row - lag && j === column ? by : 0);
        return featuresAt(parameters, own, missingAt(row), row);
      };
      const [up, down] = [moved(STEP), moved(-STEP)];
      return up.map((value, k) => (value - down[k]) / (2 * STEP));
    };
    const byLag = Array.from({ length: LAGS }, (_, lag) => targets.map((series) => derivative(lag, series)));
    for (const form of exposureForms) {
      const assets = { start: 0, end: ASSETS };
      const actual = await runExposures(bytes, inputs, { start: row, end: row + 1 }, assets, form);
      // A missing value has no exposure; in a sum over lags only that of the date itself counts.
      const mask = (lag: number, f: number) => (missingAt(row - lag)(targets[f]) ? Number.NaN : 0);
      const summed = form === 'cumulative' ? byLag : byLag.slice(0, 1);
      const total = targets.map((_, f) => summed[0][f].map((_, k) => summed.reduce((sum, own) => sum + own[f][k], 0)));
      const cells = (form === 'lags' ? byLag : [total]).flatMap((factors, lag) =>
        factors.map((d, f) => ({ d, mask: mask(lag, f) })),
      );
      const expectClose = (values: ArrayLike<number>, of: (asset: number, d: readonly number[]) => number) => {
        const expected = Array.from({ length: ASSETS }, (_, asset) => cells.map((c) => of(asset, c.d) + c.mask)).flat();
        const largest = Math.max(...expected.filter(Number.isFinite).map(Math.abs));
        expect(values.length).toBe(expected.length);
        expected.forEach((value, i) => {
          expect(Number.isNaN(values[i]), `${form}[${i}]`).toBe(Number.isNaN(value));
          if (!Number.isNaN(value)) expect(Math.abs(values[i] - value) / largest).toBeLessThan(PARITY);
        });
      };
      expectClose(actual.values, (asset, d) => read(parameters, d)[asset]);
      expectClose(actual.se ?? [], (asset, d) => standardError(parameters, asset, d));
    }
  });
});
