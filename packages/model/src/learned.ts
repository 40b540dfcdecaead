import { type EncoderParameters, Random } from '@macrograd/core';
import { type ClosedFormInputs, type LstmModel, lstmTrain } from '@macrograd/kernel';
import { gatherWindows } from './input-rule.js';

/** Rows of a block that is left out as a whole, and how many members it takes until every block was left out. */
const BLOCK_ROWS = 12;
const BLOCK_GROUPS = 5;
const MOST_EPOCHS = 400;
const PATIENCE = 60;
const BATCH_ROWS = 64;
const LEARNING_RATE = 5e-3;
const WEIGHT_DECAY = 0.01;
/** SD of the noise on standardised inputs, as with closed-form heads. */
const INPUT_NOISE = 0.1;

/** What training a member is told. */
export interface MemberOptions {
  readonly hiddenSize: number;
  /** Most epochs; training stops where 60 of them bring no smaller error on left-out rows. Default 400. */
  readonly epochs?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** What training with learned heads is told. */
export interface LearnedOptions extends MemberOptions {
  /** Window lengths, shortest first, among which errors on left-out rows choose: see {@link chosenLookback}. */
  readonly lookbacks: readonly number[];
  readonly members: number;
  readonly onProgress?: (fraction: number) => void;
}

/** Members with learned heads. */
export interface LearnedFit {
  readonly members: readonly EncoderParameters[];
  readonly lookback: number;
  /** Mean squared error on left-out rows of standardised returns, one a lookback. */
  readonly validationErrors: readonly number[];
  /** [asset]: mean over members of the head's constant. */
  readonly offsets: Float64Array;
}

/**
 * LSTM and one linear head an asset, r_it = w_i'h_t + b_i, all trained together by Adam on squared error: what most
 * software means by an LSTM for many assets. Each member leaves every fifth year out and stops by it.
 *
 * Nothing shrinks an asset's head towards the others', and there is no posterior: the members' spread is all the variance
 * that exposures have, and covers too little (docs/methods/lstm.md).
 *
 * @param returns [row][asset], standardised; NaN = missing.
 */
export async function learnedFit(
  inputs: ClosedFormInputs,
  returns: Float64Array,
  assets: number,
  options: LearnedOptions,
): Promise<LearnedFit> {
  const { lookbacks, members } = options;
  const runs = lookbacks.flatMap((lookback) => Array.from({ length: members }, (_, member) => ({ lookback, member })));
  const rows = Array.from({ length: inputs.rows }, (_, row) => row);
  const data = { inputs, returns, assets, rows };
  const trained: TrainedMember[] = [];
  for (const [i, { lookback, member }] of runs.entries()) {
    options.onProgress?.(i / runs.length);
    trained.push(await trainMember(data, lookback, member, options));
  }
  const ofLookback = (i: number) => trained.slice(i * members, (i + 1) * members);
  const validationErrors = lookbacks.map((_, i) => mean(ofLookback(i).map(({ error }) => error)));
  const best = chosenLookback(validationErrors);
  const kept = ofLookback(best);
  return {
    members: kept.map(({ encoder }) => (members > 1 ? encoder : withoutVariance(encoder))),
    lookback: lookbacks[best],
    validationErrors,
    offsets: Float64Array.from({ length: assets }, (_, i) => mean(kept.map(({ model }) => model.headBias[i]))),
  };
}

/** What a member learns from. */
export interface MemberData {
  readonly inputs: ClosedFormInputs;
  /** [row][asset], standardised; NaN = missing. */
  readonly returns: Float64Array;
  readonly assets: number;
  /** Rows of the inputs that count, oldest first. */
  readonly rows: readonly number[];
}

/** A member, and its mean squared error on the rows that it left out. */
export interface TrainedMember {
  readonly model: LstmModel<Float32Array>;
  readonly encoder: EncoderParameters;
  readonly error: number;
}

/** Trains one member: it leaves out every fifth block of the rows, and stops by them. */
export async function trainMember(
  { inputs, returns, assets, rows }: MemberData,
  lookback: number,
  member: number,
  { hiddenSize, epochs = MOST_EPOCHS, seed, threads, signal }: MemberOptions,
): Promise<TrainedMember> {
  const ownSeed = seed + 1000 * member;
  // Of a short history blocks are shorter, so that every member leaves some of it out and learns from the rest.
  const blockRows = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(rows.length / BLOCK_GROUPS)));
  const isLeftOut = (place: number) => Math.floor(place / blockRows) % BLOCK_GROUPS === member % BLOCK_GROUPS;
  const leftOut = rows.filter((_, place) => isLeftOut(place));
  const order = [...rows.filter((_, place) => !isLeftOut(place)), ...leftOut];
  const start = untrained(inputs.windowSize, hiddenSize, assets, ownSeed);
  const input = gatherWindows(inputs, order, lookback, new Float32Array(rows.length * lookback * inputs.windowSize));
  const batch = { input, batchSize: rows.length, sequenceLength: lookback };
  const targets = Float32Array.from({ length: rows.length * assets }, (_, i) => {
    return returns[order[Math.floor(i / assets)] * assets + (i % assets)];
  });
  const { model, validationLoss, bestEpoch } = await lstmTrain(start, batch, targets, {
    epochs,
    patience: PATIENCE,
    batchSize: BATCH_ROWS,
    learningRate: LEARNING_RATE,
    weightDecay: WEIGHT_DECAY,
    inputNoise: INPUT_NOISE,
    validationRows: leftOut.length,
    seed: ownSeed,
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
  });
  const error = validationLoss.length === 0 ? 0 : validationLoss[bestEpoch];
  return { model, encoder: encoderOf(model, inputs.factorCount, lookback, ownSeed), error };
}

