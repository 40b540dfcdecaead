import {
  type EncoderParameters,
  type FactorPanel,
  type LinearParameters,
  type LstmParameters,
  MEMBER_SPREAD_WEIGHT,
} from '@macrograd/core';

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

/** Standardised inputs at a step (a negative one lies before the panel): z of a column, and whether it is observed. */
export interface Standardised {
  readonly z: (step: number, column: number) => number;
  readonly observed: (step: number, column: number) => number;
}

export function standardisedInputs({ scaler }: LstmParameters, inputs: FactorPanel): Standardised {
  const raw = (step: number, column: number) => inputs.values[step * inputs.factors.length + column];
  return {
    z: (step, column) =>
      step < 0 || Number.isNaN(raw(step, column)) ? 0 : (raw(step, column) - scaler.mean[column]) / scaler.sd[column],
    observed: (step, column) => (step < 0 || Number.isNaN(raw(step, column)) ? 0 : 1),
  };
}

/** Centred features [z | h | l] of one member at one row, written straight from the definition, float64. */
export function memberFeatures(
  { columns, windowColumns, flagged }: LstmParameters,
  member: EncoderParameters,
  { z, observed }: Standardised,
  row: number,
): number[] {
  const { lookback, lagCount, filterCount, lagFilters, featureMean } = member;
  const encoderInput = (step: number) => [
    ...windowColumns.map((column) => z(step, column)),
    ...flagged.map((column) => observed(step, column)),
  ];
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
  return features.map((x, k) => x - featureMean[k]);
}

/** Returns [asset] of the ensemble at one row. */
export function lstmReturns(parameters: LstmParameters, inputs: FactorPanel, row: number): number[] {
  const { members, returnMean, returnSd } = parameters;
  const standardised = standardisedInputs(parameters, inputs);
  const sums = new Array<number>(returnMean.length).fill(0);
  for (const member of members) {
    const centred = memberFeatures(parameters, member, standardised, row);
    sums.forEach((sum, asset) => {
      sums[asset] = sum + dot(member.heads, asset * centred.length, centred);
    });
  }
  return sums.map((sum, asset) => returnMean[asset] + (returnSd[asset] * sum) / members.length);
}

// Central differences in float64 with this step are exact to about 1e-10.
const STEP = 1e-5;

/** Exposures of one row and their standard errors, from differences of the features: [asset][lag][factor]. */
export function lstmExposures(
  parameters: LstmParameters,
  inputs: FactorPanel,
  row: number,
  targets: readonly number[],
  lags: number,
) {
  const { members, returnSd, assetGroup } = parameters;
  const assets = returnSd.length;
  const standardised = standardisedInputs(parameters, inputs);
  const derivatives = members.map((member) =>
    Array.from({ length: lags * targets.length }, (_, cell) => {
      const [lag, column] = [Math.floor(cell / targets.length), targets[cell % targets.length]];
      const moved = (by: number) => {
        const z = (step: number, j: number) => standardised.z(step, j) + (step === row - lag && j === column ? by : 0);
        return memberFeatures(parameters, member, { ...standardised, z }, row);
      };
      const [up, down] = [moved(STEP), moved(-STEP)];
      return up.map((value, k) => (value - down[k]) / (2 * STEP));
    }),
  );
  /** Exposure and standard error of an asset by a combination of cells. */
  const read = (asset: number, cells: readonly number[]) => {
    const sums = derivatives.map((own) => own[0].map((_, k) => cells.reduce((sum, cell) => sum + own[cell][k], 0)));
    const values = members.map(({ heads }, e) => dot(heads, asset * sums[e].length, sums[e]));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const spread = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length - 1);
    const posterior = members.map(({ headCovariance, headBasis, headVariances }, e) => {
      const size = sums[e].length;
      const group = assetGroup?.[asset] ?? -1;
      if (!headCovariance || group < 0) return Number.NaN;
      const common = sums[e].reduce(
        (sum, s, k) => sum + s * dot(headCovariance, (group * size + k) * size, sums[e]),
        0,
      );
      if (!headBasis || !headVariances) return common;
      const directions = headVariances.length / assets - 1;
      const own = headVariances.subarray(asset * (1 + directions), (asset + 1) * (1 + directions));
      const along = (p: number) => dot(headBasis, (group * directions + p) * size, sums[e]) ** 2;
      return own.subarray(1).reduce((sum, v, p) => sum + v * along(p), own[0] * common);
    });
    const variance = posterior.reduce((a, b) => a + b, 0) / members.length + MEMBER_SPREAD_WEIGHT * spread;
    const sd = returnSd[asset];
    return { value: sd * mean, se: sd * Math.sqrt(variance), spread: sd * Math.sqrt(spread) };
  };
  const everyLag = Array.from({ length: lags }, (_, lag) => lag);
  return Array.from({ length: assets }, (_, asset) => ({
    lags: everyLag.map((lag) => targets.map((_, f) => read(asset, [lag * targets.length + f]))),
    contemporaneous: targets.map((_, f) => read(asset, [f])),
    cumulative: targets.map((_, f) =>
      read(
        asset,
        everyLag.map((lag) => lag * targets.length + f),
      ),
    ),
  }));
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
