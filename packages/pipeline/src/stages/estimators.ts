import type { Estimator, MethodId } from '@macrograd/core';
import { ewmOlsEstimator, olsEstimator, rollingOlsEstimator, zeroEstimator } from '@macrograd/linear';
import type { LstmConfig, RunConfig } from '../config/config.js';

/** How every method is made; the one place that knows them all by name. */
const makers: Readonly<Record<Exclude<MethodId, 'lstm'>, (lstm: LstmConfig) => Estimator>> = {
  zero: () => zeroEstimator(),
  ols: () => olsEstimator(),
  rolling_ols: () => rollingOlsEstimator(),
  ewm_ols: () => ewmOlsEstimator(),
};

/** The estimators of a config, in the order of the tables. */
export function estimatorsOf({ methods, lstm }: RunConfig): Estimator[] {
  return methods.filter((m) => m !== 'lstm').map((method) => makers[method](lstm));
}

export function defaultEstimators(methods: readonly MethodId[] = ['zero', 'ols']): Estimator[] {
  return methods.filter((m) => m !== 'lstm').map((method) => makers[method]({} as LstmConfig));
}
