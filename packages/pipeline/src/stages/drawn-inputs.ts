import { type FactorPanel, monthEndOfIndex, Random } from '@macrograd/core';
import type { NamedModel, OnnxParameters } from '@macrograd/onnx';

/** Enough for a hundred windows of three years. */
const ROWS = 136;
/** Share of values that are missing, so that this path is compared too. */
const MISSING_SHARE = 0.02;

/** Spread of the inputs in training SDs: wide enough for limits on inputs to be compared too. */
const SPREAD = 1.5;

/** Inputs drawn about the training means of a model, to compare an export with it. */
export function drawnInputs({ info, parameters }: NamedModel<OnnxParameters>): FactorPanel {
  const { scaler } = parameters.method === 'chosen' ? parameters.parts[0].parameters : parameters;
  const { mean, sd } = scaler;
  const random = new Random(1);
  const values = Float64Array.from({ length: ROWS * mean.length }, (_, i) => {
    const value = mean[i % mean.length] + SPREAD * sd[i % mean.length] * random.normal();
    return random.uniform() < MISSING_SHARE ? Number.NaN : value;
  });
  const dates = Int32Array.from({ length: ROWS }, (_, row) => monthEndOfIndex(row));
  return { axis: { frequency: info.frequency, dates }, factors: info.factors, values };
}
