import { type Estimator, InputError, type MethodId } from '@macrograd/core';
import {
  distributedLagEstimator,
  elasticNetEstimator,
  ewmOlsEstimator,
  famaMacBethEstimator,
  kalmanEstimator,
  lassoEstimator,
  olsEstimator,
  pcaEstimator,
  plsEstimator,
  ridgeEstimator,
  rollingOlsEstimator,
  splineEstimator,
  varEstimator,
  wlsEstimator,
  zeroEstimator,
} from '@macrograd/linear';
import { type LstmEstimatorOptions, lstmEstimator } from '@macrograd/model';
import type { LstmConfig } from '../config/config.js';
import { availableMethods } from '../config/schema.js';

/** How every method is made; the one place that knows them all by name. */
const makers: Readonly<Record<MethodId, (lstm: LstmEstimatorOptions) => Estimator>> = {
  zero: zeroEstimator,
  ols: () => olsEstimator(),
  rolling_ols: () => rollingOlsEstimator(),
  ewm_ols: () => ewmOlsEstimator(),
  wls: () => wlsEstimator(),
  ridge: () => ridgeEstimator(),
  lasso: () => lassoEstimator(),
  elastic_net: () => elasticNetEstimator(),
  pls: () => plsEstimator(),
  fama_macbeth: () => famaMacBethEstimator(),
  pca: () => pcaEstimator(),
  var: () => varEstimator(),
  kalman: () => kalmanEstimator(),
  distributed_lag: () => distributedLagEstimator(),
  spline: () => splineEstimator(),
  lstm: lstmEstimator,
};

/** The estimators of a config, in the order of the tables; `threads` are those of one LSTM fit. */
export function estimatorsOf(methods: readonly MethodId[], lstm: LstmConfig, threads: number): Estimator[] {
  const { hiddenSize, lookback, members, heads, steps } = lstm;
  const length = steps === undefined ? {} : { steps, longSteps: steps };
  return methods.map((method) => makers[method]({ hiddenSize, lookback, members, heads, threads, ...length }));
}

/**
 * Estimators by name, each with its defaults; all of them without names.
 *
 * @throws InputError for a name that is no method
 */
export function defaultEstimators(names: readonly string[] = availableMethods): Estimator[] {
  const known: readonly string[] = availableMethods;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InputError(`there is no method "${unknown}"`, { remedy: `available are ${known.join(', ')}` });
  }
  return availableMethods.filter((method) => names.includes(method)).map((method) => makers[method]({}));
}
