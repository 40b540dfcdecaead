import type {
  AssetRange,
  Diagnostics,
  FactorPanel,
  Fitted,
  JacobianBlock,
  JacobianOptions,
  ReturnMatrix,
  Span,
  ThresholdParameters,
} from '@macrograd/core';
import type { Thresholds } from '@macrograd/kernel';
import type { CoefficientBlock } from './coefficients.js';
import type { DesignRule } from './design.js';
import { LinearFitted, storedCoefficients } from './fitted.js';
import { delayed } from './threshold-candidates.js';

/** Everything that {@link ThresholdFitted} is made of. */
export interface ThresholdFit {
  readonly rule: DesignRule;
  readonly assets: number;
  readonly trainingDates: Int32Array;
  readonly diagnostics: Diagnostics;
  /** Without a threshold. */
  readonly single: CoefficientBlock;
  readonly lower: CoefficientBlock;
  readonly upper: CoefficientBlock;
  /** [asset], column of the inputs; -1 = no threshold. */
  readonly variable: Int32Array;
  /** [asset]. */
  readonly threshold: Float64Array;
  readonly delay: number;
  /** What the search found, also where it was not kept. */
  readonly found: ThresholdFindings;
}

/** Thresholds as searched: one entry an asset that decided, and last the common one. */
export interface ThresholdFindings extends Thresholds {
  /** Column of the inputs of each candidate. */
  readonly columns: readonly number[];
  /** Whether the common one holds for all assets. */
  readonly pooled: boolean;
}

/** A fitted threshold regression: the regime of a row is read off its inputs, in training and after it. */
export class ThresholdFitted implements Fitted {
  readonly method = 'threshold';
  readonly diagnostics: Diagnostics;
  private readonly linear: LinearFitted;

  constructor(private readonly fit: ThresholdFit) {
    this.diagnostics = fit.diagnostics;
    const byState = (inputs: FactorPanel, span: Span) => (asset: number, row: number) =>
      this.regimeAt(inputs, asset, span.start + row);
    const source = { last: fit.single, byState };
    this.linear = new LinearFitted({ ...fit, method: 'ols', source });
  }

  /** What the search for thresholds found. */
  get thresholds(): ThresholdFindings {
    return this.fit.found;
  }

  parameters(): ThresholdParameters {
    const { rule, assets, lower, upper, single, variable, threshold, delay } = this.fit;
    const has = (asset: number) => variable[asset] >= 0;
    return {
      method: 'threshold',
      scaler: rule.scaler,
      columns: rule.columns,
      missingColumns: rule.marks,
      ...storedCoefficients(rule, single, assets),
      variable,
      threshold,
      delay,
      // Where there is no threshold both regimes are the single one, so that every array is finite.
      lower: storedCoefficients(rule, either(lower, single, rule.width, has), assets),
      upper: storedCoefficients(rule, either(upper, single, rule.width, has), assets),
    };
  }

  predict(inputs: FactorPanel, span: Span, assets?: AssetRange): Promise<ReturnMatrix> {
    return this.linear.predict(inputs, span, assets);
  }

  jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncGenerator<JacobianBlock> {
    return this.linear.jacobian(inputs, span, options);
  }

  private regimeAt(inputs: FactorPanel, asset: number, row: number): CoefficientBlock {
    const { variable, threshold, delay, single, lower, upper } = this.fit;
    if (variable[asset] < 0) return single;
    const q = delayed(inputs, row, variable[asset], delay);
    if (Number.isNaN(q)) return single;
    return q > threshold[asset] ? upper : lower;
  }
}

/** The first block's assets where the test holds, the second's elsewhere. */
function either(
  first: CoefficientBlock,
  second: CoefficientBlock,
  width: number,
  has: (asset: number) => boolean,
): CoefficientBlock {
  const pick = (a: Float64Array, b: Float64Array) =>
    a.map((value, at) => (has(Math.floor(at / width)) ? value : b[at]));
  return {
    coefficients: pick(first.coefficients, second.coefficients),
    variances: pick(first.variances, second.variances),
  };
}
