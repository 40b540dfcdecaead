import {
  type EncoderParameters,
  type FactorPanel,
  type LstmParameters,
  lstmOfAsset,
  type PerAssetLstmParameters,
  type Span,
} from '@macrograd/core';
import { lstmStates } from '@macrograd/kernel';
import { encoderInputs, gatherWindows } from './input-rule.js';

/** How long the encoders of an ensemble remember, read from their forget gates. */
export interface EffectiveMemory {
  /** Window length of the longest member: no retention reaches further. */
  readonly lookback: number;
  /**
   * [lag], lag 0 first: share left of what a unit took up so many rows before, the product of its forget gates since;
   * mean over dates, members and units, units by what they contribute to the variance of expected returns.
   */
  readonly retention: Float64Array;
  /** Past rows, each counted with its share: the sum of the retention over lags from 1. */
  readonly periods: number;
}

/** Windows, and networks of single assets, that are read at most: means settle long before. */
const MOST_WINDOWS = 120;
const MOST_NETWORKS = 40;

/**
 * The effective memory of a fitted LSTM over the rows of a span.
 *
 * With c_t = f_t c_{t-1} + i_t g_t (Hochreiter and Schmidhuber 1997; forget gate of Gers, Schmidhuber and Cummins 2000)
 * what enters a cell at t - k is left at t by the product of f_{t-k+1} ... f_t. A gate that stands still at f gives the
 * memory f + f^2 + ..., that is f / (1 - f) rows, cut off by the window. It bounds how far back the network can look, not
 * what it makes of it: that is the lag profile, which also has the lag filters beside the network (12 rows). Where every
 * asset has a network of its own, the mean over (at most 40 of) them.
 *
 * @example
 * const { periods } = await effectiveMemory(fitted.parameters(), panel.inputs, { start: 0, end: 420 });
 */
export async function effectiveMemory(
  parameters: LstmParameters | PerAssetLstmParameters,
  inputs: FactorPanel,
  span: Span,
): Promise<EffectiveMemory> {
  const networks = 'mode' in parameters ? someNetworks(parameters) : [parameters];
  const each: EffectiveMemory[] = [];
  for (const network of networks) each.push(await memoryOf(network, inputs, span));
  const retention = each[0].retention.map((_, lag) => {
    return each.reduce((sum, own) => sum + own.retention[lag] / each.length, 0);
  });
  const periods = retention.subarray(1).reduce((sum, share) => sum + share, 0);
  return { lookback: each[0].lookback, retention, periods };
}

/** Networks of fitted assets, evenly spread; of the first asset where none is fitted. */
function someNetworks(parameters: PerAssetLstmParameters): LstmParameters[] {
  const fitted = Array.from(parameters.returnMean.keys()).filter((i) => !Number.isNaN(parameters.returnMean[i]));
  const step = Math.ceil(fitted.length / MOST_NETWORKS);
  const some = fitted.filter((_, i) => i % step === 0);
  return (some.length > 0 ? some : [0]).map((asset) => lstmOfAsset(parameters, asset));
}

async function memoryOf(parameters: LstmParameters, inputs: FactorPanel, span: Span): Promise<EffectiveMemory> {
  const lookback = Math.max(...parameters.members.map((member) => member.lookback));
  const retention = new Float64Array(lookback);
  for (const member of parameters.members) {
    const own = await memberRetention(member, parameters, inputs, span);
    own.forEach((share, lag) => {
      retention[lag] += share / parameters.members.length;
    });
  }
  return { lookback, retention, periods: retention.subarray(1).reduce((sum, share) => sum + share, 0) };
}

