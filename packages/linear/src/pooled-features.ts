import {
  ArgumentError,
  CancelledError,
  calmWeights,
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
  weightRows,
} from '@macrograd/core';
import {
  componentHeads,
  type PooledHeads,
  pooledHeads,
  type RegressionPanel,
  twoSidedPValues,
} from '@macrograd/kernel';
import { fitDesign } from './design.js';
import { FeatureFitted } from './feature-fitted.js';
import { type FeatureRule, featureGradient, featureLayout, rawFeatures, totalLagWeights } from './features.js';
import { type LagShape, lagBasis } from './lag-basis.js';
import { conditionNumber } from './training.js';

/** Quantiles of the training rows where splines bend, for few series and for many. */
const KNOT_QUANTILES = [0.1, 0.3, 0.5, 0.7, 0.9];
const FEW_KNOT_QUANTILES = [0.2, 0.5, 0.8];

/** Inputs of components beyond so many SD enter as if at it, as those of the LSTM do: one month of 2020 is 40 of them. */
const LIMIT = 3;

/** Knots at even distances within so many SD, for components: few series, many. */
const EVEN_KNOTS = { few: 11, many: 7, within: 2.5 };

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

/** Components without a number of one's own: a threshold, a product and a lag profile have one each. */
const COMPONENTS = 3;

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
  readonly prior: 'components' | 'empirical_bayes' | 'reduced_rank' | 'ridge';
  /** Of `components`: their number. */
  readonly components?: number;
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
  const panelOfFeatures = { design, returns, rows, columns: width, assets };
  const isWeighted = settings.prior === 'components';
  const heads = await headsOf(isWeighted ? calmed(panelOfFeatures) : panelOfFeatures, rule, fit, settings);
  // Weighted rows tell coefficients; levels are those of the rows as they are.
  const offsets = isWeighted ? levels(panelOfFeatures, heads.heads) : heads.offsets;
  const parameters: FeatureParameters = {
    ...rule,
    method,
    intercept: offsets.map((offset, asset) => scaler.mean[asset] + offset * scaler.sd[asset]),
    heads: heads.heads.map((head, at) => head * scaler.sd[Math.floor(at / width)]),
    headCovariance: heads.covariance,
    assetGroup: heads.pattern,
    returnSd: scaler.sd,
  };
  const condition = await conditionNumber({ design, rows, columns: width });
  return new FeatureFitted({ parameters, diagnostics: diagnosticsOf(own, parameters, heads, settings, condition) });
}

/** Rows times their calm weights. */
function calmed(panel: RegressionPanel): RegressionPanel {
  const weights = calmWeights(panel.returns, panel.assets);
  return { ...panel, design: weightRows(panel.design, weights), returns: weightRows(panel.returns, weights) };
}

/** [asset], mean over an asset's rows of what its head leaves. */
function levels({ design, returns, rows, columns, assets }: RegressionPanel, heads: Float64Array): Float64Array {
  return Float64Array.from({ length: assets }, (_, asset) => {
    const head = heads.subarray(asset * columns, (asset + 1) * columns);
    let [sum, count] = [0, 0];
    for (let row = 0; row < rows; row++) {
      const y = returns[row * assets + asset];
      if (Number.isNaN(y)) continue;
      let left = y;
      for (let j = 0; j < columns; j++) left -= head[j] * design[row * columns + j];
      sum += left;
      count++;
    }
    return sum / count;
  });
}

function headsOf(
  panel: RegressionPanel,
  rule: FeatureRule,
  { signal }: FitOptions,
  { prior, rank, components, minObservations }: PooledFeatureSettings,
): Promise<PooledHeads> {
  const maxSteps = stepsFor(panel.columns);
  const common = { minObservations, ...(signal ? { signal } : {}) };
  if (prior === 'components') {
    const { group, scale } = componentGroups(rule);
    const most = group.filter((own) => own > 0).length;
    if (most > 0)
      return componentHeads(panel, { ...common, group, scale, components: Math.min(components ?? COMPONENTS, most) });
  }
  return pooledHeads(panel, {
    ...common,
    block: blocksOf(rule),
    prior: prior === 'ridge' ? 'ridge' : 'empirical_bayes',
    ...(prior === 'reduced_rank' ? { rank: rank ?? VALIDATED_RANK } : {}),
    maxSteps,
  });
}

/**
 * Own coefficients on inputs and marks; a group for the lags of each factor, for the bends of each series (whose coefficients
 * as changes of slope have one prior variance, so that a wide bend costs what a narrow one does), and for each product.
 */
function componentGroups(rule: FeatureRule): { group: number[]; scale: number[] } {
  const { lags, splines, products, marks, width, bases, knots } = featureLayout(rule);
  const groupOf = (at: number): number => {
    if (at < lags || at >= marks) return 0;
    if (at < splines) return 1 + Math.floor((at - lags) / bases);
    const factors = rule.lagged.length;
    if (at < products) return 1 + factors + Math.floor((at - splines) / knots);
    return 1 + factors + (knots > 0 ? rule.columns.length : 0) + (at - products);
  };
  const group = Array.from({ length: width }, (_, at) => groupOf(at));
  const scale = group.map((_, at) => (at >= splines && at < products ? rule.featureSd[at] : 1));
  return { group, scale };
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
    knots: settings.nonlinear ? knotsOf(own, columns, design.scaler, settings, many) : new Float64Array(0),
    bend: BEND,
    products: settings.nonlinear ? pairs : [],
    ...(settings.nonlinear
      ? rangeOf(own, columns, design.scaler, settings.prior === 'components' ? LIMIT : Infinity)
      : {}),
    missingColumns: design.marks,
  };
}

/** [column][knot] in SD: at even distances for components, else quantiles of the observed training rows. */
function knotsOf(
  own: Panel,
  columns: readonly number[],
  scaler: Scaler,
  { prior }: PooledFeatureSettings,
  many: boolean,
): Float64Array {
  const knots = columns.flatMap((column) => {
    const seen = observedValues(own, column, scaler);
    if (prior === 'components') return evenKnots(seen, many ? EVEN_KNOTS.many : EVEN_KNOTS.few);
    return (many ? FEW_KNOT_QUANTILES : KNOT_QUANTILES).map((q) => {
      const place = q * (seen.length - 1);
      const low = seen[Math.floor(place)];
      return low + (place % 1) * (seen[Math.ceil(place)] - low);
    });
  });
  return Float64Array.from(knots);
}

/** From the least to the largest value, both held within a few SD. */
function evenKnots(ascending: Float64Array, count: number): number[] {
  const low = Math.max(ascending[0], -EVEN_KNOTS.within);
  const high = Math.min(ascending[ascending.length - 1], EVEN_KNOTS.within);
  return Array.from({ length: count }, (_, at) => low + ((high - low) * at) / (count - 1));
}

/** [column], least and largest value of the training rows in SD, at most `limit` from the mean. */
function rangeOf(own: Panel, columns: readonly number[], scaler: Scaler, limit: number) {
  const seen = columns.map((column) => observedValues(own, column, scaler));
  return {
    low: Float64Array.from(seen, (values) => Math.max(values[0], -limit)),
    high: Float64Array.from(seen, (values) => Math.min(values[values.length - 1], limit)),
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
function blocksOf(formulae: FeatureRule): number[] {
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
      ...(heads.rank !== undefined || settings.prior === 'reduced_rank'
        ? { rank: heads.rank ?? parameters.featureMean.length }
        : {}),
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
