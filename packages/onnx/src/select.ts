import {
  ArgumentError,
  type ConditionedParameters,
  type FeatureParameters,
  type FittedParameters,
  type ModelInfo,
  type PerAssetLstmParameters,
  type RegimeCoefficients,
} from '@macrograd/core';
import type { OnnxParameters } from './file.js';
import type { MethodParameters } from './method.js';
import type { MixParameters } from './mix.js';
import type { NetworkParameters } from './network.js';

/** Arrays with rows an asset. */
type Rows = Float64Array | Float32Array | Int32Array;
/** Takes the rows of the wanted assets. */
type Take = <A extends Rows>(values: A) => A;

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
export function selectAssets<P extends OnnxParameters>(
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
export function selectRows<P extends MethodParameters>(parameters: P, places: readonly number[]): P {
  if ('condition' in parameters) return { ...parameters, conditioned: selectRows(parameters.conditioned, places) };
  const assets = 'returnMean' in parameters ? parameters.returnMean.length : parameters.intercept.length;
  const take: Take = (values) => {
    const width = values.length / assets;
    const Rows = values.constructor as new (length: number) => typeof values;
    const out = new Rows(width * places.length);
    places.forEach((place, i) => {
      out.set(values.subarray(place * width, (place + 1) * width), i * width);
    });
    return out;
  };
  return withRows(parameters, take) as P;
}

/** Methods that none of the assets has a share in fall out. */
function mixRows({ method, parts }: MixParameters, places: readonly number[]): MixParameters {
  const selected = parts.map((part) => ({
    parameters: selectRows(part.parameters, places),
    weights: Float64Array.from(places, (place) => part.weights[place]),
  }));
  return { method, parts: selected.filter(({ weights }) => weights.some((weight) => weight > 0)) };
}

function withRows(parameters: Exclude<MethodParameters, ConditionedParameters>, rows: Take): MethodParameters {
  if (parameters.method === 'network') return withNetworkRows(parameters, rows);
  if ('featureMean' in parameters) return withFeatureRows(parameters, rows);
  if (parameters.method !== 'lstm') {
    const one = ({ intercept, coefficients, variances, missingCoefficients }: RegimeCoefficients) => ({
      intercept: rows(intercept),
      coefficients: rows(coefficients),
      ...(variances && { variances: rows(variances) }),
      missingCoefficients: rows(missingCoefficients),
    });
    if (parameters.method !== 'threshold') return { ...parameters, ...one(parameters) };
    const { variable, threshold, lower, upper } = parameters;
    return {
      ...parameters,
      ...one(parameters),
      variable: rows(variable),
      threshold: rows(threshold),
      lower: one(lower),
      upper: one(upper),
    };
  }
  if ('mode' in parameters) return withOwnNetworks(parameters, rows);
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

function withOwnNetworks(parameters: PerAssetLstmParameters, rows: Take): PerAssetLstmParameters {
  const { returnMean, returnSd, members } = parameters;
  const own = members.map(({ weightIh, weightHh, bias, headWeight, seed }) => ({
    weightIh: rows(weightIh),
    weightHh: rows(weightHh),
    bias: rows(bias),
    headWeight: rows(headWeight),
    seed,
  }));
  return { ...parameters, returnMean: rows(returnMean), returnSd: rows(returnSd), members: own };
}

function withNetworkRows(parameters: NetworkParameters, rows: Take): NetworkParameters {
  const { returnMean, returnSd, members } = parameters;
  const own = members.map(({ headWeight, headBias, ...network }) => ({
    ...network,
    headWeight: rows(headWeight),
    headBias: rows(headBias),
  }));
  return { ...parameters, returnMean: rows(returnMean), returnSd: rows(returnSd), members: own };
}

/** Of the covariances those of the assets' own groups alone: there may be one an asset. */
function withFeatureRows(parameters: FeatureParameters, rows: Take): FeatureParameters {
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