/** [lag] of one member. */
async function memberRetention(
  member: EncoderParameters,
  parameters: LstmParameters,
  inputs: FactorPanel,
  span: Span,
): Promise<Float64Array> {
  const { lookback, hiddenSize } = member;
  const { windows, count } = windowsOf(member, parameters, inputs, span);
  const { hidden } = await lstmStates(
    {
      inputSize: member.inputSize,
      hiddenSize,
      layers: 1,
      weights: Float64Array.from([...member.weightIh, ...member.weightHh, ...member.bias, ...zeros(4 * hiddenSize)]),
      headWeight: new Float64Array(hiddenSize),
      headBias: new Float64Array(1),
    },
    { input: windows, batchSize: count, sequenceLength: lookback },
  );
  const weights = unitWeights(member, parameters, hidden, count);
  const out = new Float64Array(lookback);
  for (let window = 0; window < count; window++) {
    for (let unit = 0; unit < hiddenSize; unit++) {
      let left = 1;
      for (let lag = 0; lag < lookback; lag++) {
        out[lag] += (weights[unit] * left) / count;
        left *= forgetGate(member, windows, hidden, window, lookback - 1 - lag, unit);
      }
    }
  }
  return out;
}

function zeros(length: number): Float64Array {
  return new Float64Array(length);
}

/** Windows [window][step][input] that end at rows spread evenly over the span; rows before the first are the mean. */
function windowsOf(member: EncoderParameters, parameters: LstmParameters, inputs: FactorPanel, span: Span) {
  const { lookback, inputSize } = member;
  const rows = encoderInputs(parameters, inputs, { start: 0, end: span.end });
  const length = span.end - span.start;
  const count = Math.min(MOST_WINDOWS, length);
  const ends = Array.from({ length: count }, (_, i) => span.start + Math.floor(((i + 1) * length) / count) - 1);
  const windows = gatherWindows(rows, ends, lookback, new Float64Array(count * lookback * inputSize));
  return { windows, count };
}

/** sigmoid(W_f x_s + U_f h_{s-1} + b_f) of one unit at step s of a window; gates in the order i, f, g, o. */
function forgetGate(
  { lookback, hiddenSize, inputSize, weightIh, weightHh, bias }: EncoderParameters,
  windows: Float64Array,
  hidden: Float64Array,
  window: number,
  step: number,
  unit: number,
): number {
  const row = hiddenSize + unit;
  let sum = bias[row];
  const x = (window * lookback + step) * inputSize;
  for (let j = 0; j < inputSize; j++) sum += weightIh[row * inputSize + j] * windows[x + j];
  if (step > 0) {
    const h = (window * lookback + step - 1) * hiddenSize;
    for (let j = 0; j < hiddenSize; j++) sum += weightHh[row * hiddenSize + j] * hidden[h + j];
  }
  return 1 / (1 + Math.exp(-sum));
}

/** [unit], sum 1: sum over assets of (SD of the return x head)^2 times the variance of the unit's output over windows. */
function unitWeights(
  { hiddenSize, lookback, heads, featureMean, conditional }: EncoderParameters,
  { columns, returnSd }: LstmParameters,
  hidden: Float64Array,
  count: number,
): Float64Array {
  const features = featureMean.length;
  const out = new Float64Array(hiddenSize).map((_, unit) => {
    const last = Array.from({ length: count }, (__, i) => hidden[((i + 1) * lookback - 1) * hiddenSize + unit]);
    const mean = last.reduce((sum, h) => sum + h, 0) / count;
    const variance = last.reduce((sum, h) => sum + (h - mean) ** 2, 0) / count;
    // Heads of the units follow those of the factors; of products there is one a factor.
    const products = conditional ? columns.length : 1;
    const places = Array.from({ length: products }, (__, f) => columns.length + f * hiddenSize + unit);
    const size = returnSd.reduce((sum, sd, asset) => {
      const squares = places.map((place) => (sd * heads[asset * features + place]) ** 2);
      return Number.isNaN(squares[0]) ? sum : squares.reduce((total, square) => total + square, sum);
    }, 0);
    return size * variance;
  });
  const total = out.reduce((sum, weight) => sum + weight, 0);
  // Where no unit contributes, all count alike.
  return out.map((weight) => (total > 0 ? weight / total : 1 / hiddenSize));
}
