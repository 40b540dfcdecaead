import {
  ArgumentError,
  type AssetRange,
  CancelledError,
  type Diagnostics,
  type FactorPanel,
  type FeatureParameters,
  type Fitted,
  indexesOfRole,
  type JacobianBlock,
  type JacobianOptions,
  type ReturnMatrix,
  type Span,
} from '@macrograd/core';
import { closedFormExposures } from '@macrograd/kernel';
import { featureGradient, featureLayout, features, laggedGradient, stateAt, totalLagWeights } from './features.js';

/** Assets of one block of exposures. */
const ASSETS_PER_BLOCK = 256;

/** What {@link FeatureFitted} is made of. */
export interface FeatureFit {
  readonly parameters: FeatureParameters;
  readonly diagnostics: Diagnostics;
}

/** A fitted regression on features of the inputs; its exposures are the features' derivatives times the heads. */
export class FeatureFitted implements Fitted {
  readonly method: FeatureParameters['method'];
  readonly diagnostics: Diagnostics;

  constructor(private readonly fit: FeatureFit) {
    this.method = fit.parameters.method;
    this.diagnostics = fit.diagnostics;
  }

  parameters(): FeatureParameters {
    return this.fit.parameters;
  }

  async predict(inputs: FactorPanel, span: Span, assets?: AssetRange): Promise<ReturnMatrix> {
    const range = this.checked(inputs, span, assets);
    const { intercept, heads } = this.fit.parameters;
    const design = features(this.fit.parameters, inputs, span);
    const width = this.fit.parameters.featureMean.length;
    const count = range.end - range.start;
    const values = new Float64Array((span.end - span.start) * count);
    for (let at = 0; at < values.length; at++) {
      const [row, asset] = [Math.floor(at / count), range.start + (at % count)];
      let sum = intercept[asset];
      for (let j = 0; j < width; j++) sum += heads[asset * width + j] * design[row * width + j];
      values[at] = sum;
    }
    return { span, assets: range, values };
  }

  async *jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncGenerator<JacobianBlock> {
    const range = this.checked(inputs, span, options.assets);
    const gradients = this.gradients(inputs, span, options);
    for (let start = range.start; start < range.end; start += ASSETS_PER_BLOCK) {
      if (options.signal?.aborted) throw new CancelledError('reading exposures');
      const assets = { start, end: Math.min(start + ASSETS_PER_BLOCK, range.end) };
      const { values, variance } = await this.exposures(gradients.rows, assets, options.signal);
      yield gradients.arrange(assets, span, values, variance);
    }
  }

  private async exposures(rows: Float64Array, assets: AssetRange, signal?: AbortSignal) {
    const { parameters } = this.fit;
    const width = parameters.featureMean.length;
    const count = assets.end - assets.start;
    const own = parameters.returnSd?.slice(assets.start, assets.end) ?? new Float64Array(count).fill(1);
    const group = parameters.assetGroup?.slice(assets.start, assets.end) ?? new Int32Array(count).fill(-1);
    // Only the groups that these assets are in.
    const used = [...new Set(group)].filter((of) => of >= 0);
    const size = width * width;
    const covariances = new Float64Array(used.length * size);
    used.forEach((of, at) => {
      covariances.set(parameters.headCovariance?.subarray(of * size, (of + 1) * size) ?? [], at * size);
    });
    const leftOut = leftOutFeatures(covariances, width);
    const groups = group.map((of) => used.indexOf(of));
    const readout = {
      features: [rows],
      heads: [
        parameters.heads
          .slice(assets.start * width, assets.end * width)
          .map((value, at) => value / own[Math.floor(at / width)]),
      ],
      covariances: [leftOut.some((features) => features.length > 0) ? covariances.map(orZero) : covariances],
      bases: [new Float64Array(0)],
      variances: [new Float64Array(0)],
      featureCount: width,
      mean: new Float64Array(own.length),
      sd: own,
      group: groups,
    };
    const result = await closedFormExposures(readout, signal ? { signal } : {});
    forgetVariances(result.variance, rows, width, (asset) => leftOut[groups[asset]] ?? []);
    return result;
  }

