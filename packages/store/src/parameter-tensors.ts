import {
  type ConditionedParameters,
  type FeatureParameters,
  type FittedParameters,
  InputError,
  type PerAssetLstmParameters,
  type RegimeCoefficients,
} from '@macrograd/core';
import { camelCase, snakeCase } from './case.js';
import type { Tensor, TensorArray } from './safetensors.js';

/** Parameters with every array replaced by a tensor of the same place in the tree; the rest is JSON. */
export interface SplitParameters {
  readonly json: unknown;
  readonly tensors: Map<string, Tensor>;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Path = readonly string[];

/**
 * Takes the arrays out of fitted parameters. Tensor names are the path in snake_case (`members.0.weight_ih`), shapes
 * follow {@link expectedShapes}; an array that has no entry there is stored flat.
 */
export function splitParameters(parameters: FittedParameters): SplitParameters {
  const shapes = expectedShapes(parameters);
  const tensors = new Map<string, Tensor>();
  const visit = (value: unknown, path: Path): Json | undefined => {
    if (isTensorArray(value)) {
      const name = tensorName(path);
      tensors.set(name, { shape: shapes.get(name) ?? [value.length], data: value });
      return undefined;
    }
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, String(index)]) ?? null);
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([key, item]) => [key, visit(item, [...path, key])] as const);
      return Object.fromEntries(entries.filter((entry): entry is [string, Json] => entry[1] !== undefined));
    }
    return value as Json;
  };
  return { json: visit(parameters, []), tensors };
}

/** Puts the arrays back; the inverse of {@link splitParameters}. */
export function joinParameters(json: unknown, tensors: ReadonlyMap<string, Tensor>): FittedParameters {
  const root = structuredClone(json) as Record<string, unknown>;
  for (const [name, { data }] of tensors) {
    const path = name.split('.').map(camelCase);
    let node = root;
    for (const key of path.slice(0, -1)) {
      node[key] ??= {};
      node = node[key] as Record<string, unknown>;
    }
    node[path[path.length - 1]] = data;
  }
  return root as unknown as FittedParameters;
}

/** Shape of every array that the parameters must hold, by tensor name. */
export function expectedShapes(parameters: FittedParameters): ReadonlyMap<string, readonly number[]> {
  const series = parameters.scaler.mean.length;
  const shapes = new Map<string, readonly number[]>([
    ['scaler.mean', [series]],
    ['scaler.sd', [series]],
    ['scaler.count', [series]],
  ]);
  if ('condition' in parameters) {
    for (const [name, shape] of expectedShapes(parameters.conditioned)) shapes.set(`${CONDITIONED}${name}`, shape);
    return shapes;
  }
  const columns = parameters.columns.length;
  if (hasFeatures(parameters)) return addFeatureShapes(shapes, parameters);
  if (parameters.method !== 'lstm') {
    const assets = parameters.intercept.length;
    const marks = parameters.missingColumns.length;
    const add = (prefix: string, { variances }: Partial<RegimeCoefficients> = {}) => {
      shapes.set(`${prefix}intercept`, [assets]);
      shapes.set(`${prefix}coefficients`, [assets, columns]);
      if (variances) shapes.set(`${prefix}variances`, [assets, columns]);
      shapes.set(`${prefix}missing_coefficients`, [assets, marks]);
    };
    add('', parameters);
    if (parameters.method === 'threshold') {
      shapes.set('variable', [assets]);
      shapes.set('threshold', [assets]);
      add('lower.', parameters.lower);
      add('upper.', parameters.upper);
    }
    return shapes;
  }
  const assets = parameters.returnMean.length;
  shapes.set('return_mean', [assets]);
  shapes.set('return_sd', [assets]);
  if ('mode' in parameters) return addNetworkShapes(shapes, parameters, assets);
  if (parameters.assetGroup) shapes.set('asset_group', [assets]);
  for (const [index, member] of parameters.members.entries()) {
    const { hiddenSize, inputSize, lagCount, filterCount, conditional } = member;
    const features = conditional ? columns * (1 + hiddenSize) : columns + hiddenSize + filterCount;
    const own: Readonly<Record<string, readonly number[]>> = {
      weight_ih: [4 * hiddenSize, inputSize],
      weight_hh: [4 * hiddenSize, hiddenSize],
      bias: [4 * hiddenSize],
      lag_filters: [lagCount, columns, filterCount],
      feature_mean: [features],
      heads: [assets, features],
    };
    for (const [name, shape] of Object.entries(own)) shapes.set(`members.${index}.${name}`, shape);
    const groups = (member.headCovariance?.length ?? 0) / features ** 2;
    if (member.headCovariance) shapes.set(`members.${index}.head_covariance`, [groups, features, features]);
    const directions = (member.headBasis?.length ?? 0) / (groups * features);
    if (member.headBasis) shapes.set(`members.${index}.head_basis`, [groups, directions, features]);
    if (member.headVariances) shapes.set(`members.${index}.head_variances`, [assets, 1 + directions]);
  }
  return shapes;
}

