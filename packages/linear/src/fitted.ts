import {
  ArgumentError,
  type AssetRange,
  CancelledError,
  type Diagnostics,
  type FactorPanel,
  type Fitted,
  indexesOfRole,
  type JacobianBlock,
  type JacobianOptions,
  type LinearParameters,
  type RegimeCoefficients,
  type ReturnMatrix,
  type Span,
} from '@macrograd/core';
import type { CoefficientBlock, CoefficientSource } from './coefficients.js';
import { type DesignRule, designMatrix } from './design.js';

/** Assets of one block: a few megabytes for 600 dates and a dozen factors. */
const ASSETS_PER_BLOCK = 256;

/** One set of coefficients: its block and the offset of its constant there. */
interface Located {
  readonly block: CoefficientBlock;
  readonly at: number;
}

/** Everything that a fitted linear method is made of. */
export interface LinearFit {
  readonly method: LinearParameters['method'];
  readonly rule: DesignRule;
  readonly source: CoefficientSource;
  readonly assets: number;
  /** Dates of the training rows; rows of other inputs are matched to them by date. */
  readonly trainingDates: Int32Array;
  readonly diagnostics: Diagnostics;
}

/**
 * A fitted linear method. Its exposures lie at lag 0 alone, so every form of the Jacobian is the same.
 *
 * Moving coefficients are read as of the row's own date inside the training span and frozen after it. An average over
 * a span has the mean of the coefficients and the mean of their variances: neighbouring estimates share most of their
 * data, and perfect correlation is the conservative reading.
 */
export class LinearFitted implements Fitted {
  readonly method: LinearParameters['method'];
  readonly diagnostics: Diagnostics;

  constructor(private readonly fit: LinearFit) {
    this.method = fit.method;
    this.diagnostics = fit.diagnostics;
  }

  parameters(): LinearParameters {
    const { rule, source, assets } = this.fit;
    const { columns } = rule;
    const stored = storedCoefficients(rule, source.last, assets);
    return { method: this.method, scaler: rule.scaler, missingColumns: rule.marks, columns, ...stored };
  }

  async predict(inputs: FactorPanel, span: Span, assets?: AssetRange): Promise<ReturnMatrix> {
    const range = this.checkAssets(assets);
    checkSpan(inputs, span);
    const { rule } = this.fit;
    const rows = span.end - span.start;
    const count = range.end - range.start;
    const design = designMatrix(rule, inputs, span);
    const values = new Float64Array(rows * count);
    for (const part of blocks(range)) {
      const reader = await this.reader(inputs, span, part);
      for (let asset = 0; asset < part.end - part.start; asset++) {
        for (let row = 0; row < rows; row++) {
          const { block, at } = reader(asset, row);
          let sum = block.coefficients[at];
          for (let j = 1; j < rule.width; j++) {
            sum += orZero(block.coefficients[at + j]) * design[row * rule.width + j];
          }
          values[row * count + part.start - range.start + asset] = sum;
        }
      }
    }
    return { span, assets: range, values };
  }

  async *jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncGenerator<JacobianBlock> {
    const range = this.checkAssets(options.assets);
    checkSpan(inputs, span);
    for (const part of blocks(range)) {
      if (options.signal?.aborted) throw new CancelledError('reading exposures');
      const block = await this.jacobianBlock(inputs, span, part, options.signal);
      yield options.average ? averaged(block) : block;
    }
  }

  private async jacobianBlock(
    inputs: FactorPanel,
    span: Span,
    assets: AssetRange,
    signal?: AbortSignal,
  ): Promise<JacobianBlock> {
    const reader = await this.reader(inputs, span, assets, signal);
    const factors = indexesOfRole(inputs, 'factor');
    const positions = factors.map((factor) => this.fit.rule.positions[this.fit.rule.columns.indexOf(factor)] ?? -1);
    const series = inputs.factors.length;
    const dates = span.end - span.start;
    const size = (assets.end - assets.start) * dates * factors.length;
    const values = new Float64Array(size).fill(Number.NaN);
    const variance = new Float64Array(size).fill(Number.NaN);
    for (let asset = 0; asset < assets.end - assets.start; asset++) {
      for (let row = 0; row < dates; row++) {
        const own = reader(asset, row);
        const at = (asset * dates + row) * factors.length;
        factors.forEach((factor, f) => {
          const missing = Number.isNaN(inputs.values[(span.start + row) * series + factor]);
          if (missing || positions[f] < 0) return;
          values[at + f] = own.block.coefficients[own.at + positions[f]];
          variance[at + f] = own.block.variances[own.at + positions[f]];
        });
      }
    }
    return { assets, span, dates, lags: 1, factors: factors.length, values, variance };
  }

