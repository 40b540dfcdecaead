import {
  type ConditionedParameters,
  type EncoderParameters,
  type FactorMeta,
  type FeatureParameters,
  type LinearParameters,
  type LstmParameters,
  type ModelInfo,
  type PerAssetLstmParameters,
  Random,
} from '@macrograd/core';

const random = new Random(7);
const f64 = (n: number) => Float64Array.from({ length: n }, () => random.normal());
const f32 = (n: number) => Float32Array.from({ length: n }, () => random.normal());

const SERIES = 4;
const ASSETS = 5;
const COLUMNS = [0, 1, 3];

function scaler() {
  return { mean: f64(SERIES), sd: f64(SERIES).map((x) => Math.abs(x) + 0.5), count: Int32Array.of(700, 640, 700, 92) };
}

function member(lookback: number, hiddenSize: number, conditional = false): EncoderParameters {
  const inputSize = 5;
  const filterCount = conditional ? 0 : 2;
  const features = conditional ? COLUMNS.length * (1 + hiddenSize) : COLUMNS.length + hiddenSize + filterCount;
  return {
    lookback,
    hiddenSize,
    inputSize,
    weightIh: f32(4 * hiddenSize * inputSize),
    weightHh: f32(4 * hiddenSize * hiddenSize),
    bias: f32(4 * hiddenSize),
    lagFilters: f64(13 * COLUMNS.length * filterCount),
    lagCount: 13,
    filterCount,
    ...(conditional && { conditional }),
    featureMean: f64(features),
    heads: f64(ASSETS * features),
    headCovariance: f64(2 * features ** 2),
    headBasis: f64(2 * 4 * features),
    headVariances: f64(ASSETS * 5),
    seed: lookback,
  };
}

export const lstm: LstmParameters = {
  method: 'lstm',
  scaler: scaler(),
  columns: COLUMNS,
  windowColumns: [0, 1, 3, 2],
  flagged: [1],
  returnMean: f64(ASSETS),
  returnSd: f64(ASSETS).map((x) => Math.abs(x) + 0.01),
  assetGroup: Int32Array.of(0, 1, 0, -1, 1),
  members: [member(36, 3), member(36, 7)],
};

/** Networks of every asset, two members; the third asset has none. */
export const perAsset: PerAssetLstmParameters = {
  method: 'lstm',
  mode: 'per_asset',
  scaler: scaler(),
  columns: COLUMNS,
  windowColumns: [0, 1, 3, 2],
  flagged: [1],
  returnMean: f64(ASSETS).map((x, asset) => (asset === 2 ? Number.NaN : x)),
  returnSd: f64(ASSETS).map((x, asset) => (asset === 2 ? Number.NaN : Math.abs(x))),
  lookback: 12,
  hiddenSize: 3,
  inputSize: 5,
  members: [1, 1001].map((seed) => ({
    weightIh: f32(ASSETS * 4 * 3 * 5),
    weightHh: f32(ASSETS * 4 * 3 * 3),
    bias: f32(ASSETS * 4 * 3),
    headWeight: f32(ASSETS * 3),
    seed,
  })),
};

/** Features that are products of factors and state. */
export const conditionalLstm: LstmParameters = { ...lstm, members: [member(26, 3, true), member(26, 4, true)] };

export const linear: LinearParameters = {
  method: 'ols',
  scaler: scaler(),
  columns: COLUMNS,
  intercept: f64(ASSETS),
  coefficients: f64(ASSETS * COLUMNS.length),
  missingColumns: [3],
  missingCoefficients: f64(ASSETS),
};

/** A linear method on five inputs that a state makes of the series. */
export const conditioned: ConditionedParameters = {
  method: 'ols',
  scaler: scaler(),
  condition: { state: 2, form: 'thresholded', level: 0.1 },
  inputs: [
    { from: 0, weight: 'below' },
    { from: 0, weight: 'above' },
    { from: 1, weight: 'one' },
    { from: 3, weight: 'one' },
    { from: 2, weight: 'side' },
  ],
  conditioned: { ...linear, variances: f64(ASSETS * COLUMNS.length).map(Math.abs) },
};

/** Three series with two lag sums each, a spline of one knot, one product and a mark; two groups of covariances. */
const FEATURES = 3 + 6 + 3 + 1 + 1;
export const features: FeatureParameters = {
  method: 'spline',
  scaler: scaler(),
  columns: COLUMNS,
  lagged: [0, 1, 2],
  lagCount: 4,
  lagBasis: f64(4 * 2),
  knots: f64(3),
  bend: 0.25,
  products: [[0, 2]],
  missingColumns: [1],
  featureMean: f64(FEATURES),
  featureSd: f64(FEATURES).map((x) => Math.abs(x) + 0.1),
  intercept: f64(ASSETS),
  heads: f64(ASSETS * FEATURES),
  // A feature that was left out has no covariance.
  headCovariance: f64(2 * FEATURES ** 2).map((x, at) => (at % FEATURES === 4 ? Number.NaN : x)),
  assetGroup: Int32Array.of(1, 0, 0, -1, 1),
  returnSd: f64(ASSETS).map((x) => Math.abs(x) + 0.01),
};

export const info: ModelInfo = {
  assets: ['Steel', 'Öl & Gas', 'Banks', 'S&P 500', 'T-bond'],
  factors: ['INFL', 'TERM', 'INFL_LEVEL', 'CREDIT'].map(
    (name): FactorMeta => ({ name, role: 'factor', unit: 'pp', transform: 'diff', releaseLag: 1, source: 'FRED' }),
  ),
  frequency: 'M',
  horizon: 0,
  trainingSpan: { start: '1960-01-31', end: '2022-09-30' },
  version: '0.1.0',
  configHash: 'a'.repeat(64),
};
