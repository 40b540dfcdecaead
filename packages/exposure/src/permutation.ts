import { ArgumentError, type Fitted, indexesOfRole, type Panel, Random, type Span } from '@macrograd/core';

export interface PermutationOptions {
  readonly seed?: number;
  /** Shuffles to average over; default 5. */
  readonly repeats?: number;
  /** Rows of the blocks that are shuffled, so that a factor keeps its own persistence; default 12. */
  readonly block?: number;
}

/**
 * How much worse a fit explains returns once a factor's history no longer fits the dates (Breiman 2001): the rise of the
 * mean squared error over the span when blocks of the factor's rows change places, over the variance of the returns.
 * [asset][factor]; near 0 for a factor that the fit does not use. Rows before the span are shuffled too, as lags reach
 * back there.
 */
export async function permutationImportance(
  fitted: Fitted,
  panel: Panel,
  span: Span,
  options: PermutationOptions = {},
): Promise<Float64Array> {
  const { seed = 1, repeats = 5, block = 12 } = options;
  if (!(repeats >= 1 && block >= 1)) throw new ArgumentError('repeats and block must be at least 1');
  const { inputs } = panel;
  const columns = indexesOfRole(inputs, 'factor');
  const random = new Random(seed);
  const assets = panel.assets.length;
  const error = async (values: Float64Array) => {
    const predicted = await fitted.predict({ ...inputs, values }, span);
    return squaredErrors(panel, span, predicted.values);
  };
  const base = await error(inputs.values);
  const out = new Float64Array(assets * columns.length);
  for (const [factor, column] of columns.entries()) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const shuffled = await error(shuffledColumn(panel, span.end, column, block, random));
      base.mean.forEach((value, asset) => {
        const rise = (shuffled.mean[asset] - value) / base.variance[asset];
        out[asset * columns.length + factor] += rise / repeats;
      });
    }
  }
  return out;
}

/** Mean squared error and variance of every asset's returns over the span. */
function squaredErrors({ returns, assets }: Panel, span: Span, predicted: Float64Array) {
  const n = assets.length;
  const [sum, squares, errors, count] = Array.from({ length: 4 }, () => new Float64Array(n));
  for (let i = 0; i < predicted.length; i++) {
    const value = returns[span.start * n + i];
    if (Number.isNaN(value) || Number.isNaN(predicted[i])) continue;
    sum[i % n] += value;
    squares[i % n] += value * value;
    errors[i % n] += (value - predicted[i]) ** 2;
    count[i % n]++;
  }
  return {
    mean: errors.map((value, asset) => value / count[asset]),
    variance: squares.map((value, asset) => value / count[asset] - (sum[asset] / count[asset]) ** 2),
  };
}

/** The inputs with one column's blocks of rows before `end` in random order. */
function shuffledColumn({ inputs }: Panel, end: number, column: number, block: number, random: Random): Float64Array {
  const series = inputs.factors.length;
  const blocks = Array.from({ length: Math.ceil(end / block) }, (_, b) => b);
  for (let i = blocks.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [blocks[i], blocks[j]] = [blocks[j], blocks[i]];
  }
  const order = blocks.flatMap((b) =>
    Array.from({ length: Math.min(block, end - b * block) }, (_, t) => b * block + t),
  );
  const values = inputs.values.slice();
  order.forEach((from, to) => {
    values[to * series + column] = inputs.values[from * series + column];
  });
  return values;
}