  /** Finds the coefficients that hold for an asset of a block at a row of the span. */
  private async reader(
    inputs: FactorPanel,
    span: Span,
    assets: AssetRange,
    signal?: AbortSignal,
  ): Promise<(asset: number, row: number) => Located> {
    const { source, rule, trainingDates } = this.fit;
    const { last, path, byState } = source;
    const k = rule.width;
    if (byState) {
      const blockAt = byState(inputs, span);
      return (asset, row) => ({ block: blockAt(assets.start + asset, row), at: (assets.start + asset) * k });
    }
    const frozen = (asset: number) => ({ block: last, at: (assets.start + asset) * k });
    if (!path) return frozen;
    const rows = trainingRows(trainingDates, inputs.axis.dates.subarray(span.start, span.end));
    const inside = rows.filter((row) => row >= 0 && row < trainingDates.length - 1);
    if (inside.length === 0 && !rows.includes(-1)) return frozen;
    const wanted = inside.length > 0 ? { start: inside[0], end: inside[inside.length - 1] + 1 } : { start: 0, end: 0 };
    const moving = await path(wanted, assets, signal);
    const none = { block: { coefficients: nanRow(k), variances: nanRow(k) }, at: 0 };
    return (asset, row) => {
      if (rows[row] < 0) return none;
      if (rows[row] >= trainingDates.length - 1) return frozen(asset);
      return { block: moving, at: (asset * (wanted.end - wanted.start) + rows[row] - wanted.start) * k };
    };
  }

  private checkAssets(assets?: AssetRange): AssetRange {
    const range = assets ?? { start: 0, end: this.fit.assets };
    if (!(range.start >= 0 && range.start <= range.end && range.end <= this.fit.assets)) {
      throw new ArgumentError(`assets ${range.start}..${range.end} do not lie in a fit of ${this.fit.assets}`);
    }
    return range;
  }
}

/** A block of one row in the form that parameters store it. */
export function storedCoefficients(rule: DesignRule, block: CoefficientBlock, assets: number): RegimeCoefficients {
  const k = rule.columns.length;
  const marks = rule.marks.length;
  const intercept = new Float64Array(assets);
  const coefficients = new Float64Array(assets * k);
  const variances = new Float64Array(assets * k).fill(Number.NaN);
  const missingCoefficients = new Float64Array(assets * marks);
  for (let asset = 0; asset < assets; asset++) {
    const own = block.coefficients.subarray(asset * rule.width, (asset + 1) * rule.width);
    intercept[asset] = own[0];
    rule.positions.forEach((position, j) => {
      coefficients[asset * k + j] = position < 0 ? 0 : orZero(own[position]);
      // A coefficient that was left out has no variance, which tells it from one that is 0.
      if (position < 0 || Number.isNaN(own[position])) return;
      variances[asset * k + j] = block.variances[asset * rule.width + position];
    });
    missingCoefficients.set(own.subarray(rule.width - marks).map(orZero), asset * marks);
  }
  return { intercept, coefficients, variances, missingCoefficients };
}

/** Last training row that is not later than each date; -1 before the first. Both ascend. */
function trainingRows(training: Int32Array, dates: Int32Array): Int32Array {
  let row = -1;
  return dates.map((date) => {
    while (row + 1 < training.length && training[row + 1] <= date) row++;
    return row;
  });
}

function* blocks(range: AssetRange): Generator<AssetRange> {
  for (let start = range.start; start < range.end; start += ASSETS_PER_BLOCK) {
    yield { start, end: Math.min(start + ASSETS_PER_BLOCK, range.end) };
  }
}

/** Mean over dates, skipping NaN; NaN where no date has a value. */
function averaged(block: JacobianBlock): JacobianBlock {
  const assets = block.assets.end - block.assets.start;
  const mean = (source: Float64Array) => {
    const out = new Float64Array(assets * block.factors).fill(Number.NaN);
    for (let at = 0; at < out.length; at++) {
      const [asset, factor] = [Math.floor(at / block.factors), at % block.factors];
      let sum = 0;
      let count = 0;
      for (let row = 0; row < block.dates; row++) {
        const value = source[(asset * block.dates + row) * block.factors + factor];
        if (Number.isNaN(value)) continue;
        sum += value;
        count++;
      }
      if (count > 0) out[at] = sum / count;
    }
    return out;
  };
  return { ...block, dates: 1, values: mean(block.values), variance: mean(block.variance) };
}

function checkSpan(inputs: FactorPanel, span: Span): void {
  const rows = inputs.axis.dates.length;
  if (!(span.start >= 0 && span.start <= span.end && span.end <= rows)) {
    throw new ArgumentError(`span ${span.start}..${span.end} does not lie in inputs of ${rows} rows`);
  }
}

/** A regressor that could not be told apart from others was left out: it adds nothing to a prediction. */
function orZero(coefficient: number): number {
  return Number.isNaN(coefficient) ? 0 : coefficient;
}

function nanRow(size: number): Float64Array {
  return new Float64Array(size).fill(Number.NaN);
}