/** A longer window has to gain this share of the variance that a shorter one explains: docs/methods/lstm.md. */
const LOOKBACK_GAIN = 0.01;

/**
 * Place of the window to take, given the errors on left-out rows of standardised returns, shortest window first: the first,
 * or a later one that is better than the best so far by the share that it has to gain. As heads in closed form choose.
 */
export function chosenLookback(errors: readonly number[]): number {
  return errors.reduce((best, error, i) => {
    const needed = LOOKBACK_GAIN * Math.max(0, 1 - errors[best]);
    return error < errors[best] - needed ? i : best;
  }, 0);
}

/** Uniform weights within 1/sqrt(H), as PyTorch's; forget gates start open. */
function untrained(inputs: number, hidden: number, outputs: number, seed: number): LstmModel<Float32Array> {
  const random = new Random(seed);
  const bound = 1 / Math.sqrt(hidden);
  const uniform = (length: number) => Float32Array.from({ length }, () => bound * (2 * random.uniform() - 1));
  const biases = 4 * hidden * (inputs + hidden);
  const weights = uniform(biases + 8 * hidden);
  weights.fill(1, biases + hidden, biases + 2 * hidden);
  return {
    inputSize: inputs,
    hiddenSize: hidden,
    layers: 1,
    weights,
    headWeight: uniform(outputs * hidden),
    headBias: new Float32Array(outputs),
  };
}

/** The member as an encoder whose heads lie on the hidden units alone: nothing on the factors or on lag filters. */
function encoderOf(model: LstmModel<Float32Array>, factors: number, lookback: number, seed: number): EncoderParameters {
  const { inputSize, hiddenSize, weights, headWeight, headBias } = model;
  const gates = 4 * hiddenSize;
  const [recurrent, biases] = [gates * inputSize, gates * (inputSize + hiddenSize)];
  const features = factors + hiddenSize;
  const heads = new Float64Array(headBias.length * features);
  for (let asset = 0; asset < headBias.length; asset++) {
    heads.set(headWeight.subarray(asset * hiddenSize, (asset + 1) * hiddenSize), asset * features + factors);
  }
  return {
    lookback,
    hiddenSize,
    inputSize,
    weightIh: weights.slice(0, recurrent),
    weightHh: weights.slice(recurrent, biases),
    bias: Float32Array.from({ length: gates }, (_, i) => weights[biases + i] + weights[biases + gates + i]),
    lagFilters: new Float64Array(0),
    lagCount: 0,
    filterCount: 0,
    featureMean: new Float64Array(features),
    heads,
    // No posterior: what is left of the variance is the members' spread.
    headCovariance: new Float64Array(features * features),
    seed,
  };
}

/** One member has no spread, and there is no other variance: none at all, not 0. */
function withoutVariance({ headCovariance: _, ...encoder }: EncoderParameters): EncoderParameters {
  return encoder;
}

/** Arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
