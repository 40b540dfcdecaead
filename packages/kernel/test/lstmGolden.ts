/**
 * The PyTorch cases of the Rust crate (test/reference/lstm_golden.py) through the facade, whichever binding it loads. No
 * Node modules: a page runs this too.
 */
import {
  type LstmBatch,
  type LstmModel,
  lstmBackward,
  lstmForward,
  lstmJacobian,
  lstmStates,
  type RealArray,
} from '../src/index.js';

const PROBES = 3;
const PROBE_SEED = 0x5eed;

/** Ordinary cases: rounding of sums in another order through up to 120 steps. */
export const F64_BOUND = 1e-12;
export const F32_BOUND = 1e-5;
/** Weights of 10 to 50 times the usual size: saturated gates amplify rounding. In float32 they need only be finite. */
export const SATURATED_F64_BOUND = 1e-6;

interface GoldenArray {
  readonly name: string;
  readonly count: number;
  /** Whether the numbers are the array itself, rather than its sum of squares and dot products. */
  readonly full: boolean;
  readonly numbers: readonly number[];
}

/** Sizes and seed of a case, and what PyTorch makes of it. */
export interface GoldenCase {
  readonly hiddenSize: number;
  readonly inputSize: number;
  readonly layers: number;
  readonly batchSize: number;
  readonly sequenceLength: number;
  readonly initial: boolean;
  /** Weights are drawn from +- gain / sqrt(hidden size). */
  readonly gain: number;
  readonly seed: number;
  readonly arrays: readonly GoldenArray[];
}

/** The cases of a golden file. */
export function parseGolden(text: string): GoldenCase[] {
  const blocks = text.split(/^case /m).slice(1);
  return blocks.map((block) => {
    const [head, ...lines] = block.trim().split('\n');
    const [hiddenSize, inputSize, layers, batchSize, sequenceLength, initial, gain, seed] = head.split(' ').map(Number);
    const arrays = lines.map((line) => {
      const [name, count, kind, ...numbers] = line.split(' ');
      return { name, count: Number(count), full: kind === 'full', numbers: numbers.map(Number) };
    });
    return { hiddenSize, inputSize, layers, batchSize, sequenceLength, initial: initial === 1, gain, seed, arrays };
  });
}

/** Low 64 bits of a product, as two words. */
function multiply(high: number, low: number, byHigh: number, byLow: number): [high: number, low: number] {
  const [a, b] = [low >>> 16, low & 0xffff];
  const [c, d] = [byLow >>> 16, byLow & 0xffff];
  const middle = a * d + ((b * d) >>> 16);
  const carry = Math.floor((middle + b * c) / 0x10000);
  return [(Math.imul(high, byLow) + Math.imul(low, byHigh) + a * c + carry) >>> 0, Math.imul(low, byLow) >>> 0];
}

/** splitmix64 (Steele, Lea and Flood 2014), read as uniform float32 numbers on [-scale, scale). */
class Uniform {
  #high = 0;
  #low: number;

  constructor(seed: number) {
    this.#low = seed;
  }

