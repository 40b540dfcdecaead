import { ArgumentError } from '@macrograd/core';
import type * as binding from '#binding';
import type { RunOptions } from './native.js';

/** Float32 for speed, float64 for checking; every array of a call is of the same kind. */
export type RealArray = Float32Array | Float64Array;

/** A stacked LSTM as `torch.nn.LSTM` (gates i, f, g, o) with a linear head on the last hidden state. */
export interface LstmModel<A extends RealArray = RealArray> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  /** For each layer weight_ih [4H][F], weight_hh [4H][H], bias_ih [4H], bias_hh [4H], one after another. */
  readonly weights: A;
  /** [output][hidden]. */
  readonly headWeight: A;
  /** [output]; its length is the number of outputs. */
  readonly headBias: A;
}

/** A batch of input sequences; step 0 is the oldest. All values must be finite. */
export interface LstmBatch<A extends RealArray = RealArray> {
  /** [batch][step][input]. */
  readonly input: A;
  readonly batchSize: number;
  readonly sequenceLength: number;
  /** [layer][batch][hidden]; zero where absent. */
  readonly initialHidden?: A;
  /** [layer][batch][hidden]; zero where absent. */
  readonly initialCell?: A;
}

/** What every call on a batch takes. */
export interface LstmRunOptions extends RunOptions {
  /**
   * Promise that the caller changes no array before the result is there: they are then read in place. By default they
   * are copied first.
   */
  readonly borrow?: boolean;
}

/** What a call that writes one array takes. */
export interface LstmOutOptions<A extends RealArray> extends LstmRunOptions {
  /** Array to write to and return; made if absent. Not to be touched until the promise settles. */
  readonly out?: A;
}

/** Entries that exist in both precisions, by the name that they share. */
type PairedEntry = keyof {
  [K in keyof typeof binding as K extends `${infer Name}F32`
    ? `${Name}F64` extends keyof typeof binding
      ? Name
      : never
    : never]: K;
};

/**
 * The entry of the precision that `arrays` have. Both differ in their arrays' type alone, so that a caller sees the
 * float32 one and passes its arrays through {@link lend}.
 */
export function entryOf<K extends PairedEntry>(
  native: typeof binding,
  name: K,
  arrays: readonly RealArray[],
): (typeof binding)[`${K}F32`] {
  const precision = allF32(arrays) ? 'F32' : 'F64';
  return native[`${name}${precision}` as `${K}F32`];
}

/** An array in the type that {@link entryOf}'s entries take, and which that function checked. */
export function lend(array: RealArray): Float32Array {
  return array as Float32Array;
}

/** A copy of an array that JavaScript could change while a call runs, unless the caller promises not to. */
export function own<A extends RealArray>(array: A, options: { readonly borrow?: boolean }): A {
  return options.borrow ? array : (array.slice() as A);
}

/** The native form of a model and a batch, and its arrays; copies what JavaScript could change while it runs. */
export function marshal(
  model: LstmModel,
  batch: LstmBatch,
  options: { readonly borrow?: boolean },
): { readonly call: binding.LstmModelF32; readonly arrays: readonly RealArray[] } {
  const sizes = checkedSizes({
    inputSize: model.inputSize,
    hiddenSize: model.hiddenSize,
    layers: model.layers,
    batchSize: batch.batchSize,
    sequenceLength: batch.sequenceLength,
  });
  const arrays = {
    weights: lend(own(model.weights, options)),
    headWeight: lend(own(model.headWeight, options)),
    headBias: lend(own(model.headBias, options)),
    input: lend(own(batch.input, options)),
    ...(batch.initialHidden && { initialHidden: lend(own(batch.initialHidden, options)) }),
    ...(batch.initialCell && { initialCell: lend(own(batch.initialCell, options)) }),
  };
  return { call: { sizes, ...arrays }, arrays: Object.values(arrays) };
}

/** Refuses sizes that are no counts. */
export function checkedSizes<S extends Readonly<Record<keyof S, number>>>(sizes: S): S {
  for (const [name, size] of Object.entries<number>(sizes)) {
    if (!Number.isInteger(size) || size < 0)
      throw new ArgumentError(`${name} is ${size}`, 'pass an integer of at least 0');
  }
  return sizes;
}

/** Whether arrays are all float32; throws when kinds are mixed. */
function allF32(arrays: readonly RealArray[]): boolean {
  const f32 = arrays.filter((value) => value instanceof Float32Array).length;
  if (f32 !== 0 && f32 !== arrays.length) {
    throw new ArgumentError('arrays of one call mix float32 and float64', 'convert them to one kind');
  }
  return f32 !== 0;
}

/** An array of zeros of the same kind. */
export function zerosLike<A extends RealArray>(like: A, length: number): A {
  return (like instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)) as A;
}
