import type { AssetNetworks, EncoderParameters } from '@macrograd/core';
import type { ClosedFormInputs } from '@macrograd/kernel';
import { concurrently } from './concurrently.js';
import { MIN_ASSET_OBSERVATIONS } from './diagnose.js';
import { chosenLookback, type LearnedOptions, mean, type TrainedMember, trainMember } from './learned.js';

/** Assets, spread evenly over the universe, whose first members compare the windows. */
const COMPARED_ASSETS = 24;

/** A network for every asset. */
export interface PerAssetFit {
  readonly members: readonly AssetNetworks[];
  readonly lookback: number;
  /** Mean squared error on left-out rows of standardised returns, one a lookback; one window alone: of all networks. */
  readonly validationErrors: readonly number[];
  /** [asset]: mean over members of the head's constant; 0 without a fit. */
  readonly offsets: Float64Array;
}

/**
 * An LSTM with weights of its own for every asset, r_it = w_i'h_it + b_i, by Adam on the squared error of that asset's
 * returns: the rows on which it has one, of which each member leaves every fifth block out and stops by it.
 *
 * Nothing is shared, so that an asset says nothing of another; as with learned heads, the members' spread is all the
 * variance that exposures have (docs/methods/lstm.md). Which window all of them take, two dozen of the assets decide.
 *
 * @param returns [row][asset], standardised; NaN = missing, throughout for an asset that is not to be fitted.
 */
export async function perAssetFit(
  inputs: ClosedFormInputs,
  returns: Float64Array,
  assets: number,
  options: LearnedOptions,
): Promise<PerAssetFit> {
  const { lookbacks, members } = options;
  const data = assetData(inputs, returns, assets);
  const fitted = data.flatMap(({ rows }, asset) => (rows.length >= MIN_ASSET_OBSERVATIONS ? [asset] : []));
  const trainAll = async (tasks: readonly Task[], [from, to]: readonly [number, number]) => {
    const report = (share: number) => options.onProgress?.(from + (to - from) * share);
    return concurrently(tasks, options.threads, report, ({ asset, lookback, member }) =>
      trainMember(data[asset], lookback, member, { ...options, seed: options.seed + asset, threads: 1 }),
    );
  };
  let [lookback, compared] = [lookbacks[0], [] as number[]];
  if (lookbacks.length > 1) {
    const some = spreadOver(fitted, COMPARED_ASSETS);
    const tasks = lookbacks.flatMap((length) => some.map((asset) => ({ asset, lookback: length, member: 0 })));
    const errors = (await trainAll(tasks, [0, 0.5])).map(({ error }) => error);
    compared = lookbacks.map((_, i) => mean(errors.slice(i * some.length, (i + 1) * some.length)));
    lookback = lookbacks[chosenLookback(compared)];
  }
  const tasks = Array.from({ length: members }, (_, member) => fitted.map((asset) => ({ asset, lookback, member })));
  const trained = await trainAll(tasks.flat(), [lookbacks.length > 1 ? 0.5 : 0, 1]);
  const ofMember = (member: number) => trained.slice(member * fitted.length, (member + 1) * fitted.length);
  const offsets = new Float64Array(assets);
  fitted.forEach((asset, at) => {
    offsets[asset] = mean(tasks.map((_, member) => ofMember(member)[at].model.headBias[0]));
  });
  return {
    members: tasks.map((_, member) => ({
      ...stacked(ofMember(member), fitted, { assets, inputs, hiddenSize: options.hiddenSize }),
      seed: options.seed + 1000 * member,
    })),
    lookback,
    validationErrors: compared.length > 0 ? compared : [mean(trained.map(({ error }) => error))],
    offsets,
  };
}

interface Task {
  readonly asset: number;
  readonly lookback: number;
  readonly member: number;
}

/** What each asset's network learns from: its own returns, on the rows on which it has one. */
function assetData(inputs: ClosedFormInputs, returns: Float64Array, assets: number) {
  return Array.from({ length: assets }, (_, asset) => {
    const own = Float64Array.from({ length: inputs.rows }, (__, row) => returns[row * assets + asset]);
    const rows = Array.from(own.keys()).filter((row) => !Number.isNaN(own[row]));
    return { inputs, returns: own, assets: 1, rows };
  });
}

/** At most `count` of the items, evenly spread. */
function spreadOver(items: readonly number[], count: number): number[] {
  const step = Math.max(1, items.length / count);
  return Array.from({ length: Math.min(count, items.length) }, (_, i) => items[Math.floor(i * step)]);
}

/** The networks of one member below each other; zeros where an asset has none. */
function stacked(
  trained: readonly TrainedMember[],
  fitted: readonly number[],
  { assets, inputs, hiddenSize: H }: { assets: number; inputs: ClosedFormInputs; hiddenSize: number },
): Omit<AssetNetworks, 'seed'> {
  const stack = (width: number, part: (encoder: EncoderParameters) => ArrayLike<number>) => {
    const out = new Float32Array(assets * width);
    trained.forEach(({ encoder }, at) => {
      out.set(part(encoder), fitted[at] * width);
    });
    return out;
  };
  return {
    weightIh: stack(4 * H * inputs.windowSize, ({ weightIh }) => weightIh),
    weightHh: stack(4 * H * H, ({ weightHh }) => weightHh),
    bias: stack(4 * H, ({ bias }) => bias),
    // Heads stand after those on the factors, which are 0.
    headWeight: stack(H, ({ heads }) => heads.subarray(inputs.factorCount)),
  };
}
