import {
  checkedSizes,
  entryOf,
  type LstmBatch,
  type LstmModel,
  type LstmOutOptions,
  lend,
  marshal,
  own,
  type RealArray,
  zerosLike,
} from './lstmCall.js';
import { runNative } from './native.js';

/**
 * Which derivatives with respect to a window's inputs are wanted. `every`: [step][input]. `sumOverSteps`, the response to a
 * lasting shift of an input: [input]. `{ input }`, that one at every step: [step]. What is not wanted is never stored.
 */
export type LstmColumns = 'every' | 'sumOverSteps' | { readonly input: number };

/** Columns that an {@link LstmColumns} has for windows of these sizes. */
export function columnCount(columns: LstmColumns, sequenceLength: number, inputSize: number): number {
  if (columns === 'every') return sequenceLength * inputSize;
  return columns === 'sumOverSteps' ? inputSize : sequenceLength;
}

/** The native form of wanted columns. */
export function nativeColumns(columns: LstmColumns): { kind: string; input?: number } {
  if (columns === 'every') return { kind: 'every' };
  return columns === 'sumOverSteps' ? { kind: 'sum_over_steps' } : { kind: 'input', input: columns.input };
}

/** What calls with chosen columns take. */
export interface LstmColumnOptions<A extends RealArray> extends LstmOutOptions<A> {
  /** Default `every`. */
  readonly columns?: LstmColumns;
}

/**
 * Wanted columns of the derivative of every output, [batch][output][column]. One backward pass an output: for many outputs
 * of one encoder take {@link lstmHiddenColumns} and {@link lstmExposures}.
 *
 * @throws MacrogradError As `lstmForward`; `bad_argument` for an input that there is not.
 * @example
 * const cumulative = await lstmJacobianColumns(model, batch, { columns: 'sumOverSteps' }); // [batch][output][input]
 */
export async function lstmJacobianColumns<A extends RealArray>(
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  options: LstmColumnOptions<A> = {},
): Promise<A> {
  return columnsOf('lstmJacobianColumns', model, batch, model.headBias.length, options);
}

/**
 * Wanted columns of the derivative of every unit of the last hidden state, [batch][hidden][column]: what the exposures of
 * any number of heads are made of. The model's head is not used and may be empty.
 *
 * @throws MacrogradError As {@link lstmJacobianColumns}.
 */
export async function lstmHiddenColumns<A extends RealArray>(
  encoder: LstmModel<A>,
  batch: LstmBatch<A>,
  options: LstmColumnOptions<A> = {},
): Promise<A> {
  return columnsOf('lstmHiddenColumns', encoder, batch, encoder.hiddenSize, options);
}

/** Sizes of {@link lstmExposures}. */
export interface LstmExposureShape {
  /** Windows of the encoder. */
  readonly dates: number;
  readonly hiddenSize: number;
  /** As of the hidden Jacobian: see {@link columnCount}. */
  readonly columns: number;
}

/**
 * Exposures of every asset whose head reads one shared encoder, [date][asset][column]: for each date one product of
 * `headWeight` [asset][hidden] with the hidden Jacobian [date][hidden][column] of {@link lstmHiddenColumns}.
 *
 * Blocks of assets give the same bits as all at once, so that a universe's exposures can be streamed; a row of heads that is
 * the mean of a group's rows gives the group's exposures. Equations: docs/derivations/lstm_exposures.md.
 *
 * @param options.out Array for the result. Give one that is used again and again: the first touch of fresh memory takes
 * longer than the product.
 * @throws MacrogradError `shape_mismatch`, `not_finite` (of the heads), `cancelled`.
 * @example
 * const hidden = await lstmHiddenColumns(encoder, windows);
 * const shape = { dates: windows.batchSize, hiddenSize: encoder.hiddenSize, columns: windows.sequenceLength * inputSize };
 * const out = new Float32Array(shape.dates * blockAssets * shape.columns);
 * for (const headWeight of headBlocks) await lstmExposures(shape, hidden, headWeight, { out, borrow: true });
 */
export async function lstmExposures<A extends RealArray>(
  shape: LstmExposureShape,
  hidden: A,
  headWeight: A,
  options: LstmOutOptions<A> = {},
): Promise<A> {
  const { dates, hiddenSize, columns } = checkedSizes(shape);
  const assets = hiddenSize === 0 ? 0 : Math.floor(headWeight.length / hiddenSize);
  const out = options.out ?? zerosLike(hidden, dates * assets * columns);
  const [jacobian, heads] = [own(hidden, options), own(headWeight, options)];
  const sizes = { dates, hiddenSize, columns, assets };
  await runNative(
    (native, run) =>
      entryOf(native, 'lstmExposures', [jacobian, heads, out])(sizes, lend(jacobian), lend(heads), lend(out), ...run),
    options,
  );
  return out;
}

async function columnsOf<A extends RealArray>(
  name: 'lstmJacobianColumns' | 'lstmHiddenColumns',
  model: LstmModel<A>,
  batch: LstmBatch<A>,
  rows: number,
  options: LstmColumnOptions<A>,
): Promise<A> {
  const columns = options.columns ?? 'every';
  const width = columnCount(columns, batch.sequenceLength, model.inputSize);
  const out = options.out ?? zerosLike(model.weights, batch.batchSize * rows * width);
  await runNative((native, run) => {
    const { call, arrays } = marshal(model, batch, options);
    return entryOf(native, name, [...arrays, out])(call, nativeColumns(columns), lend(out), ...run);
  }, options);
  return out;
}
