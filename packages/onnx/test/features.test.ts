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
    intercept: floats(ASSETS, 0.01),
    heads: floats(ASSETS * features, 0.02),
  };
}

type Z = (step: number, column: number) => number;

/** Returns [asset] at a row, written from the definition of the parameters. */
function returnsAt(p: FeatureParameters, z: Z, missing: (series: number) => boolean, row: number): number[] {
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
  return Array.from(p.intercept, (constant, asset) =>
    features.reduce(
      (sum, feature, k) => sum + (p.heads[asset * features.length + k] * (feature - p.featureMean[k])) / p.featureSd[k],
      constant,
    ),
  );
}

function standardised(p: FeatureParameters, inputs: FactorPanel): Z {
  return (step, column) => {
    const series = p.columns[column];
    const value = step < 0 ? Number.NaN : inputs.values[step * SERIES + series];
    return Number.isNaN(value) ? 0 : (value - p.scaler.mean[series]) / p.scaler.sd[series];
  };
}

describe.each<[string, FeatureParameters['products']]>([
  [
    'with products',
    [
      [0, 1],
      [2, 0],
      [1, 1],
    ],
  ],
  ['without products', []],
])('an exported regression on features, %s', (_, products) => {
  const parameters = featureParameters(1, products);
  const info = infoOf(SERIES, ASSETS);
  const inputs = factorPanel(40, SERIES, [4], 2);
  const missingAt = (row: number) => (series: number) => Number.isNaN(inputs.values[row * SERIES + series]);
  const z = standardised(parameters, inputs);

  it('gives the returns of its definition', async () => {
    const values = Float64Array.from(
      Array.from({ length: 40 }, (_, row) => returnsAt(parameters, z, missingAt(row), row)).flat(),
    );
    const expected = { span: { start: 0, end: 40 }, assets: { start: 0, end: ASSETS }, values };
    const { compared } = await verifyOnnx(modelToOnnx(parameters, info), inputs, expected, PARITY);
    expect(compared).toBe(40 * ASSETS);
  });

  it('gives the derivatives of its returns as exposures', async () => {
    const bytes = exposuresToOnnx(parameters, info);
    const row = 39;
    const targets = [1, 2, 3, 4];
    const derivative = (lag: number, series: number) => {
      const column = parameters.columns.indexOf(series);
      if (column < 0) return new Array<number>(ASSETS).fill(Number.NaN);
      const moved = (by: number) => {
        const own: Z = (step, j) => z(step, j) + (step === row - lag && j === column ? by : 0);
        return returnsAt(parameters, own, missingAt(row), row);
      };
      const [up, down] = [moved(STEP), moved(-STEP)];
      return up.map((value, asset) => (value - down[asset]) / (2 * STEP));
    };
    const byLag = Array.from({ length: LAGS }, (_, lag) => targets.map((series) => derivative(lag, series)));
    for (const form of exposureForms) {
      const assets = { start: 0, end: ASSETS };
      const { values } = await runExposures(bytes, inputs, { start: row, end: row + 1 }, assets, form);
      // A missing value has no exposure; in a sum over lags only that of the date itself counts.
      const mask = (lag: number, f: number) => (missingAt(row - lag)(targets[f]) ? Number.NaN : 0);
      const expected = Array.from({ length: ASSETS }, (_, asset) => {
        if (form === 'lags') return byLag.map((factors, lag) => factors.map((own, f) => own[asset] + mask(lag, f)));
        const summed = form === 'cumulative' ? byLag : byLag.slice(0, 1);
        return [targets.map((_, f) => summed.reduce((sum, own) => sum + own[f][asset], mask(0, f)))];
      }).flat(2);
      const largest = Math.max(...expected.filter(Number.isFinite).map(Math.abs));
      expect(values.length).toBe(expected.length);
      expected.forEach((value, i) => {
        expect(Number.isNaN(values[i]), `${form}[${i}]`).toBe(Number.isNaN(value));
        if (!Number.isNaN(value)) expect(Math.abs(values[i] - value) / largest).toBeLessThan(PARITY);
      });
    }
  });
});
