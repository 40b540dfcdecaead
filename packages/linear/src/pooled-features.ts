import {
  ArgumentError,
  CancelledError,
  type Diagnostics,
  type FeatureParameters,
  type FitOptions,
  type Fitted,
  fitScaler,
  indexesOfRole,
  type Panel,
  type Scaler,
  type Span,
  type StatusNote,
  slicePanel,
} from '@macrograd/core';
import { type PooledHeads, pooledHeads, twoSidedPValues } from '@macrograd/kernel';
import { fitDesign } from './design.js';
import { FeatureFitted } from './feature-fitted.js';
import { featureGradient, featureLayout, rawFeatures, totalLagWeights } from './features.js';
import { type LagShape, lagBasis } from './lag-basis.js';
import { conditionNumber } from './training.js';

/** Quantiles of the training rows where splines bend, for few series and for many. */
const KNOT_QUANTILES = [0.1, 0.3, 0.5, 0.7, 0.9];
const FEW_KNOT_QUANTILES = [0.2, 0.5, 0.8];

/**
 * With more series than this the nonlinear features are cut down, as work grows with the cube of their number: fewer
 * knots, four geometric lag sums, and products with states alone where there are states.
 */
const MANY_SERIES = 8;

/** Features from which on fewer steps are taken, so that the work of a fit stays bounded. */
const MANY_FEATURES = 100;
const MOST_STEPS = 150;
const FEWEST_STEPS = 30;

/** Width of a bend in SD: half a knot's distance, so that derivatives are smooth between knots. */
const BEND = 0.25;

/** Ranks that validation tries, and the blocks that it leaves out. */
const VALIDATED_RANK = { most: 8, folds: 5 };

/** How a method builds its features and shrinks them. */
export interface PooledFeatureSettings {
  readonly method: FeatureParameters['method'];
  /** Lags, the return's own period included; 0 = no lags. */
  readonly lags: number;
  readonly lagShape: LagShape;
  /** Splines of every series and products of pairs. */
  readonly nonlinear: boolean;
  readonly prior: 'empirical_bayes' | 'reduced_rank' | 'ridge';
  /** Of `reduced_rank`; default by validation. */
  readonly rank?: number;
  readonly minObservations: number;
}

/** Fits heads on features of the training rows. */
export async function fitPooledFeatures(
  panel: Panel,
  span: Span,
  fit: FitOptions,
  settings: PooledFeatureSettings,
): Promise<Fitted> {
  const { method } = settings;
  if (fit.signal?.aborted) throw new CancelledError(`fitting ${method}`);
  if (fit.base && fit.base.length > 0) {
    throw new ArgumentError(`${method} does not build on base estimators`, 'leave `base` out');
  }
  const own = slicePanel(panel, span);
  const rows = span.end - span.start;
  const whole = { start: 0, end: rows };
  const formulae = makeFormulae(own, whole, settings);
  const { width } = featureLayout(formulae);
  const raw = rawFeatures(formulae, own.inputs, whole);
  const moments = fitScaler(raw, width, whole);
  // A feature that stands still in training (a mark that is always 1) carries nothing.
  const featureSd = moments.sd.map((sd) => (sd > 0 ? sd : 1e300));
  const rule = { ...formulae, featureMean: moments.mean, featureSd };
  const design = raw.map((value, at) => (value - moments.mean[at % width]) / rule.featureSd[at % width]);
  const assets = own.assets.length;
  const scaler = fitScaler(own.returns, assets, whole);
  const returns = own.returns.map((value, at) => (value - scaler.mean[at % assets]) / scaler.sd[at % assets]);
  const heads = await pooledHeads(
    { design, returns, rows, columns: width, assets },
    {
      block: blocksOf(formulae),
      prior: settings.prior === 'ridge' ? 'ridge' : 'empirical_bayes',
      ...(settings.prior === 'reduced_rank' ? { rank: settings.rank ?? VALIDATED_RANK } : {}),
      minObservations: settings.minObservations,
      maxSteps: stepsFor(width),
      ...(fit.signal ? { signal: fit.signal } : {}),
    },
  );
  const parameters: FeatureParameters = {
    ...rule,
    method,
    intercept: heads.offsets.map((offset, asset) => scaler.mean[asset] + offset * scaler.sd[asset]),
    heads: heads.heads.map((head, at) => head * scaler.sd[Math.floor(at / width)]),
    headCovariance: heads.covariance,
    assetGroup: heads.pattern,
    returnSd: scaler.sd,
  };
  const condition = await conditionNumber({ design, rows, columns: width });
  return new FeatureFitted({ parameters, diagnostics: diagnosticsOf(own, parameters, heads, settings, condition) });
}

