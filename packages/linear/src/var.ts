import {
  ArgumentError,
  type Estimator,
  type FeatureParameters,
  type FitOptions,
  type Fitted,
  type Panel,
  type Span,
  selectColumns,
  sliceFactors,
} from '@macrograd/core';
import {
  type AssetResponseBands,
  type AssetSample,
  assetResponses,
  type BootstrapRequest,
  bestOrder,
  bootstrapAssetResponses,
  type ImpulseResponses,
  olsRegression,
  type ResponseRequest,
  type SeriesMatrix,
  type StateResponseRequest,
  type StateResponses,
  stateAssetResponses,
  type VectorAutoregression,
  varOrder,
  vectorAutoregression,
} from '@macrograd/kernel';
import { dependentSeries } from './dependent-series.js';
import { type DesignRule, fitDesign, withoutDependent } from './design.js';
import { FeatureFitted } from './feature-fitted.js';
import { features } from './features.js';
import { filledSeries } from './filled-series.js';
import { overlapLags } from './ols.js';
import { withResidualChecks } from './residual-checks.js';
import { systemFacts } from './system-facts.js';
import { defaultMinObservations, runOptions, training } from './training.js';
import { lagFormulae, standardised, varDiagnostics, withConstant, withoutConstant } from './var-equations.js';

/** Training rows that every coefficient of an equation of the autoregression or of an asset has at least. */
const ROWS_PER_COEFFICIENT = 4;

/** Options of {@link varEstimator}. */
export interface VarEstimatorOptions {
  /** Order of the autoregression of factors and controls, and lags in the assets' equations; default: by BIC. */
  readonly order?: number;
  /** Longest order compared; default 6, and 4 training rows for each coefficient. */
  readonly maxOrder?: number;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/**
 * Factors and controls as a vector autoregression that the assets do not feed back on; assets on its current and lagged
 * values. `jacobian` gives the exposures lag by lag, other inputs held fixed; {@link VarFitted.responses} how assets
 * move after a shock with all its consequences. Formulae and sources: docs/methods/var.md.
 */
export function varEstimator(options: VarEstimatorOptions = {}): Estimator {
  const { order } = options;
  if (order !== undefined && !(Number.isInteger(order) && order >= 1)) {
    throw new ArgumentError(`order is ${order}`, 'give an integer of at least 1');
  }
  return withResidualChecks({ method: 'var', fit: (panel, span, fit) => fitVar(panel, span, fit, options) });
}

/** What the estimator `var` has learned. */
export class VarFitted extends FeatureFitted {
  constructor(
    fit: ConstructorParameters<typeof FeatureFitted>[0],
    /** Of the standardised factors and controls that enter. */
    readonly system: VectorAutoregression,
    /** The training rows: series that enter, in SD and filled where missing, and returns. */
    private readonly data: { readonly series: SeriesMatrix; readonly returns: AssetSample['returns'] },
  ) {
    super(fit);
  }

  /**
   * Dynamic exposures: returns of every asset after one SD of each factor's or control's surprise,
   * [asset][horizon][shock] in decimals, shocks in the order of `parameters().columns`.
   */
  responses(request: ResponseRequest, signal?: AbortSignal): Promise<ImpulseResponses> {
    const { heads, headCovariance, intercept, lagCount } = this.parameters();
    if (headCovariance === undefined)
      throw new ArgumentError('the parameters hold no covariance', 'fit the model again');
    const k = this.system.series;
    const assets = intercept.length;
    const features = heads.length / assets;
    const width = lagCount * k;
    const coefficients = new Float64Array(assets * width);
    const covariance = new Float64Array(assets * width * width);
    for (let asset = 0; asset < assets; asset++) {
      for (let i = 0; i < width; i++) {
        const from = featureOf(i, k, lagCount);
        coefficients[asset * width + i] = heads[asset * features + from];
        for (let j = 0; j < width; j++) {
          covariance[(asset * width + i) * width + j] =
            headCovariance[(asset * features + from) * features + featureOf(j, k, lagCount)];
        }
      }
    }
    return assetResponses(
      this.system,
      { coefficients, covariance, assets, lags: lagCount },
      request,
      signal ? { signal } : {},
    );
  }

