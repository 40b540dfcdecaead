import { type FactorPanel, type FeatureParameters, type Span, standardise } from '@macrograd/core';

/** The formulae of the features: everything in the parameters but what is estimated from returns. */
export type FeatureRule = Omit<FeatureParameters, 'method' | 'intercept' | 'heads'>;

/** Where each kind of feature starts among the features; `width` is their number. */
export interface FeatureLayout {
  readonly lags: number;
  readonly splines: number;
  readonly products: number;
  readonly marks: number;
  readonly width: number;
  readonly bases: number;
  readonly knots: number;
}

export function featureLayout(rule: Omit<FeatureRule, 'featureMean' | 'featureSd'>): FeatureLayout {
  const columns = rule.columns.length;
  const bases = rule.lagCount === 0 ? 0 : rule.lagBasis.length / rule.lagCount;
  const knots = columns === 0 ? 0 : rule.knots.length / columns;
  const lags = columns;
  const splines = lags + rule.lagged.length * bases;
  const products = splines + columns * knots;
  const marks = products + rule.products.length;
  return { lags, splines, products, marks, width: marks + rule.missingColumns.length, bases, knots };
}

/**
 * Standardised inputs of a span and the `lagCount` rows before it, held at the ends of the rule's range; missing values
 * and rows before the first are 0.
 */
class Window {
  private readonly values: Float64Array;
  private readonly first: number;

  constructor(
    private readonly rule: Omit<FeatureRule, 'featureMean' | 'featureSd'>,
    private readonly inputs: FactorPanel,
    span: Span,
  ) {
    const series = inputs.factors.length;
    this.first = Math.max(0, span.start - rule.lagCount);
    this.values = standardise(inputs.values.subarray(this.first * series, span.end * series), rule.scaler);
  }

  /** z of one of the rule's columns. */
  at(row: number, column: number): number {
    if (row < this.first) return 0;
    const value = this.values[(row - this.first) * this.inputs.factors.length + this.rule.columns[column]];
    if (Number.isNaN(value)) return 0;
    const { low, high } = this.rule;
    return low && high ? Math.min(Math.max(value, low[column]), high[column]) : value;
  }
}

/** Features before centring and scaling, [row][feature]. */
export function rawFeatures(
  rule: Omit<FeatureRule, 'featureMean' | 'featureSd'>,
  inputs: FactorPanel,
  span: Span,
): Float64Array {
  const layout = featureLayout(rule);
  const { bases, knots, width } = layout;
  const window = new Window(rule, inputs, span);
  const series = inputs.factors.length;
  const out = new Float64Array((span.end - span.start) * width);
  for (let row = span.start; row < span.end; row++) {
    const own = out.subarray((row - span.start) * width, (row - span.start + 1) * width);
    rule.columns.forEach((_, column) => {
      const z = window.at(row, column);
      own[column] = z;
      for (let knot = 0; knot < knots; knot++) {
        const at = column * knots + knot;
        own[layout.splines + at] = rule.bend * log1pExp((z - rule.knots[at]) / rule.bend);
      }
    });
    rule.lagged.forEach((column, l) => {
      for (let lag = 0; lag < rule.lagCount; lag++) {
        const z = window.at(row - lag, column);
        for (let basis = 0; basis < bases; basis++) {
          own[layout.lags + l * bases + basis] += rule.lagBasis[lag * bases + basis] * z;
        }
      }
    });
    rule.products.forEach(([a, b], p) => {
      own[layout.products + p] = window.at(row, a) * window.at(row, b);
    });
    rule.missingColumns.forEach((column, m) => {
      own[layout.marks + m] = Number.isNaN(inputs.values[row * series + column]) ? 1 : 0;
    });
  }
  return out;
}

/** Centred and scaled features, [row][feature]. */
export function features(rule: FeatureRule, inputs: FactorPanel, span: Span): Float64Array {
  const { featureMean, featureSd } = rule;
  const width = featureMean.length;
  return rawFeatures(rule, inputs, span).map((value, at) => (value - featureMean[at % width]) / featureSd[at % width]);
}

/**
 * Derivatives of the features at one row by z of one column at its own date, written to `out` [feature]; what lags add
 * (at lag 0, or at all lags together) comes in with `lagWeights` [basis]. Beyond the rule's range they are those at its
 * end, from inside.
 */
export function featureGradient(
  rule: FeatureRule,
  z: (column: number) => number,
  column: number,
  lagWeights: Float64Array,
  out: Float64Array,
): void {
  const layout = featureLayout(rule);
  out.fill(0);
  out[column] = 1;
  for (let knot = 0; knot < layout.knots; knot++) {
    const at = column * layout.knots + knot;
    out[layout.splines + at] = 1 / (1 + Math.exp(-(z(column) - rule.knots[at]) / rule.bend));
  }
  rule.products.forEach(([a, b], p) => {
    if (a === column) out[layout.products + p] += z(b);
    if (b === column) out[layout.products + p] += z(a);
  });
  addLagGradient(rule, column, lagWeights, out);
  for (let at = 0; at < out.length; at++) out[at] /= rule.featureSd[at];
}

/** Derivatives by z of one column at an earlier date: lags alone, the same at every row. */
export function laggedGradient(rule: FeatureRule, column: number, lag: number, out: Float64Array): void {
  const { bases } = featureLayout(rule);
  out.fill(0);
  addLagGradient(rule, column, rule.lagBasis.subarray(lag * bases, (lag + 1) * bases), out);
  for (let at = 0; at < out.length; at++) out[at] /= rule.featureSd[at];
}

/** Sum of the basis over all lags, [basis]. */
export function totalLagWeights(rule: FeatureRule): Float64Array {
  const { bases } = featureLayout(rule);
  const total = new Float64Array(bases);
  rule.lagBasis.forEach((value, at) => {
    total[at % bases] += value;
  });
  return total;
}

/** Reads z of a row for {@link featureGradient}. */
export function stateAt(
  rule: FeatureRule,
  inputs: FactorPanel,
  span: Span,
): (row: number) => (column: number) => number {
  const window = new Window({ ...rule, lagCount: 0 }, inputs, span);
  return (row) => (column) => window.at(row, column);
}

function addLagGradient(rule: FeatureRule, column: number, weights: Float64Array, out: Float64Array): void {
  const layout = featureLayout(rule);
  const l = rule.lagged.indexOf(column);
  if (l < 0) return;
  weights.forEach((weight, basis) => {
    out[layout.lags + l * layout.bases + basis] += weight;
  });
}

/** log(1 + e^x) without overflow. */
function log1pExp(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}
