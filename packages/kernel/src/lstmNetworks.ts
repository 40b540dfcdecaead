import { ArgumentError, type ErrorCode } from '@macrograd/core';
import type * as binding from '#binding';
import { type LstmTrainOptions, trainSettings } from './lstm.js';
import { checkedSizes, entryOf, type LstmRunOptions, lend, own, type RealArray, zerosLike } from './lstmCall.js';
import { columnCount, type LstmColumnOptions, nativeColumns } from './lstmExposures.js';
import { runNative } from './native.js';

/** Networks of one size, each with weights of its own: one for every asset, say. */
export interface LstmNetworks<A extends RealArray = RealArray> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  /** Outputs of each network. */
  readonly outputs: number;
  /** [network][parameter], each as the `weights` of an `LstmModel`. */
  readonly weights: A;
  /** [network][output][hidden]. */
  readonly headWeight: A;
  /** [network][output]. */
  readonly headBias: A;
}

/** Every network's windows; all values must be finite. */
export interface LstmNetworkBatches<A extends RealArray = RealArray> {
  /** [network][window][step][input]. */
  readonly input: A;
  /** [network]: windows of each, 0 allowed. */
  readonly batchSizes: readonly number[];
  readonly sequenceLength: number;
}

/** A network that could not be trained; the others are not affected. */
export interface LstmNetworkFailure {
  readonly network: number;
  /** `bad_input`: no target is observed; `native_failure`: training diverged. */
  readonly code: ErrorCode;
  /** What happened and what to do about it. */
  readonly message: string;
}

/** Trained networks and how their losses went. */
export interface LstmNetworksTraining<A extends RealArray> {
  readonly networks: LstmNetworks<A>;
  /** [network][epoch]: mean squared error; NaN for a network that could not be trained. */
  readonly trainingLoss: Float64Array;
  readonly failures: readonly LstmNetworkFailure[];
}

/**
 * Trains thousands of networks, each on its own windows, in one native call. Network i trains as `lstmTrain` does with seed
 * `options.seed + i`, to the same bits, for any number of threads.
 *
 * @param targets [network][window][output]; NaN = missing: no loss and no gradient.
 * @throws MacrogradError `shape_mismatch`, `bad_argument`, `cancelled`. What befalls one network is in `failures`.
 * @example
 * const { networks, failures } = await lstmTrainEach(start, { input, batchSizes, sequenceLength: 12 }, targets, {
 *   seed: 1,
 *   epochs: 20,
 * });
 */
export async function lstmTrainEach<A extends RealArray>(
  networks: LstmNetworks<A>,
  batches: LstmNetworkBatches<A>,
  targets: A,
  options: Omit<LstmTrainOptions, 'validationRows' | 'patience'>,
): Promise<LstmNetworksTraining<A>> {
  const { call, arrays } = marshalNetworks(networks, batches, {});
  const ownTargets = targets.slice() as A;
  const report = await runNative((native, run) => {
    const entry = entryOf(native, 'lstmTrainEach', [...arrays, ownTargets]);
    return entry(call, lend(ownTargets), trainSettings(options), ...run);
  }, options);
  const { weights, headWeight, headBias } = call as unknown as LstmNetworks<A>;
  return {
    networks: { ...networks, weights, headWeight, headBias },
    trainingLoss: Float64Array.from(report.trainingLoss),
    failures: report.failures as LstmNetworkFailure[],
  };
}

/**
 * Wanted columns of every network's Jacobian on its own windows, [network][window][output][column].
 *
 * @throws MacrogradError As `lstmForward`, for the first network that is refused.
 */
export async function lstmJacobianEach<A extends RealArray>(
  networks: LstmNetworks<A>,
  batches: LstmNetworkBatches<A>,
  options: LstmColumnOptions<A> = {},
): Promise<A> {
  const columns = options.columns ?? 'every';
  const { call, arrays } = marshalNetworks(networks, batches, options);
  const width = columnCount(columns, batches.sequenceLength, networks.inputSize);
  const out = options.out ?? zerosLike(networks.weights, call.sizes.batchSize * networks.outputs * width);
  await runNative(
    (native, run) =>
      entryOf(native, 'lstmJacobianEach', [...arrays, out])(call, nativeColumns(columns), lend(out), ...run),
    options,
  );
  return out;
}

function marshalNetworks(
  networks: LstmNetworks,
  batches: LstmNetworkBatches,
  options: LstmRunOptions,
): { readonly call: binding.LstmNetworksF32; readonly arrays: readonly RealArray[] } {
  const wrong = batches.batchSizes.findIndex((size) => !Number.isInteger(size) || size < 0);
  if (wrong >= 0) {
    throw new ArgumentError(`batchSizes[${wrong}] is ${batches.batchSizes[wrong]}`, 'pass integers of at least 0');
  }
  const sizes = checkedSizes({
    inputSize: networks.inputSize,
    hiddenSize: networks.hiddenSize,
    layers: networks.layers,
    batchSize: batches.batchSizes.reduce((sum, size) => sum + size, 0),
    sequenceLength: batches.sequenceLength,
  });
  const { outputs } = checkedSizes({ outputs: networks.outputs });
  const arrays = {
    weights: lend(own(networks.weights, options)),
    headWeight: lend(own(networks.headWeight, options)),
    headBias: lend(own(networks.headBias, options)),
    input: lend(own(batches.input, options)),
  };
  const call = { sizes, outputs, batchSizes: [...batches.batchSizes], ...arrays };
  return { call, arrays: Object.values(arrays) };
}
