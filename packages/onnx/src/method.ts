import type { FittedParameters, Scaler } from '@macrograd/core';
import { addAssetNetworkExposures, addAssetNetworks } from './asset-networks.js';
import { addConditioned, addConditionedExposures } from './conditioned-graph.js';
import type { ExposureGraph, MethodExposures } from './exposure-outputs.js';
import { addFeatureExposures } from './feature-exposures.js';
import { addFeatures, featureWindow } from './feature-graph.js';
import type { Edge, GraphBuilder } from './graph.js';
import { addLinearExposures } from './linear-exposures.js';
import { addLinear } from './linear-graph.js';
import { addLstmExposures } from './lstm-exposures.js';
import { addLstm, longestWindow } from './lstm-graph.js';
import { addNetwork, addNetworkExposures, type NetworkParameters } from './network.js';
import { addThreshold, addThresholdExposures } from './threshold-graph.js';

/** Parameters of one method, or of networks with learned heads. */
export type MethodParameters = FittedParameters | NetworkParameters;

/** Sizes of a model that its file and its names must agree on. */
export interface ModelSizes {
  readonly assets: number;
  readonly scaler: Scaler;
  /** Time steps of a window from which on a longer one changes nothing. */
  readonly lookback: number;
}

export function sizesOf(parameters: MethodParameters): ModelSizes {
  const { scaler } = parameters;
  if ('condition' in parameters) return { ...sizesOf(parameters.conditioned), scaler };
  if (parameters.method === 'network') {
    return { assets: parameters.returnMean.length, scaler, lookback: parameters.lookback };
  }
  if (parameters.method === 'lstm') {
    const lookback = 'mode' in parameters ? parameters.lookback : longestWindow(parameters);
    return { assets: parameters.returnMean.length, scaler, lookback };
  }
  if (parameters.method === 'threshold')
    return { assets: parameters.intercept.length, scaler, lookback: 1 + parameters.delay };
  const lookback = 'featureMean' in parameters ? featureWindow(parameters) : 1;
  return { assets: parameters.intercept.length, scaler, lookback };
}

/** Raw windows [batch, time, series] -> returns [batch, asset] of one method. */
export function addMethodReturns(graph: GraphBuilder, parameters: MethodParameters, raw: Edge, returns: Edge): void {
  if ('condition' in parameters) addConditioned(graph, parameters, raw, returns, addMethodReturns);
  else if (parameters.method === 'network') addNetwork(graph, parameters, raw, returns);
  else if ('mode' in parameters) addAssetNetworks(graph, parameters, raw, returns);
  else if (parameters.method === 'lstm') addLstm(graph, parameters, raw, returns);
  else if ('featureMean' in parameters) addFeatures(graph, parameters, raw, returns);
  else if (parameters.method === 'threshold') addThreshold(graph, parameters, raw, returns);
  else addLinear(graph, parameters, raw, returns);
}

/** Exposures of one method. */
export function addMethodExposures(wanted: ExposureGraph, parameters: MethodParameters): MethodExposures {
  if ('condition' in parameters) return addConditionedExposures(wanted, parameters, addMethodExposures);
  if (parameters.method === 'network') return addNetworkExposures(wanted, parameters);
  if ('mode' in parameters) return addAssetNetworkExposures(wanted, parameters);
  if (parameters.method === 'lstm') return addLstmExposures(wanted, parameters);
  if ('featureMean' in parameters) return addFeatureExposures(wanted, parameters);
  if (parameters.method === 'threshold') return addThresholdExposures(wanted, parameters);
  return addLinearExposures(wanted, parameters);
}
