import {
  type AssetRange,
  type Condition,
  type ConditionedColumn,
  type ConditionedParameters,
  conditionedPair,
  type Diagnostics,
  type FactorPanel,
  type Fitted,
  indexesOfRole,
  type JacobianBlock,
  type JacobianForm,
  type JacobianOptions,
  type ReturnMatrix,
  type Scaler,
  type Span,
} from '@macrograd/core';
import { withColumns } from './conditioned.js';
import { featuresFromParameters } from './feature-fitted.js';
import { linearFromParameters } from './predict.js';

/** A fit whose inputs can be made by a state: linear coefficients, or lags of them. */
export interface ConditionableFitted extends Pick<Fitted, 'predict' | 'jacobian'> {
  readonly method: ConditionedParameters['method'];
  parameters(): ConditionedParameters['conditioned'];
}

/** Whether a fit is one of those. */
export function isConditionable(fitted: Fitted): fitted is Fitted & ConditionableFitted {
  const parameters = fitted.parameters();
  return parameters.method !== 'lstm' && parameters.method !== 'threshold' && !('condition' in parameters);
}

/** What {@link ConditionedFitted} is made of. */
export interface ConditionedFit {
  /** On conditioned inputs. */
  readonly fitted: ConditionableFitted;
  /** Of the panel's own inputs, on training rows. */
  readonly scaler: Scaler;
  readonly condition: Condition;
  readonly columns: readonly ConditionedColumn[];
  readonly diagnostics: Diagnostics;
}

/**
 * A method conditioned by a state, as one of the panel's own factors: exposures at a row are those in its state. Of an
 * earlier lag it is the state of the lag's own row that counts; a cumulative exposure is the answer to an impulse at
 * the row, in its state.
 */
export class ConditionedFitted implements Fitted {
  readonly method: ConditionedParameters['method'];
  readonly diagnostics: Diagnostics;

  constructor(private readonly fit: ConditionedFit) {
    this.method = fit.fitted.method;
    this.diagnostics = fit.diagnostics;
  }

  parameters(): ConditionedParameters {
    const { fitted, scaler, condition, columns } = this.fit;
    return { method: this.method, scaler, condition, inputs: columns, conditioned: fitted.parameters() };
  }

  predict(inputs: FactorPanel, span: Span, assets?: AssetRange): Promise<ReturnMatrix> {
    return this.fit.fitted.predict(this.conditioned(inputs), span, assets);
  }

  async *jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncGenerator<JacobianBlock> {
    const { average = false, form = 'lags' } = options;
    // Coefficients on lags do not move: any average of them is the coefficient, and blocks stay small.
    const steady = 'featureMean' in this.fit.fitted.parameters();
    const given = this.conditioned(inputs);
    for await (const block of this.fit.fitted.jacobian(given, span, { ...options, average: average && steady })) {
      yield this.read(block, inputs, span, form, average);
    }
  }

  private conditioned(inputs: FactorPanel): FactorPanel {
    return withColumns(inputs, this.fit.condition, this.fit.columns);
  }

  /** A block of the method's own factors as one of the panel's. */
  private read(
    block: JacobianBlock,
    inputs: FactorPanel,
    span: Span,
    form: JacobianForm,
    average: boolean,
  ): JacobianBlock {
    const targets = indexesOfRole(inputs, 'factor');
    const scales = this.scales(targets);
    const rows = span.end - span.start;
    const [assets, lags, factors] = [block.assets.end - block.assets.start, block.lags, targets.length];
    const dates = average ? 1 : rows;
    const values = new Float64Array(assets * dates * lags * factors).fill(average ? 0 : Number.NaN);
    const variance = values.slice();
    const count = new Int32Array(average ? values.length : 0);
    for (let at = 0; at < assets * rows * lags * factors; at++) {
      const f = at % factors;
      const lag = Math.floor(at / factors) % lags;
      const row = Math.floor(at / (factors * lags)) % rows;
      const asset = Math.floor(at / (factors * lags * rows));
      const weights = this.weights(inputs, span.start + row - (form === 'lags' ? lag : 0), targets[f]);
      if (weights === undefined) continue;
      const from = ((asset * block.dates + (block.dates === 1 ? 0 : row)) * lags + lag) * block.factors + 2 * f;
      const [value, error] = combined(block, from, scales[f], weights);
      const to = ((asset * dates + (average ? 0 : row)) * lags + lag) * factors + f;
      if (!average) {
        values[to] = value;
        variance[to] = error;
      } else if (!Number.isNaN(value)) {
        values[to] += value;
        variance[to] += error;
        count[to]++;
      }
    }
    // The mean of the variances, as of any coefficients that move: neighbouring dates share their estimates.
    count.forEach((n, at) => {
      values[at] = n > 0 ? values[at] / n : Number.NaN;
      variance[at] = n > 0 ? variance[at] / n : Number.NaN;
    });
    return { assets: block.assets, span, dates, lags, factors, values, variance };
  }

  /** From one training SD of either input to one of the factor, by factor. */
  private scales(targets: readonly number[]): readonly (readonly [number, number])[] {
    const { fitted, scaler, columns } = this.fit;
    const own = fitted.parameters().scaler.sd;
    return targets.map((factor) => {
      const [first, second] = conditionedPair(columns, factor);
      return [scaler.sd[factor] / own[first], scaler.sd[factor] / own[second]];
    });
  }

  /** What the two inputs count at a row; undefined where the factor or the state is missing. */
  private weights(
    { values, factors }: FactorPanel,
    row: number,
    factor: number,
  ): readonly [number, number] | undefined {
    const { state, form, level } = this.fit.condition;
    const s = values[row * factors.length + state];
    if (row < 0 || Number.isNaN(s) || Number.isNaN(values[row * factors.length + factor])) return undefined;
    if (form === 'interacted') return [1, s - level];
    return s > level ? [0, 1] : [1, 0];
  }
}

/**
 * Predictions and exposures of stored parameters alone, without the fit that they came from.
 *
 * @example
 * const { values } = await conditionedFromParameters(fitted.parameters()).predict(panel.inputs, { start: 0, end: 12 });
 */
export function conditionedFromParameters(parameters: ConditionedParameters): Pick<Fitted, 'predict' | 'jacobian'> {
  const { method, scaler, condition, inputs: columns, conditioned } = parameters;
  const own = 'featureMean' in conditioned ? featuresFromParameters(conditioned) : linearFromParameters(conditioned);
  return new ConditionedFitted({
    fitted: {
      method,
      predict: (inputs, span, assets) => own.predict(inputs, span, assets),
      jacobian: (inputs, span, options) => own.jacobian(inputs, span, options),
      parameters: () => conditioned,
    },
    scaler,
    condition,
    columns,
    diagnostics: { status: [], observations: new Int32Array(0), pValues: new Float64Array(0), facts: {} },
  });
}

/** Value and variance of two parts together; their errors add up as if they were perfectly correlated. */
function combined(
  block: JacobianBlock,
  from: number,
  scales: readonly [number, number],
  weights: readonly [number, number],
): readonly [number, number] {
  let [value, error] = [0, 0];
  for (const part of [0, 1]) {
    const weight = weights[part] * scales[part];
    // A part that does not count may be one that could not be estimated.
    if (weight === 0) continue;
    value += weight * block.values[from + part];
    error += Math.abs(weight) * Math.sqrt(block.variance[from + part]);
  }
  return [value, error * error];
}
