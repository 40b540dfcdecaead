import { ArgumentError, type FactorPanel, type Fitted, indexesOfRole } from '@macrograd/core';
import { normalQuantile } from './normal.js';

/** Training SD of every series with role `factor`, in panel order: what a per-SD exposure is divided by. */
export function unitDivisors(fitted: Fitted, inputs: FactorPanel): Float64Array {
  const { sd } = fitted.parameters().scaler;
  if (sd.length !== inputs.factors.length) {
    throw new ArgumentError(
      `the fit knows ${sd.length} series and the inputs have ${inputs.factors.length}`,
      'pass inputs with the series that the method was fitted on, in the same order',
    );
  }
  return Float64Array.from(indexesOfRole(inputs, 'factor'), (column) => sd[column]);
}

/** Half the width of a two-sided normal interval in standard errors: 1.645 at level .90. */
export function halfWidthFactor(level: number): number {
  if (!(level > 0 && level < 1)) throw new ArgumentError(`an interval level of ${level} does not lie between 0 and 1`);
  return normalQuantile((1 + level) / 2);
}
