import type { FactorPanel, LinearParameters, ReturnMatrix, Span } from '@macrograd/core';

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
