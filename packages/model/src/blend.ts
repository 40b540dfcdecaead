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

/** One of two methods that are blended. */
export interface BlendMember {
  readonly estimator: Estimator;
  /** What is fitted on the first rows alone, to see how it predicts; default the estimator itself. */
  readonly early?: Estimator;
}

/** Options of {@link blendEstimator}. */
export interface BlendOptions {
  readonly first: BlendMember;
  readonly second: BlendMember;
  /** Last share of the training rows that the weight is learned from; default .25. */
  readonly validationShare?: number;
  /** Rows that count as training for the weight; default the whole span. */
  readonly rows?: number;
}

/**
 * Weight of the first method where nothing speaks for either, and the SD around it: the network leads, as it alone follows
 * drift and paths, which rows that are predicted at one go undervalue. Chosen on simulated histories: docs/methods/lstm.md.
 */
const PRIOR = { weight: 0.75, sd: 0.15 };

/** Correlation of the two methods' errors in exposures: .45 to .87 where both are right in form (docs/methods/lstm.md). */
const ERROR_CORRELATION = 0.7;

/**
 * The weighted mean of two methods' returns and exposures (Bates and Granger 1969): methods that err differently err less
 * together. Both are fitted on the first rows; the weight w of the first minimises the squared error of
 * w a + (1 - w) b on the rows after these, all assets together in units of their SD, is drawn to .75 by as much as those rows
 * leave open (normal prior of SD .15, the rows' errors as independent), and lies in [0, 1]. Then both are fitted on all rows.
 * `facts.blend_weight` says which. Errors of the two are taken to correlate by .7 in every variance.
 *
 * @example
 * const both = blendEstimator({ first: { estimator: lstmEstimator() }, second: { estimator: splineEstimator() } });
 */
export function blendEstimator(options: BlendOptions): Estimator {
  const { first, second, validationShare = 0.25 } = options;
  if (!(validationShare > 0 && validationShare < 1)) {
    throw new ArgumentError(`validationShare is ${validationShare}`, 'give a share between 0 and 1');
  }
  return {
    method: first.estimator.method,
    async fit(panel, span, fit) {
      const end = Math.min(span.end, span.start + (options.rows ?? span.end - span.start));
      const early = { start: span.start, end: end - Math.round(validationShare * (end - span.start)) };
      const later = { start: early.end, end };
      const { onProgress, ...quiet } = fit;
      const predictions: Float64Array[] = [];
      for (const { estimator, early: own = estimator } of [first, second]) {
        const fitted = await own.fit(panel, early, quiet);
        predictions.push((await fitted.predict(panel.inputs, later)).values);
      }
      const weight = blendWeight(panel, early, later, predictions);
      const one = await first.estimator.fit(panel, span, { ...quiet, ...(onProgress && { onProgress }) });
      return new BlendFitted(one, await second.estimator.fit(panel, span, quiet), weight);
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
    const { values } = await this.second.predict(inputs, span, one.assets);
    return { ...one, values: one.values.map((x, i) => this.weight * x + (1 - this.weight) * values[i]) };
  }

  async *jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncIterable<JacobianBlock> {
    const [own, other] = [this.weight, 1 - this.weight];
    for await (const block of this.first.jacobian(inputs, span, options)) {
      let sum = scaled(block, own);
      for await (const part of this.second.jacobian(inputs, span, { ...options, assets: block.assets })) {
        sum = joinBlock(sum, scaled(part, other), (a, b) => a + b + 2 * ERROR_CORRELATION * Math.sqrt(a * b));
      }
      yield sum;
    }
  }
}

function scaled(block: JacobianBlock, by: number): JacobianBlock {
  return { ...block, values: block.values.map((x) => by * x), variance: block.variance.map((x) => by * by * x) };
}
