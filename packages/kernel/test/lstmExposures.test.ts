import { describe, expect, it } from 'vitest';
import {
  columnCount,
  type LstmColumns,
  type LstmModel,
  lstmExposures,
  lstmHiddenColumns,
  lstmJacobian,
  lstmJacobianColumns,
  type RealArray,
} from '../src/index.js';
import { batch, filled, inputSize, model, refusal, relativeError } from './lstmCase.js';

/** Rounding of sums in another order. */
const F64_BOUND = 1e-12;
const F32_BOUND = 1e-5;

const dates = 7;
const steps = 6;
const assets = 70;
const kinds: readonly LstmColumns[] = ['every', 'sumOverSteps', { input: 1 }];

/** Columns of a full Jacobian [row][step][input], by the definition of the kinds. */
function contracted(full: RealArray, columns: LstmColumns): Float64Array {
  const width = steps * inputSize;
  const count = columnCount(columns, steps, inputSize);
  const out = new Float64Array((full.length / width) * count);
  for (const [i, value] of full.entries()) {
    const [row, step, input] = [Math.floor(i / width), Math.floor((i % width) / inputSize), i % inputSize];
    if (columns === 'every') out[i] = value;
    else if (columns === 'sumOverSteps') out[row * count + input] += value;
    else if (input === columns.input) out[row * count + step] = value;
  }
  return out;
}

/** The encoder with a head for every asset. */
function universe<A extends RealArray>(kind: { new (length: number): A }): LstmModel<A> {
  const encoder = model(kind, 9);
  return { ...encoder, headWeight: filled(kind, assets * 9, 1), headBias: new kind(assets) };
}

describe('lstmJacobianColumns', () => {
  it.each(kinds)('gives the columns %o of the Jacobian', async (columns) => {
    const { jacobian } = await lstmJacobian(model(Float64Array), batch(Float64Array, dates));
    const truth = contracted(jacobian, columns);
    const options = { columns, threads: 1 };
    const double = await lstmJacobianColumns(model(Float64Array), batch(Float64Array, dates), options);
    const single = await lstmJacobianColumns(model(Float32Array), batch(Float32Array, dates), options);
    expect(relativeError(double, truth)).toBeLessThan(F64_BOUND);
    expect(relativeError(single, truth)).toBeLessThan(F32_BOUND);
  });

  it('refuses an input that there is not', async () => {
    const columns = { input: inputSize };
    const call = lstmJacobianColumns(model(Float64Array), batch(Float64Array), { columns });
    expect((await refusal(call)).code).toBe('bad_argument');
  });
});

describe('lstmExposures', () => {
  it.each(kinds)('gives every asset the derivatives of its own head, columns %o', async (columns) => {
    const { jacobian } = await lstmJacobian(universe(Float64Array), batch(Float64Array, dates));
    const truth = contracted(jacobian, columns);
    const shape = { dates, hiddenSize: 9, columns: columnCount(columns, steps, inputSize) };
    for (const [kind, bound] of [
      [Float64Array, F64_BOUND],
      [Float32Array, F32_BOUND],
    ] as const) {
      const encoder = universe<RealArray>(kind);
      const hidden = await lstmHiddenColumns(encoder, batch<RealArray>(kind, dates), { columns });
      expect(relativeError(await lstmExposures(shape, hidden, encoder.headWeight), truth)).toBeLessThan(bound);
    }
  });

  it('gives the same bits in blocks of assets and for any number of threads, into the array of the caller', async () => {
    const encoder = universe(Float32Array);
    const hidden = await lstmHiddenColumns(encoder, batch(Float32Array, dates));
    const columns = steps * inputSize;
    const shape = { dates, hiddenSize: 9, columns };
    const all = await lstmExposures(shape, hidden, encoder.headWeight, { threads: 2 });
    const block = 30;
    const out = new Float32Array(dates * block * columns);
    for (let first = 0; first + block <= assets; first += block) {
      const heads = encoder.headWeight.subarray(first * 9, (first + block) * 9);
      expect(await lstmExposures(shape, hidden, heads, { out, threads: 1, borrow: true })).toBe(out);
      for (let date = 0; date < dates; date++) {
        const rows = all.subarray((date * assets + first) * columns, (date * assets + first + block) * columns);
        expect(out.subarray(date * block * columns, (date + 1) * block * columns)).toEqual(rows);
      }
    }
  });

  it('does without the head of the encoder', async () => {
    const headless = { ...model(Float64Array), headWeight: new Float64Array(), headBias: new Float64Array() };
    const hidden = await lstmHiddenColumns(headless, batch(Float64Array));
    expect(hidden).toEqual(await lstmHiddenColumns(model(Float64Array), batch(Float64Array)));
    expect(hidden).toHaveLength(4 * 5 * steps * inputSize);
  });

  it('refuses heads that are not finite or of another length', async () => {
    const shape = { dates: 2, hiddenSize: 3, columns: 4 };
    const bad = Float64Array.from({ length: 6 }, (_, i) => (i === 4 ? Number.POSITIVE_INFINITY : 1));
    const error = await refusal(lstmExposures(shape, new Float64Array(24), bad));
    expect(error.code).toBe('not_finite');
    expect(error.message).toContain('head_weight[4]');
    const odd = lstmExposures(shape, new Float64Array(24), new Float64Array(7));
    expect((await refusal(odd)).code).toBe('shape_mismatch');
  });
});