/** Networks of every asset, of each member below each other. */
function addNetworkShapes(
  shapes: Map<string, readonly number[]>,
  { hiddenSize, inputSize, members }: PerAssetLstmParameters,
  assets: number,
) {
  members.forEach((_, index) => {
    shapes.set(`members.${index}.weight_ih`, [assets, 4 * hiddenSize, inputSize]);
    shapes.set(`members.${index}.weight_hh`, [assets, 4 * hiddenSize, hiddenSize]);
    shapes.set(`members.${index}.bias`, [assets, 4 * hiddenSize]);
    shapes.set(`members.${index}.head_weight`, [assets, hiddenSize]);
  });
  return shapes;
}

function hasFeatures(parameters: Exclude<FittedParameters, ConditionedParameters>): parameters is FeatureParameters {
  const { method } = parameters;
  return method === 'var' || method === 'distributed_lag' || method === 'spline';
}

function addFeatureShapes(shapes: Map<string, readonly number[]>, parameters: FeatureParameters) {
  const { columns, lagCount, lagBasis, knots, intercept, featureMean } = parameters;
  const assets = intercept?.length ?? 0;
  const features = featureMean?.length ?? 0;
  shapes.set('lag_basis', [lagCount, lagCount === 0 ? 0 : lagBasis.length / lagCount]);
  shapes.set('knots', [columns.length, knots.length / Math.max(1, columns.length)]);
  if (parameters.low) shapes.set('low', [columns.length]);
  if (parameters.high) shapes.set('high', [columns.length]);
  shapes.set('feature_mean', [features]);
  shapes.set('feature_sd', [features]);
  shapes.set('intercept', [assets]);
  shapes.set('heads', [assets, features]);
  const { headCovariance, assetGroup, returnSd } = parameters;
  if (headCovariance) shapes.set('head_covariance', [headCovariance.length / features ** 2, features, features]);
  if (assetGroup) shapes.set('asset_group', [assets]);
  if (returnSd) shapes.set('return_sd', [assets]);
  return shapes;
}

/** Where the tensors of a method stand whose inputs a state conditions. */
const CONDITIONED = 'conditioned.';

/** Arrays with a row an asset: a row of NaN says that the asset could not be estimated. */
const perAsset =
  /^(conditioned\.)?((lower\.|upper\.)?(intercept|coefficients|missing_coefficients)|heads|return_mean|return_sd|members\.\d+\.(heads|head_variances))$/;

/**
 * Refuses parameters whose arrays are absent, of another shape than the rest says, or not finite; an asset that could
 * not be estimated has rows of NaN. `place` names the file in the message.
 */
export function checkTensors(
  parameters: FittedParameters,
  tensors: ReadonlyMap<string, Tensor>,
  place: { readonly file: string },
): void {
  const remedy = 'the file is damaged or was not written by macrograd: export the model again';
  // These give the numbers of series and assets that every other shape follows from.
  const conditioned = 'condition' in parameters;
  const counted = parameters.method === 'lstm' ? 'return_mean' : conditioned ? `${CONDITIONED}intercept` : 'intercept';
  for (const name of ['scaler.mean', counted, ...(conditioned ? [`${CONDITIONED}scaler.mean`] : [])]) {
    if (!tensors.has(name)) throw new InputError(`tensor "${name}" is missing`, { place, remedy });
  }
  for (const [name, shape] of expectedShapes(parameters)) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new InputError(`tensor "${name}" is missing`, { place, remedy });
    if (tensor.shape.join() !== shape.join()) {
      const text = `tensor "${name}" has shape [${tensor.shape.join(', ')}], expected [${shape.join(', ')}]`;
      throw new InputError(text, { place, remedy });
    }
  }
  for (const [name, tensor] of tensors) {
    const bad = leftOut.has(name.replace(CONDITIONED, ''))
      ? firstInfinite(tensor, name)
      : firstBad(tensor, perAsset.test(name));
    if (bad >= 0) throw new InputError(`tensor "${name}" holds ${tensor.data[bad]} at index ${bad}`, { place, remedy });
  }
}

/** Arrays in which NaN says that a single coefficient was left out. */
const leftOut: ReadonlySet<string> = new Set(['variances', 'lower.variances', 'upper.variances', 'head_covariance']);

/** As {@link firstBad} for such arrays; a variance is not negative either. */
function firstInfinite({ data }: Tensor, name: string): number {
  const least = name.endsWith('variances') ? 0 : Number.NEGATIVE_INFINITY;
  return data.findIndex((x: number) => !Number.isNaN(x) && !(x >= least && Number.isFinite(x)));
}

/** First entry that may not be what it is, or -1. */
function firstBad({ data, shape }: Tensor, ofAssets: boolean): number {
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  const wholeRowMissing = (index: number) => {
    const start = index - (index % width);
    return data.subarray(start, start + width).every((x: number) => Number.isNaN(x));
  };
  return data.findIndex((x: number, index: number) => !Number.isFinite(x) && !(ofAssets && wholeRowMissing(index)));
}

function isTensorArray(value: unknown): value is TensorArray {
  return value instanceof Float64Array || value instanceof Float32Array || value instanceof Int32Array;
}

function tensorName(path: Path): string {
  return path.map(snakeCase).join('.');
}