  /** Derivatives of the features that are asked for, and how values made of them are put into a block. */
  private gradients(inputs: FactorPanel, span: Span, options: JacobianOptions) {
    const { parameters } = this.fit;
    const factors = indexesOfRole(inputs, 'factor');
    const targets = factors.map((factor) => parameters.columns.indexOf(factor));
    const form = options.form ?? 'lags';
    const average = options.average ?? false;
    const later = form === 'lags' ? Math.max(0, parameters.lagCount - 1) : 0;
    const observed = (row: number, f: number) =>
      span.start + row < 0 || !Number.isNaN(inputs.values[(span.start + row) * inputs.factors.length + factors[f]]);
    const now = this.ownGradients(inputs, span, targets, form === 'cumulative');
    const dates = average ? 1 : span.end - span.start;
    const width = parameters.featureMean.length;
    const head = average ? averaged(now, span.end - span.start, factors.length, width, observed) : now;
    const rows = new Float64Array(head.length + later * factors.length * width);
    rows.set(head);
    for (let lag = 1; lag <= later; lag++) {
      targets.forEach((target, f) => {
        const at = head.length + ((lag - 1) * factors.length + f) * width;
        if (target >= 0) laggedGradient(parameters, target, lag, rows.subarray(at, at + width));
      });
    }
    // By lag, the factor's value of that date counts; before the first row nothing is missing.
    const seen = (row: number, lag: number, f: number) =>
      targets[f] >= 0 && (average ? anyRow(span, (at) => observed(at, f)) : observed(row - lag, f));
    const arrange = (assets: AssetRange, of: Span, values: Float64Array, variance: Float64Array): JacobianBlock => {
      const count = assets.end - assets.start;
      const size = count * dates * (later + 1) * factors.length;
      const out = { values: new Float64Array(size), variance: new Float64Array(size) };
      const perAsset = (dates + later) * factors.length;
      for (let at = 0; at < size; at++) {
        const f = at % factors.length;
        const lag = Math.floor(at / factors.length) % (later + 1);
        const row = Math.floor(at / (factors.length * (later + 1))) % dates;
        const asset = Math.floor(at / (factors.length * (later + 1) * dates));
        const from = asset * perAsset + (lag === 0 ? row : dates + lag - 1) * factors.length + f;
        out.values[at] = seen(row, lag, f) ? values[from] : Number.NaN;
        out.variance[at] = seen(row, lag, f) ? variance[from] : Number.NaN;
      }
      return { assets, span: of, dates, lags: later + 1, factors: factors.length, ...out };
    };
    return { rows, arrange };
  }

  /** [row][factor][feature]: derivatives by the row's own factors, with all their lags if `cumulative`. */
  private ownGradients(inputs: FactorPanel, span: Span, targets: readonly number[], cumulative: boolean) {
    const { parameters } = this.fit;
    const width = parameters.featureMean.length;
    const { bases } = featureLayout(parameters);
    const weights = cumulative ? totalLagWeights(parameters) : parameters.lagBasis.subarray(0, bases);
    const state = stateAt(parameters, inputs, span);
    const out = new Float64Array((span.end - span.start) * targets.length * width);
    for (let row = span.start; row < span.end; row++) {
      targets.forEach((target, f) => {
        const at = ((row - span.start) * targets.length + f) * width;
        if (target >= 0) featureGradient(parameters, state(row), target, weights, out.subarray(at, at + width));
      });
    }
    return out;
  }

  private checked(inputs: FactorPanel, span: Span, assets?: AssetRange): AssetRange {
    const count = this.fit.parameters.intercept.length;
    const range = assets ?? { start: 0, end: count };
    if (!(range.start >= 0 && range.start <= range.end && range.end <= count)) {
      throw new ArgumentError(`assets ${range.start}..${range.end} do not lie in a fit of ${count}`);
    }
    const rows = inputs.axis.dates.length;
    if (!(span.start >= 0 && span.start <= span.end && span.end <= rows)) {
      throw new ArgumentError(`span ${span.start}..${span.end} does not lie in inputs of ${rows} rows`);
    }
    return range;
  }
}

/**
 * Predictions and exposures of stored parameters alone, without the fit that they came from.
 *
 * @example
 * const { values } = await featuresFromParameters(fitted.parameters()).predict(panel.inputs, { start: 0, end: 12 });
 */
export function featuresFromParameters(parameters: FeatureParameters): Fitted {
  const diagnostics = { status: [], observations: new Int32Array(0), pValues: new Float64Array(0), facts: {} };
  return new FeatureFitted({ parameters, diagnostics });
}

/** Features of each group whose coefficients were left out: they have no variance. */
function leftOutFeatures(covariances: Float64Array, width: number): number[][] {
  return Array.from({ length: covariances.length / width ** 2 }, (_, group) =>
    Array.from({ length: width }, (__, feature) => feature).filter((feature) =>
      Number.isNaN(covariances[group * width ** 2 + feature * (width + 1)]),
    ),
  );
}

/** Sets the variances [asset][row] of exposures that rest on a feature that was left out to NaN, and no others. */
function forgetVariances(
  variance: Float64Array,
  rows: Float64Array,
  width: number,
  leftOut: (asset: number) => readonly number[],
): void {
  const count = rows.length / width;
  for (let asset = 0; asset < variance.length / count; asset++) {
    for (const feature of leftOut(asset)) {
      for (let row = 0; row < count; row++) {
        if (rows[row * width + feature] !== 0) variance[asset * count + row] = Number.NaN;
      }
    }
  }
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

/** Mean gradient over the rows where the factor is observed: [factor][feature]. */
function averaged(
  gradients: Float64Array,
  rows: number,
  factors: number,
  width: number,
  observed: (row: number, factor: number) => boolean,
): Float64Array {
  const out = new Float64Array(factors * width);
  for (let f = 0; f < factors; f++) {
    let count = 0;
    for (let row = 0; row < rows; row++) {
      if (!observed(row, f)) continue;
      count++;
      for (let j = 0; j < width; j++) out[f * width + j] += gradients[(row * factors + f) * width + j];
    }
    for (let j = 0; j < width; j++) out[f * width + j] /= Math.max(1, count);
  }
  return out;
}

function anyRow(span: Span, test: (row: number) => boolean): boolean {
  for (let row = 0; row < span.end - span.start; row++) {
    if (test(row)) return true;
  }
  return false;
}
