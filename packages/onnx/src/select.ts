import { ArgumentError, type FittedParameters, type ModelInfo } from '@macrograd/core';

/** A model with its names. */
export interface NamedModel {
  readonly info: ModelInfo;
  readonly parameters: FittedParameters;
}

/**
 * The model of some of the assets alone, in the order of their names: for a file that serves one of thousands.
 *
 * @throws ArgumentError for a name that the model does not have
 * @example
 * const { parameters, info } = selectAssets(readModel('out/models/lstm'), ['Energy']);
 */
export function selectAssets({ info, parameters }: NamedModel, names: readonly string[]): NamedModel {
  const places = names.map((name) => {
    const place = info.assets.indexOf(name);
    if (place < 0) throw new ArgumentError(`the model has no asset "${name}"`, 'use a name of its list of assets');
    return place;
  });
  const assets = info.assets.length;
  const rows = <A extends Float64Array | Int32Array>(values: A): A => {
    const width = values.length / assets;
    const out = values.slice(0, width * places.length) as A;
    places.forEach((place, i) => {
      out.set(values.subarray(place * width, (place + 1) * width), i * width);
    });
    return out;
  };
  return { info: { ...info, assets: names }, parameters: withRows(parameters, rows) };
}

function withRows(
  parameters: FittedParameters,
  rows: <A extends Float64Array | Int32Array>(values: A) => A,
): FittedParameters {
  if ('featureMean' in parameters) {
    return { ...parameters, intercept: rows(parameters.intercept), heads: rows(parameters.heads) };
  }
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
