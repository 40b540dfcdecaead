import {
  type FactorPanel,
  type Fitted,
  indexesOfRole,
  type JacobianBlock,
  type LinearParameters,
  type ReturnMatrix,
  type Span,
} from '@macrograd/core';

/**
 * Expected returns of a linear method from its stored parameters alone, without the fit that they came from.
 *
 *   return = intercept + sum over columns of coefficient * z + sum over missing series of their coefficient
 *
 * with z = (x - mean) / sd, and 0 where x is missing. NaN for an asset that was not estimated.
 *
 * @example
 * const { values } = predictLinear(fitted.parameters(), panel.inputs, { start: 0, end: 12 });
 */
export function predictLinear(parameters: LinearParameters, inputs: FactorPanel, span: Span): ReturnMatrix {
  const { scaler, columns, intercept, coefficients, missingColumns, missingCoefficients } = parameters;
  const series = inputs.factors.length;
  const assets = intercept.length;
  const values = new Float64Array((span.end - span.start) * assets);
  for (let row = span.start; row < span.end; row++) {
    const x = inputs.values.subarray(row * series, (row + 1) * series);
    const z = columns.map((column) =>
      Number.isNaN(x[column]) ? 0 : (x[column] - scaler.mean[column]) / scaler.sd[column],
    );
    const missing = missingColumns.map((column) => (Number.isNaN(x[column]) ? 1 : 0));
    for (let asset = 0; asset < assets; asset++) {
      let sum = intercept[asset];
      z.forEach((value, j) => {
        sum += coefficients[asset * z.length + j] * value;
      });
      missing.forEach((value, j) => {
        sum += missingCoefficients[asset * missing.length + j] * value;
      });
      values[(row - span.start) * assets + asset] = sum;
    }
  }
  return { span, assets: { start: 0, end: assets }, values };
}

/**
 * Exposures of a linear method from its stored parameters alone: the coefficients, at every row where the factor is
 * observed. NaN for a coefficient that was left out.
 *
 * @example
 * const { values } = linearJacobian(fitted.parameters(), panel.inputs, { start: 0, end: 12 });
 */
export function linearJacobian(parameters: LinearParameters, inputs: FactorPanel, span: Span): JacobianBlock {
  const { columns, coefficients, variances, intercept } = parameters;
  const targets = indexesOfRole(inputs, 'factor');
  const places = targets.map((target) => columns.indexOf(target));
  const series = inputs.factors.length;
  const dates = span.end - span.start;
  const values = new Float64Array(intercept.length * dates * targets.length).fill(Number.NaN);
  const variance = values.slice();
  for (let i = 0; i < values.length; i++) {
    const [asset, f] = [Math.floor(i / (dates * targets.length)), i % targets.length];
    const row = span.start + (Math.floor(i / targets.length) % dates);
    const at = asset * columns.length + places[f];
    const leftOut = variances !== undefined && Number.isNaN(variances[at]);
    if (places[f] < 0 || leftOut || Number.isNaN(inputs.values[row * series + targets[f]])) continue;
    values[i] = coefficients[at];
    if (variances) variance[i] = variances[at];
  }
  return {
    assets: { start: 0, end: intercept.length },
    span,
    dates,
    lags: 1,
    factors: targets.length,
    values,
    variance,
  };
}

/** Predictions and exposures of a linear method from its stored parameters alone. */
export function linearFromParameters(parameters: LinearParameters): Pick<Fitted, 'predict' | 'jacobian'> {
  return {
    predict: async (inputs, span) => predictLinear(parameters, inputs, span),
    jacobian: async function* (inputs, span) {
      yield linearJacobian(parameters, inputs, span);
    },
  };
}
