import {
  type EncoderParameters,
  type FactorPanel,
  type LinearParameters,
  type LstmParameters,
  type ModelInfo,
  monthEndOfIndex,
  type PerAssetLstmParameters,
  Random,
} from '@macrograd/core';

/** Size of a made-up model; `lookbacks` has one entry a member. */
export interface Shape {
  readonly series: number;
  readonly states: number;
  readonly flagged: readonly number[];
  readonly assets: number;
  readonly hiddenSize: number;
  readonly filterCount: number;
  readonly lagCount: number;
  readonly lookbacks: readonly number[];
}

export const ordinary: Shape = {
  series: 5,
  states: 1,
  flagged: [1, 4],
  assets: 7,
  hiddenSize: 6,
  filterCount: 3,
  lagCount: 13,
  lookbacks: [36, 36, 36],
};

const floats = (random: Random, n: number, sd = 1) => Float64Array.from({ length: n }, () => sd * random.normal());

function scalerOf(random: Random, series: number) {
  const mean = floats(random, series, 3);
  const sd = floats(random, series).map((x) => 0.3 + Math.abs(x));
  return { mean, sd, count: new Int32Array(series).fill(700) };
}

/** LSTM parameters of the given size with weights of the size that training gives. */
export function lstmParameters(shape: Shape, seed: number): LstmParameters {
  const random = new Random(seed);
  const { series, states, flagged, assets, hiddenSize, filterCount, lagCount } = shape;
  const linear = series - states;
  const inputSize = series + flagged.length;
  const features = linear + hiddenSize + filterCount;
  const members = shape.lookbacks.map(
    (lookback, index): EncoderParameters => ({
      lookback,
      hiddenSize,
      inputSize,
      weightIh: Float32Array.from(floats(random, 4 * hiddenSize * inputSize)),
      weightHh: Float32Array.from(floats(random, 4 * hiddenSize * hiddenSize, 0.4)),
      bias: Float32Array.from(floats(random, 4 * hiddenSize)),
      lagFilters: floats(random, lagCount * linear * filterCount, 0.3),
      lagCount,
      filterCount,
      featureMean: floats(random, features, 0.2),
      heads: floats(random, assets * features, 0.3),
      seed: index,
    }),
  );
  return {
    method: 'lstm',
    scaler: scalerOf(random, series),
    columns: Array.from({ length: linear }, (_, j) => j + states),
    windowColumns: [
      ...Array.from({ length: linear }, (_, j) => j + states),
      ...Array.from({ length: states }, (_, j) => j),
    ],
    flagged,
    returnMean: floats(random, assets, 0.01),
    returnSd: floats(random, assets, 0.02).map((x) => 0.02 + Math.abs(x)),
    members,
  };
}

/** Networks of every asset, of the size of the shape's first member, and as many members. */
export function perAssetParameters(shape: Shape, seed: number): PerAssetLstmParameters {
  const { members, method, ...rule } = lstmParameters(shape, seed);
  const random = new Random(seed + 1);
  const { assets, hiddenSize: H } = shape;
  const inputSize = shape.series + shape.flagged.length;
  const weights = (length: number, sd: number) => Float32Array.from(floats(random, assets * length, sd));
  return {
    method,
    mode: 'per_asset',
    ...rule,
    lookback: shape.lookbacks[0],
    hiddenSize: H,
    inputSize,
    members: members.map(({ seed: own }) => ({
      weightIh: weights(4 * H * inputSize, 1),
      weightHh: weights(4 * H * H, 0.4),
      bias: weights(4 * H, 1),
      headWeight: weights(H, 0.3),
      seed: own,
    })),
  };
}

/** Directions in which heads deviate, a variance along each for every asset. */
const OWN_DIRECTIONS = 3;

/** The same with posterior covariances of the heads for two groups of assets; the last asset belongs to none. */
export function withCovariance(parameters: LstmParameters, seed: number): LstmParameters {
  const random = new Random(seed);
  const assets = parameters.returnMean.length;
  const members = parameters.members.map((member) => {
    const size = member.featureMean.length;
    const headCovariance = Float64Array.from([0, 1].flatMap(() => [...covariance(random, size)]));
    const headBasis = floats(random, 2 * OWN_DIRECTIONS * size, 0.3);
    const headVariances = floats(random, assets * (1 + OWN_DIRECTIONS), 0.5).map((x) => x * x);
    return { ...member, headCovariance, headBasis, headVariances };
  });
  const assetGroup = Int32Array.from({ length: assets }, (_, asset) => (asset === assets - 1 ? -1 : asset % 2));
  return { ...parameters, members, assetGroup };
}

/** B B' / size with a column of B fewer than rows, so that one direction has no variance. */
function covariance(random: Random, size: number): Float64Array {
  const rank = Math.max(1, size - 1);
  const root = floats(random, size * rank, 0.3);
  return Float64Array.from({ length: size * size }, (_, i) => {
    const [a, b] = [Math.floor(i / size) * rank, (i % size) * rank];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += root[a + k] * root[b + k];
    return sum / size;
  });
}

/** Linear parameters over some of the series, of which some have an effect while they are missing. */
export function linearParameters(
  shape: { readonly series: number; readonly assets: number },
  columns: readonly number[],
  missingColumns: readonly number[],
  seed: number,
): LinearParameters {
  const random = new Random(seed);
  return {
    method: 'ols',
    scaler: scalerOf(random, shape.series),
    columns,
    intercept: floats(random, shape.assets, 0.01),
    coefficients: floats(random, shape.assets * columns.length, 0.02),
    missingColumns,
    missingCoefficients: floats(random, shape.assets * missingColumns.length, 0.02),
  };
}

/** Monthly factors; the series in `holes` start late and miss single months. */
export function factorPanel(rows: number, series: number, holes: readonly number[], seed: number): FactorPanel {
  const random = new Random(seed);
  const values = floats(random, rows * series, 2);
  for (const j of holes) {
    for (let row = 0; row < rows; row++) if (row < rows / 3 || row % 17 === j) values[row * series + j] = Number.NaN;
  }
  return {
    axis: { frequency: 'M', dates: Int32Array.from({ length: rows }, (_, i) => monthEndOfIndex(i)) },
    factors: infoOf(series, 1).factors,
    values,
  };
}

/** Names for a model of the given size. */
export function infoOf(series: number, assets: number): ModelInfo {
  return {
    assets: Array.from({ length: assets }, (_, i) => `Asset ${i} (é)`),
    factors: Array.from({ length: series }, (_, j) => ({
      name: `F${j}`,
      role: j === 0 ? ('state' as const) : ('factor' as const),
      unit: 'pp',
      transform: 'diff',
      releaseLag: 1,
      source: 'synthetic',
    })),
    frequency: 'M',
    horizon: 0,
    trainingSpan: { start: '1960-01-31', end: '2022-09-30' },
    version: '0.1.0',
    configHash: 'c'.repeat(64),
  };
}