function makeFormulae(own: Panel, whole: Span, settings: PooledFeatureSettings) {
  const { inputs } = own;
  const design = fitDesign(own, whole);
  const entering = design.columns.filter((_, at) => design.positions[at] >= 0);
  const states = settings.nonlinear
    ? indexesOfRole(inputs, 'state').filter((column) => design.scaler.count[column] === whole.end)
    : [];
  const columns = [...entering, ...states];
  const many = settings.nonlinear && columns.length > MANY_SERIES;
  const conditioning = new Set(many && states.length > 0 ? states : columns);
  const factors = new Set(indexesOfRole(inputs, 'factor'));
  const lagged = columns.flatMap((column, at) => (factors.has(column) && settings.lags > 1 ? [at] : []));
  const pairs = columns.flatMap((a, i) =>
    columns.flatMap((b, j) =>
      j > i && (factors.has(a) || factors.has(b)) && (conditioning.has(a) || conditioning.has(b))
        ? [[i, j] as const]
        : [],
    ),
  );
  return {
    scaler: design.scaler,
    columns,
    lagged,
    lagCount: settings.lags > 1 ? settings.lags : 0,
    lagBasis: settings.lags > 1 ? lagBasis(many ? 'koyck' : settings.lagShape, settings.lags) : new Float64Array(0),
    knots: settings.nonlinear
      ? knotsOf(own, columns, design.scaler, many ? FEW_KNOT_QUANTILES : KNOT_QUANTILES)
      : new Float64Array(0),
    bend: BEND,
    products: settings.nonlinear ? pairs : [],
    ...(settings.nonlinear ? rangeOf(own, columns, design.scaler) : {}),
    missingColumns: design.marks,
  };
}

/** [column][knot], quantiles of the observed training rows in SD. */
function knotsOf(own: Panel, columns: readonly number[], scaler: Scaler, quantiles: readonly number[]) {
  const knots = columns.flatMap((column) => {
    const seen = observedValues(own, column, scaler);
    return quantiles.map((q) => {
      const place = q * (seen.length - 1);
      const low = seen[Math.floor(place)];
      return low + (place % 1) * (seen[Math.ceil(place)] - low);
    });
  });
  return Float64Array.from(knots);
}

/** [column], least and largest value of the training rows in SD. */
function rangeOf(own: Panel, columns: readonly number[], scaler: Scaler) {
  const seen = columns.map((column) => observedValues(own, column, scaler));
  return {
    low: Float64Array.from(seen, (values) => values[0]),
    high: Float64Array.from(seen, (values) => values[values.length - 1]),
  };
}

/** Observed values of a series in SD, ascending. */
function observedValues({ inputs }: Panel, column: number, { mean, sd }: Scaler): Float64Array {
  const series = inputs.factors.length;
  const own = inputs.values.filter((value, at) => at % series === column && !Number.isNaN(value));
  return own.map((value) => (value - mean[column]) / sd[column]).sort();
}

function stepsFor(width: number): number {
  return Math.round(Math.min(MOST_STEPS, Math.max(FEWEST_STEPS, MOST_STEPS * (MANY_FEATURES / width) ** 3)));
}

/** One prior variance of the mean for: own date, lags, splines, products, marks. */
function blocksOf(formulae: ReturnType<typeof makeFormulae>): number[] {
  const layout = featureLayout(formulae);
  const starts = [layout.lags, layout.splines, layout.products, layout.marks];
  return Array.from({ length: layout.width }, (_, at) => starts.filter((start) => at >= start).length);
}

function diagnosticsOf(
  own: Panel,
  parameters: FeatureParameters,
  heads: PooledHeads,
  settings: PooledFeatureSettings,
  condition: number,
): Diagnostics {
  const observations = Int32Array.from(heads.observations);
  const status = Array.from(observations, (count): StatusNote => {
    if (count === 0) return { status: 'no_data', remedy: 'give returns inside the training span' };
    if (count < settings.minObservations) {
      const remedy = `${count} training returns, at least ${settings.minObservations} needed`;
      return { status: 'too_few_observations', remedy };
    }
    return { status: 'ok', remedy: '' };
  });
  return {
    status,
    observations,
    pValues: pValues(own, parameters, heads),
    facts: {
      features: parameters.featureMean.length,
      condition_number: condition,
      own_noise: heads.ownNoise,
      common_noise: heads.commonNoise,
      steps: heads.steps,
      converged: heads.converged ? 1 : 0,
      ...(settings.prior === 'reduced_rank' ? { rank: heads.rank ?? parameters.featureMean.length } : {}),
    },
  };
}

/** Of the cumulative exposure where all inputs are at their mean, by the normal posterior. [asset][factor]. */
function pValues(own: Panel, parameters: FeatureParameters, heads: PooledHeads): Float64Array {
  const factors = indexesOfRole(own.inputs, 'factor');
  const width = parameters.featureMean.length;
  const assets = heads.offsets.length;
  const gradient = new Float64Array(width);
  const weights = totalLagWeights(parameters);
  const statistics = new Float64Array(assets * factors.length).fill(Number.NaN);
  factors.forEach((factor, f) => {
    const column = parameters.columns.indexOf(factor);
    if (column < 0) return;
    featureGradient(parameters, () => 0, column, weights, gradient);
    const spread = new Map<number, number>();
    for (let asset = 0; asset < assets; asset++) {
      const pattern = heads.pattern[asset];
      if (pattern < 0) continue;
      if (!spread.has(pattern)) spread.set(pattern, quadratic(gradient, heads.covariance, pattern));
      const value = gradient.reduce((sum, g, j) => sum + g * heads.heads[asset * width + j], 0);
      statistics[asset * factors.length + f] = value / Math.sqrt(spread.get(pattern) ?? Number.NaN);
    }
  });
  return twoSidedPValues(statistics, new Float64Array(statistics.length).fill(Number.POSITIVE_INFINITY));
}

function quadratic(x: Float64Array, covariances: Float64Array, pattern: number): number {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) sum += x[i] * x[j] * covariances[(pattern * n + i) * n + j];
  }
  return sum;
}
