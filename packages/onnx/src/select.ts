import { ArgumentError, type FeatureParameters, type FittedParameters, type ModelInfo } from '@macrograd/core';
import type { MixParameters } from './mix.js';

/** A model with its names. */
export interface NamedModel<P = FittedParameters> {
  readonly info: ModelInfo;
  readonly parameters: P;
}

/**
 * The model of some of the assets alone, in the order of their names: for a file that serves one of thousands.
 *
 * @throws ArgumentError for a name that the model does not have
 * @example
 * const { parameters, info } = selectAssets(readModel('out/models/lstm'), ['Energy']);
 */
export function selectAssets<P extends FittedParameters | MixParameters>(
  { info, parameters }: NamedModel<P>,
  names: readonly string[],
): NamedModel<P> {
  const places = names.map((name) => {
    const place = info.assets.indexOf(name);
    if (place < 0) throw new ArgumentError(`the model has no asset "${name}"`, 'use a name of its list of assets');
    return place;
  });
  const selected = parameters.method === 'chosen' ? mixRows(parameters, places) : selectRows(parameters, places);
  return { info: { ...info, assets: names }, parameters: selected as P };
}

/** Parameters of the assets at some places, in that order. */
export function selectRows(parameters: FittedParameters, places: readonly number[]): FittedParameters {
  const assets = parameters.method === 'lstm' ? parameters.returnMean.length : parameters.intercept.length;
  return withRows(parameters, (values) => {
    const width = values.length / assets;
    const out = values.slice(0, width * places.length) as typeof values;
    places.forEach((place, i) => {
      out.set(values.subarray(place * width, (place + 1) * width), i * width);
    });
    return out;
  });
}

/** Methods that none of the assets has a share in fall out. */
function mixRows({ method, parts }: MixParameters, places: readonly number[]): MixParameters {
  const selected = parts.map((part) => ({
    parameters: selectRows(part.parameters, places),
    weights: Float64Array.from(places, (place) => part.weights[place]),
  }));
  return { method, parts: selected.filter(({ weights }) => weights.some((weight) => weight > 0)) };
}

function withRows(
  parameters: FittedParameters,
  rows: <A extends Float64Array | Int32Array>(values: A) => A,
): FittedParameters {
  if ('featureMean' in parameters) return withFeatureRows(parameters, rows);
  if (parameters.method !== 'lstm') {
    const { intercept, coefficients, variances, missingCoefficients } = parameters;
    return {
      ...parameters,
      intercept: rows(intercept),
      coefficients: rows(coefficients),
      ...(variances && { variances: rows(variances) }),
      missingCoefficients: rows(missingCoefficients),
    };
  }
  const { returnMean, returnSd, assetGroup, members } = parameters;
  return {
    ...parameters,
    returnMean: rows(returnMean),
    returnSd: rows(returnSd),
    ...(assetGroup && { assetGroup: rows(assetGroup) }),
    members: members.map(({ heads, headVariances, ...member }) => ({
      ...member,
      heads: rows(heads),
      ...(headVariances && { headVariances: rows(headVariances) }),
    })),
  };
}

/** Of the covariances those of the assets' own groups alone: there may be one an asset. */
function withFeatureRows(
  parameters: FeatureParameters,
  rows: <A extends Float64Array | Int32Array>(values: A) => A,
): FeatureParameters {
  const { intercept, heads, headCovariance, assetGroup, returnSd, featureMean } = parameters;
  const own = { ...parameters, intercept: rows(intercept), heads: rows(heads) };
  if (!headCovariance || !assetGroup || !returnSd) return own;
  const groups = rows(assetGroup);
  const used = [...new Set(groups)].filter((group) => group >= 0);
  const size = featureMean.length ** 2;
  const covariances = new Float64Array(used.length * size);
  used.forEach((group, at) => {
    covariances.set(headCovariance.subarray(group * size, (group + 1) * size), at * size);
  });
  return {
    ...own,
    headCovariance: covariances,
    assetGroup: groups.map((group) => used.indexOf(group)),
    returnSd: rows(returnSd),
  };
}