  next(scale: number): number {
    const sum = this.#low + 0x7f4a7c15;
    this.#low = sum >>> 0;
    this.#high = (this.#high + 0x9e3779b9 + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    let [high, low] = [this.#high, this.#low];
    const mix = (shift: number) => {
      low = (low ^ ((low >>> shift) | (high << (32 - shift)))) >>> 0;
      high = (high ^ (high >>> shift)) >>> 0;
    };
    mix(30);
    [high, low] = multiply(high, low, 0xbf58476d, 0x1ce4e5b9);
    mix(27);
    [high, low] = multiply(high, low, 0x94d049bb, 0x133111eb);
    mix(31);
    const unit = (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
    return Math.fround((2 * unit - 1) * scale);
  }

  vector<A extends RealArray>(kind: { new (length: number): A }, length: number, scale: number): A {
    const out = new kind(length);
    for (let i = 0; i < length; i++) out[i] = this.next(scale);
    return out;
  }
}

const probes = new Map<number, readonly Float64Array[]>();

/** The vectors that arrays of a length are multiplied with. */
function probesOf(length: number): readonly Float64Array[] {
  let vectors = probes.get(length);
  if (!vectors) {
    const random = new Uniform(PROBE_SEED);
    vectors = Array.from({ length: PROBES }, () => random.vector(Float64Array, length, 1));
    probes.set(length, vectors);
  }
  return vectors;
}

/** Error of one array over its largest value; for probes, of the dot products over the array's root sum of squares. */
function goldenError(actual: RealArray, { name, count, full, numbers }: GoldenArray): number {
  if (actual.length !== count) throw new Error(`${name} has ${actual.length} elements, not ${count}`);
  if (!actual.every(Number.isFinite)) return Number.NaN;
  if (full) {
    const largest = Math.max(...numbers.map(Math.abs));
    return Math.max(...numbers.map((value, i) => Math.abs(actual[i] - value))) / Math.max(largest, Number.MIN_VALUE);
  }
  const norm = Math.sqrt(numbers[0]);
  const errors = probesOf(count).map((vector, probe) => {
    const dot = vector.reduce((sum, x, i) => sum + x * actual[i], 0);
    return Math.abs(dot - numbers[1 + probe]);
  });
  const ownNorm = Math.sqrt(Array.from(actual).reduce((sum, x) => sum + x * x, 0));
  return Math.max(Math.abs(ownNorm - norm), ...errors) / norm;
}

/** What the kernel makes of a case, by the golden file's names. */
async function computed<A extends RealArray>(
  kind: { new (length: number): A },
  golden: GoldenCase,
): Promise<Readonly<Record<string, RealArray>>> {
  const { hiddenSize, inputSize, layers, batchSize, sequenceLength } = golden;
  const outputs = 2;
  const random = new Uniform(golden.seed);
  const draw = (length: number, scale = 1) => random.vector(kind, length, scale);
  const parameters = 4 * hiddenSize * (inputSize + hiddenSize + 2 + (layers - 1) * (2 * hiddenSize + 2));
  const model: LstmModel<A> = {
    hiddenSize,
    inputSize,
    layers,
    weights: draw(parameters, golden.gain / Math.sqrt(hiddenSize)),
    headWeight: draw(outputs * hiddenSize),
    headBias: draw(outputs),
  };
  const input = draw(batchSize * sequenceLength * inputSize, 2);
  const states = layers * batchSize * hiddenSize;
  const [initialHidden, initialCell] = [draw(states), draw(states)];
  const batch: LstmBatch<A> = {
    input,
    batchSize,
    sequenceLength,
    ...(golden.initial && { initialHidden, initialCell }),
  };
  const dHidden = draw(batchSize * sequenceLength * hiddenSize);
  // The last step's hidden state has the first of these cotangents once more.
  const again = dHidden.slice(0, batchSize * hiddenSize);
  for (const [place, value] of again.entries()) {
    const [b, h] = [Math.floor(place / hiddenSize), place % hiddenSize];
    dHidden[((b + 1) * sequenceLength - 1) * hiddenSize + h] += value;
  }
  const gradients = await lstmBackward(model, batch, { hidden: dHidden });
  return {
    outputs: await lstmForward(model, batch),
    last_cell: (await lstmStates(model, batch)).cell,
    d_weights: gradients.weights,
    d_input: gradients.input,
    d_initial_hidden: gradients.initialHidden,
    d_initial_cell: gradients.initialCell,
    jacobian: (await lstmJacobian(model, batch)).jacobian,
  };
}

/** Errors of a case's arrays against PyTorch, largest over largest value; NaN where a value is not finite. */
export async function goldenErrors(
  kind: { new (length: number): RealArray },
  golden: GoldenCase,
): Promise<readonly { readonly name: string; readonly error: number }[]> {
  const arrays = await computed(kind, golden);
  return golden.arrays.map((array) => ({ name: array.name, error: goldenError(arrays[array.name], array) }));
}
