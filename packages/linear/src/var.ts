import {
  ArgumentError,
  type Estimator,
  type FeatureParameters,
  type FitOptions,
  type Fitted,
  type Panel,
  type Span,
  sliceFactors,
} from '@macrograd/core';
import {
  assetResponses,
  bestOrder,
  type ImpulseResponses,
  olsRegression,
  type ResponseRequest,
  type VectorAutoregression,
  varOrder,
  vectorAutoregression,
} from '@macrograd/kernel';
import { FeatureFitted } from './feature-fitted.js';
import { features } from './features.js';
import { filledSeries } from './filled-series.js';
import { overlapLags } from './ols.js';
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
  return { method: 'var', fit: (panel, span, fit) => fitVar(panel, span, fit, options) };
}

/** What the estimator `var` has learned. */
export class VarFitted extends FeatureFitted {
  constructor(
    fit: ConstructorParameters<typeof FeatureFitted>[0],
    /** Of the standardised factors and controls that enter. */
    readonly system: VectorAutoregression,
    private readonly covariance: Float64Array,
  ) {
    super(fit);
  }

  /**
   * Dynamic exposures: returns of every asset after one SD of each factor's or control's surprise,
   * [asset][horizon][shock] in decimals, shocks in the order of `parameters().columns`.
   */
  responses(request: ResponseRequest, signal?: AbortSignal): Promise<ImpulseResponses> {
    const { heads, intercept, lagCount } = this.parameters();
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
            this.covariance[(asset * features + from) * features + featureOf(j, k, lagCount)];
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
}

/** Place among the features [current, (column, lag 1..p), marks] of entry [lag][column]. */
function featureOf(entry: number, k: number, lagCount: number): number {
  const [lag, column] = [Math.floor(entry / k), entry % k];
  return lag === 0 ? column : k + column * (lagCount - 1) + lag - 1;
}

async function fitVar(panel: Panel, span: Span, fit: FitOptions, options: VarEstimatorOptions): Promise<Fitted> {
  const data = training(panel, span, fit, 'var');
  const { rule, panel: rows } = data;
  const inputs = sliceFactors(panel.inputs, span);
  const series = await filledSeries(rule, inputs, fit);
  const k = series.series;
  if (k === 0)
    throw new ArgumentError('no factor or control is observed in enough training rows', 'give a longer span');
  const most = Math.floor((rows.rows / ROWS_PER_COEFFICIENT - 1) / k) - 1;
  const longest = Math.max(1, Math.min(options.maxOrder ?? 6, most));
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
  const own = withoutConstant(result, rows.assets, width);
  const parameters: FeatureParameters = { method: 'var', ...formulae, intercept: own.intercept, heads: own.heads };
  const facts = { largest_root: autoregression.roots[0], regressors: 1 + width };
  const diagnostics = varDiagnostics(panel, data, result, order, facts, minObservations);
  const pattern = Int32Array.from({ length: rows.assets }, (_, asset) => (result.rank[asset] > 0 ? asset : -1));
  const sd = new Float64Array(rows.assets).fill(1);
  return new VarFitted(
    { parameters, covariance: own.covariance, pattern, sd, diagnostics },
    autoregression,
    own.covariance,
  );
}