  /**
   * The same with percentile bands, [asset][horizon][shock]: autoregression and equations simulated and estimated again,
   * all assets on the same draws. Rows whose missing factors were filled count as they were filled.
   */
  responseBands(request: Omit<BootstrapRequest, 'statistic'>): Promise<AssetResponseBands> {
    return bootstrapAssetResponses(this.data.series, this.system.order, this.sample(), request);
  }

  /**
   * Dynamic exposures by regime, [asset][regime][horizon][shock]: generalised responses where factors and assets follow
   * other equations at and below, and above, a threshold of one factor or control (`variable`, its name's place in
   * `parameters().columns`), with bands. The threshold is in SD of the training rows.
   */
  stateResponses(request: Omit<StateResponseRequest, 'order'> & { readonly order?: number }): Promise<StateResponses> {
    return stateAssetResponses(this.data.series, this.sample(), { order: this.system.order, ...request });
  }

  private sample(): AssetSample {
    const { intercept, lagCount } = this.parameters();
    return { returns: this.data.returns, assets: intercept.length, lags: lagCount };
  }
}

/** Place among the features [current, (column, lag 1..p), marks] of entry [lag][column]. */
function featureOf(entry: number, k: number, lagCount: number): number {
  const [lag, column] = [Math.floor(entry / k), entry % k];
  return lag === 0 ? column : k + column * (lagCount - 1) + lag - 1;
}

async function fitVar(panel: Panel, span: Span, fit: FitOptions, options: VarEstimatorOptions): Promise<Fitted> {
  const inputs = sliceFactors(panel.inputs, span);
  const own = { start: 0, end: span.end - span.start };
  const every = fitDesign(panel, span);
  const all = await filledSeries(every, inputs, fit);
  const longestOf = (k: number) => {
    const most = Math.floor((all.rows / ROWS_PER_COEFFICIENT - 1) / k) - 1;
    return Math.max(1, Math.min(options.maxOrder ?? 6, most), options.order ?? 1);
  };
  const dependent = dependentSeries(standardised(all.values, every), all.series, longestOf(all.series));
  const rule = withoutDependent(every, columnsOf(every, dependent), inputs, own);
  const data = training(panel, span, fit, 'var', rule);
  const { panel: rows } = data;
  const independent = Array.from({ length: all.series }, (_, j) => j).filter((j) => !dependent.includes(j));
  const series = { ...all, values: selectColumns(all.values, all.series, independent), series: independent.length };
  const k = series.series;
  if (k === 0)
    throw new ArgumentError('no factor or control is observed in enough training rows', 'give a longer span');
  const longest = longestOf(k);
  const standard = standardised(series.values, rule);
  const system = { values: standard, rows: series.rows, series: k };
  const order = options.order ?? Math.max(1, bestOrder(varOrder(system, longest), 'bic'));
  const autoregression = vectorAutoregression(system, order);
  const formulae = lagFormulae(rule, order);
  const design = features(formulae, inputs, { start: 0, end: rows.rows });
  const width = formulae.featureMean.length;
  const minObservations = options.minObservations ?? Math.max(defaultMinObservations(rule), 2 * (1 + width));
  const lags = overlapLags(panel.horizon, rows.rows);
  const result = await olsRegression(withConstant(data, design, width, order), {
    ...runOptions(fit),
    covariance: 'hac',
    minObservations,
    ...(lags === undefined ? {} : { lags }),
  });
  const { intercept, heads, covariance } = withoutConstant(result, rows.assets, width);
  const parameters: FeatureParameters = {
    method: 'var',
    ...formulae,
    intercept,
    heads,
    headCovariance: covariance,
    assetGroup: Int32Array.from({ length: rows.assets }, (_, asset) => (result.rank[asset] > 0 ? asset : -1)),
    returnSd: new Float64Array(rows.assets).fill(1),
  };
  const names = formulae.columns.map((column) => panel.inputs.factors[column].name);
  const facts = { largest_root: autoregression.roots[0], regressors: 1 + width, ...systemFacts(autoregression, names) };
  const diagnostics = varDiagnostics(panel, data, result, order, facts, minObservations);
  return new VarFitted({ parameters, diagnostics }, autoregression, { series: system, returns: rows.returns });
}

/** Positions in the rule's `columns` of entering series, given by their number among those that enter. */
function columnsOf(rule: DesignRule, entering: readonly number[]): ReadonlySet<number> {
  const places = rule.positions.flatMap((position, at) => (position < 0 ? [] : [at]));
  return new Set(entering.map((j) => places[j]));
}
