import { type Estimator, InputError, METHOD_IDS, type MethodId } from '@macrograd/core';
import {
  conditionedEstimator,
  distributedLagEstimator,
  elasticNetEstimator,
  ewmOlsEstimator,
  famaMacBethEstimator,
  kalmanEstimator,
  lassoEstimator,
  markovEstimator,
  olsEstimator,
  pcaEstimator,
  plsEstimator,
  ridgeEstimator,
  rollingOlsEstimator,
  splineEstimator,
  thresholdEstimator,
  varEstimator,
  withResidualChecks,
  wlsEstimator,
  zeroEstimator,
} from '@macrograd/linear';
import { type LstmEstimatorOptions, lstmEstimator } from '@macrograd/model';
import type { RunConfig } from '../config/config.js';
import type { MethodOptions } from '../config/method-options.js';

/** What makers choose from. */
interface Choices extends MethodOptions {
  readonly lstm?: LstmEstimatorOptions;
}

/** How every method is made; the one place that knows them all by name. */
const makers: Readonly<Record<MethodId, (choices: Choices) => Estimator>> = {
  zero: () => zeroEstimator(),
  ols: ({ ols }) => olsEstimator(ols),
  rolling_ols: ({ rolling_ols: own }) => rollingOlsEstimator(own),
  ewm_ols: ({ ewm_ols: own }) => ewmOlsEstimator(own),
  wls: ({ wls: own }) => wlsEstimator(own),
  ridge: ({ ridge: own }) => ridgeEstimator(own),
  lasso: () => lassoEstimator(),
  elastic_net: ({ elastic_net: own }) => elasticNetEstimator(own),
  pls: ({ pls: own }) => plsEstimator(own),
  fama_macbeth: () => famaMacBethEstimator(),
  pca: ({ pca: own }) => pcaEstimator(own),
  var: ({ var: own }) => varEstimator(own),
  kalman: ({ kalman }) => kalmanEstimator(kalman),
  markov: ({ markov }) => markovEstimator(markov),
  threshold: ({ threshold }) => thresholdEstimator(threshold),
  distributed_lag: ({ distributed_lag: own }) => distributedLagEstimator(own),
  spline: ({ spline: own }) => splineEstimator(own),
  lstm: ({ lstm }) => withResidualChecks(lstmEstimator(lstm)),
};

/** The part of a config that says which estimators there are. */
type EstimatorConfig = Pick<RunConfig, 'methods' | 'lstm' | 'methodOptions'> & Partial<Pick<RunConfig, 'conditions'>>;

/** The estimators of a config, in the order of the tables; `threads` are those of one LSTM fit. */
export function estimatorsOf(config: EstimatorConfig, threads: number): Estimator[] {
  const { methods, lstm, methodOptions, conditions } = config;
  const { mode, hiddenSize, lookback, members, heads, steps } = lstm;
  const size = hiddenSize === undefined ? {} : { hiddenSize };
  const length = steps === undefined ? {} : { steps, longSteps: steps };
  const choices = { ...methodOptions, lstm: { mode, lookback, members, heads, threads, ...size, ...length } };
  return methods.map((method) => {
    const estimator = makers[method](choices);
    const condition = conditions?.get(method);
    return condition ? conditionedEstimator(estimator, condition) : estimator;
  });
}

/**
 * Estimators by name, each with its defaults; all of them without names.
 *
 * @throws InputError for a name that is no method
 */
export function defaultEstimators(names: readonly string[] = METHOD_IDS): Estimator[] {
  const known: readonly string[] = METHOD_IDS;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InputError(`there is no method "${unknown}"`, { remedy: `available are ${known.join(', ')}` });
  }
  return METHOD_IDS.filter((method) => names.includes(method)).map((method) => makers[method]({}));
}
