import {
  ArgumentError,
  type AssetRange,
  type Estimator,
  type FactorPanel,
  type Fitted,
  fitScaler,
  type JacobianBlock,
  type JacobianOptions,
  type Panel,
  type ReturnMatrix,
  type Span,
} from '@macrograd/core';
import { joinBlock } from './with-base.js';

/** Options of {@link blendEstimator}. */
export interface BlendOptions {
  /** The one that may walk: an LSTM with heads of either kind. */
  readonly first: Estimator;
  readonly second: Estimator;
  /** Last share of the training rows that the weight is learned from; default .25. */
  readonly validationShare?: number;
  /** Leading rows of the span that weight and second method learn from; the first goes on. Default the whole span. */
  readonly rows?: number;
}

/** Weight of the first method where nothing speaks for either, and the SD around it: docs/methods/lstm.md. */
const PRIOR = { weight: 0.7, sd: 0.2 };

/** Correlation of the two methods' errors in exposures: .45 to .87 where both are right in form (docs/methods/lstm.md). */
const ERROR_CORRELATION = 0.7;

/**
 * The weighted mean of two methods' returns and exposures (Bates and Granger 1969): methods that err differently err less
 * together. Both are fitted on the first rows; the weight w of the first minimises the squared error of
 * w a + (1 - w) b on the rows after these, all assets together in units of their SD, is drawn to .7 by as much as those rows
 * leave open (normal prior of SD .2, the rows' errors as independent), and lies in [0, 1]. Then both are fitted on all rows.
 * `facts.blend_weight` says which. Errors of the two are taken to correlate by .7 in every variance, those of a walk are shared,
 * and the second is never surer than the first: a method that left a term out does not know what it left out.
 *
 * Where the coefficients of the first walk, the weight is learned with those that stand still, as the second's do, and the
 * second takes over the walk: with K walking, S standing and C the second, exposures are w K + (1 - w) (C + K - S).
 *
 * @example
 * const both = blendEstimator({ first: lstmEstimator({ heads: 'kalman' }), second: splineEstimator() });
 */
export function blendEstimator(options: BlendOptions): Estimator {
  const { first, second, validationShare = 0.25 } = options;
  if (!(validationShare > 0 && validationShare < 1)) {
    throw new ArgumentError(`validationShare is ${validationShare}`, 'give a share between 0 and 1');
  }
  return {
    method: first.method,
    async fit(panel, span, fit) {
      const end = Math.min(span.end, span.start + (options.rows ?? span.end - span.start));
      const early = { start: span.start, end: end - Math.round(validationShare * (end - span.start)) };
      const later = { start: early.end, end };
      const { onProgress, ...quiet } = fit;
      const predictions: Float64Array[] = [];
      for (const estimator of [first, second]) {
        const fitted = await estimator.fit(panel, early, quiet);
        predictions.push((await (fitted.standing ?? fitted).predict(panel.inputs, later)).values);
      }
      const weight = blendWeight(panel, early, later, predictions);
      const one = await first.fit(panel, span, { ...quiet, ...(onProgress && { onProgress }) });
      return new BlendFitted(one, await second.fit(panel, { start: span.start, end }, quiet), weight);
    },
  };
}

function blendWeight(panel: Panel, early: Span, later: Span, [a, b]: readonly Float64Array[]): number {
  const assets = panel.assets.length;
  const { sd } = fitScaler(panel.returns, assets, early);
  const rows = later.end - later.start;
  // By row: sum of (a - b)(y - b) and of (a - b)^2.
  const moments = Array.from({ length: rows }, () => [0, 0]);
  for (let i = 0; i < rows * assets; i++) {
    const scale = sd[i % assets];
    const apart = (a[i] - b[i]) / scale;
    const error = (panel.returns[later.start * assets + i] - b[i]) / scale;
    if (!Number.isFinite(apart * error)) continue;
    moments[Math.floor(i / assets)][0] += apart * error;
    moments[Math.floor(i / assets)][1] += apart * apart;
  }
  const total = moments.reduce((sum, [, square]) => sum + square, 0);
  if (!(total > 0)) return PRIOR.weight;
  const plain = moments.reduce((sum, [cross]) => sum + cross, 0) / total;
  const noise = moments.reduce((sum, [cross, square]) => sum + (cross - plain * square) ** 2, 0);
  const [seen, believed] = [total ** 2 / noise, PRIOR.sd ** -2];
  return Math.min(1, Math.max(0, (seen * plain + believed * PRIOR.weight) / (seen + believed)));
}

class BlendFitted implements Fitted {
  readonly method: Fitted['method'];
  readonly diagnostics: Fitted['diagnostics'];

  constructor(
    private readonly first: Fitted,
    private readonly second: Fitted,
    private readonly weight: number,
  ) {
    this.method = first.method;
    const { diagnostics } = first;
    this.diagnostics = { ...diagnostics, facts: { ...diagnostics.facts, blend_weight: weight } };
  }

  /** Of the first method alone. */
  parameters(): ReturnType<Fitted['parameters']> {
    return this.first.parameters();
  }

  async predict(inputs: FactorPanel, span: Span, assets?: AssetRange): Promise<ReturnMatrix> {
    const one = await this.first.predict(inputs, span, assets);
    const still = (await this.first.standing?.predict(inputs, span, one.assets)) ?? one;
    const { values } = await this.second.predict(inputs, span, one.assets);
    return { ...one, values: one.values.map((x, i) => x + (1 - this.weight) * (values[i] - still.values[i])) };
  }

  async *jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncIterable<JacobianBlock> {
    for await (const block of this.first.jacobian(inputs, span, options)) {
      const within = { ...options, assets: block.assets };
      const standing = this.first.standing?.jacobian(inputs, span, within);
      const still = standing && surer(await gathered(standing, block), block);
      const one = still ?? block;
      const two = joinBlock(
        await gathered(this.second.jacobian(inputs, span, within), block),
        withoutValues(one),
        Math.max,
      );
      const sum = joinBlock(
        scaled(one, this.weight),
        scaled(two, 1 - this.weight),
        (a, b) => a + b + 2 * ERROR_CORRELATION * Math.sqrt(a * b),
      );
      // What walks is part of both: it is added whole.
      yield still ? joinBlock(sum, walkBetween(still, block), (a, b) => a + b) : sum;
    }
  }
}

/** One block of the shape of `like`. */
async function gathered(parts: AsyncIterable<JacobianBlock>, like: JacobianBlock): Promise<JacobianBlock> {
  let sum = scaled(like, 0);
  for await (const part of parts) sum = joinBlock(sum, part, (a, b) => a + b);
  return sum;
}

/** How far coefficients that walk are from those that stand still, and the variance that this adds. */
function walkBetween(still: JacobianBlock, walking: JacobianBlock): JacobianBlock {
  return joinBlock(scaled(walking, 1), scaled(still, -1), (a, b) => Math.max(0, a - b));
}

/** A block that adds nothing but its variance. */
function withoutValues(block: JacobianBlock): JacobianBlock {
  return { ...block, values: new Float64Array(block.values.length) };
}

/** A block with the smaller one of two variances. */
function surer(block: JacobianBlock, other: JacobianBlock): JacobianBlock {
  return { ...block, variance: block.variance.map((value, i) => Math.min(value, other.variance[i])) };
}

function scaled(block: JacobianBlock, by: number): JacobianBlock {
  return { ...block, values: block.values.map((x) => by * x), variance: block.variance.map((x) => by * by * x) };
}
