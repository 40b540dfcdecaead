import { type FactorPanel, type Fitted, regimeAsLinear, type Span, type ThresholdParameters } from '@macrograd/core';
import { linearJacobian, predictLinear } from './predict.js';
import { delayed } from './threshold-candidates.js';

/**
 * Predictions and exposures of a threshold regression from its stored parameters alone.
 *
 * @example
 * const { values } = await thresholdFromParameters(fitted.parameters()).predict(panel.inputs, { start: 0, end: 12 });
 */
export function thresholdFromParameters(parameters: ThresholdParameters): Pick<Fitted, 'predict' | 'jacobian'> {
  const regimes = [parameters, parameters.lower, parameters.upper].map((own) => regimeAsLinear(parameters, own));
  const assets = parameters.intercept.length;
  return {
    predict: async (inputs, span) => {
      const each = regimes.map((regime) => predictLinear(regime, inputs, span));
      const values = each[0].values.map((_, at) => {
        const [row, asset] = [Math.floor(at / assets), at % assets];
        return each[regimeOf(parameters, inputs, span, row, asset)].values[at];
      });
      return { ...each[0], values };
    },
    jacobian: async function* (inputs, span) {
      const each = regimes.map((regime) => linearJacobian(regime, inputs, span));
      const { dates, factors } = each[0];
      const pick = (name: 'values' | 'variance') =>
        each[0][name].map((_, at) => {
          const [asset, row] = [Math.floor(at / (dates * factors)), Math.floor(at / factors) % dates];
          return each[regimeOf(parameters, inputs, span, row, asset)][name][at];
        });
      yield { ...each[0], values: pick('values'), variance: pick('variance') };
    },
  };
}

/** 0 = without a threshold, 1 = lower, 2 = upper. */
function regimeOf(
  parameters: ThresholdParameters,
  inputs: FactorPanel,
  span: Span,
  row: number,
  asset: number,
): number {
  const { variable, threshold, delay } = parameters;
  if (variable[asset] < 0) return 0;
  const q = delayed(inputs, span.start + row, variable[asset], delay);
  if (Number.isNaN(q)) return 0;
  return q > threshold[asset] ? 2 : 1;
}
