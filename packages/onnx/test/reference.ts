import type { EncoderParameters, FactorPanel, LinearParameters, LstmParameters } from '@macrograd/core';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const dot = (a: ArrayLike<number>, start: number, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += a[start + i] * b[i];
  return sum;
};

/** Hidden state of a one-layer LSTM after the last step, float64, gates i, f, g, o (torch.nn.LSTM's equations). */
export function lstmHidden(member: EncoderParameters, window: readonly (readonly number[])[]): number[] {
  const { hiddenSize: H, inputSize: I, weightIh, weightHh, bias } = member;
  let h = new Array<number>(H).fill(0);
  let c = new Array<number>(H).fill(0);
  for (const x of window) {
    const gate = (block: number, unit: number) => {
      const row = block * H + unit;
      return dot(weightIh, row * I, x) + dot(weightHh, row * H, h) + bias[row];
    };
    const cell = c.map((old, unit) => sigmoid(gate(1, unit)) * old + sigmoid(gate(0, unit)) * Math.tanh(gate(2, unit)));
    h = cell.map((value, unit) => sigmoid(gate(3, unit)) * Math.tanh(value));
    c = cell;
  }
  return h;
}

/** Returns [asset] of the ensemble at one row, written straight from the definition, float64. */
export function lstmReturns(parameters: LstmParameters, inputs: FactorPanel, row: number): number[] {
  const { columns, windowColumns, flagged, scaler, members, returnMean, returnSd } = parameters;
  const raw = (step: number, column: number) => inputs.values[step * inputs.factors.length + column];
  const z = (step: number, column: number) =>
    step < 0 || Number.isNaN(raw(step, column)) ? 0 : (raw(step, column) - scaler.mean[column]) / scaler.sd[column];
  const observed = (step: number, column: number) => (step < 0 || Number.isNaN(raw(step, column)) ? 0 : 1);
  const encoderInput = (step: number) => [
    ...windowColumns.map((column) => z(step, column)),
    ...flagged.map((column) => observed(step, column)),
  ];
  const sums = new Array<number>(returnMean.length).fill(0);
  for (const member of members) {
    const { lookback, lagCount, filterCount, lagFilters, featureMean, heads } = member;
    const window = Array.from({ length: lookback }, (_, i) => encoderInput(row - lookback + 1 + i));
    const lags = Array.from({ length: filterCount }, (_, m) => {
      let sum = 0;
      for (let k = 0; k < lagCount; k++) {
        columns.forEach((column, f) => {
          sum += lagFilters[(k * columns.length + f) * filterCount + m] * z(row - k, column);
        });
      }
      return sum;
    });
    const features = [...columns.map((column) => z(row, column)), ...lstmHidden(member, window), ...lags];
    const centred = features.map((x, k) => x - featureMean[k]);
    sums.forEach((sum, asset) => {
      sums[asset] = sum + dot(heads, asset * centred.length, centred);
    });
  }
  return sums.map((sum, asset) => returnMean[asset] + (returnSd[asset] * sum) / members.length);
}

/** Returns [asset] of a linear method at one row. */
export function linearReturns(parameters: LinearParameters, inputs: FactorPanel, row: number): number[] {
  const { columns, scaler, intercept, coefficients, missingColumns, missingCoefficients } = parameters;
  const raw = (j: number) => inputs.values[row * inputs.factors.length + j];
  const z = columns.map((j) => (Number.isNaN(raw(j)) ? 0 : (raw(j) - scaler.mean[j]) / scaler.sd[j]));
  const missing = missingColumns.map((j) => (Number.isNaN(raw(j)) ? 1 : 0));
  return Array.from(intercept, (constant, asset) => {
    const marked = dot(missingCoefficients, asset * missing.length, missing);
    return constant + dot(coefficients, asset * columns.length, z) + marked;
  });
}
