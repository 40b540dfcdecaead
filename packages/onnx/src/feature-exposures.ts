import type { FeatureParameters, JacobianForm } from '@macrograd/core';
import { constantExposures } from './constant-exposures.js';
import type { ExposureEdges, ExposureGraph, MethodExposures } from './exposure-outputs.js';
import { addHeads, addReadout, type HeadEdges } from './exposure-readout.js';
import {
  addFactorsOfProducts,
  addFeatureInputs,
  addKnots,
  type FeatureInputs,
  featureWindow,
  scaledHeads,
} from './feature-graph.js';
import type { Edge, GraphBuilder } from './graph.js';

/** One lag, or the sum over all of them. */
type LagChoice = number | 'all';

/**
 * Exposures of a regression on features: the features' derivatives times the heads. Derivatives of z and of lag sums are
 * the same at every date, so without splines and products all is constant; with them, what lies at the row's own date
 * moves and later lags do not.
 */
export function addFeatureExposures(wanted: ExposureGraph, parameters: FeatureParameters): MethodExposures {
  const { knots, products } = parameters;
  const lags = featureWindow(parameters);
  const constant = (form: JacobianForm, firstLag: number) => constantsOf(wanted, parameters, form, firstLag);
  if (knots.length === 0 && products.length === 0) return { lags, edges: (form) => constant(form, 0) };
  const places = wanted.targets.map((target) => parameters.columns.indexOf(target));
  const inputs = addFeatureInputs(wanted.graph, parameters, wanted.raw);
  const heads = addFeatureHeads(wanted, parameters);
  const moving = new Map<JacobianForm, ExposureEdges>();
  const own = (form: 'contemporaneous' | 'cumulative'): ExposureEdges => {
    const known = moving.get(form);
    if (known) return known;
    const derivatives = addDerivatives(wanted.graph, parameters, inputs, places, form);
    const made = addReadout(wanted.graph, heads, [derivatives], form);
    moving.set(form, made);
    return made;
  };
  return {
    lags,
    edges: (form) => {
      if (form !== 'lags') return own(form);
      return lags === 1 ? own('contemporaneous') : before(wanted, own('contemporaneous'), constant('lags', 1), lags);
    },
  };
}

/** Lag 0 of one source before the later lags of another, whose own lag 0 is 0. */
function before(
  { graph, targets }: ExposureGraph,
  now: ExposureEdges,
  later: ExposureEdges,
  lags: number,
): ExposureEdges {
  const pads = graph.ints('later_lags', [0, 0, 0, 0, 0, (lags - 1) * targets.length]);
  const joined = (first: Edge, rest: Edge, name: string) => {
    const padded = graph.node('Pad', [first, pads], `lags.${name}_now`, { mode: 'constant' });
    return graph.node('Add', [padded, rest], `lags.${name}`);
  };
  const exposure = joined(now.exposure, later.exposure, 'exposure');
  return now.se && later.se ? { exposure, se: joined(now.se, later.se, 'se') } : { exposure };
}

function addFeatureHeads({ graph, assets }: ExposureGraph, parameters: FeatureParameters): HeadEdges {
  const { featureMean, featureSd, headCovariance, assetGroup, intercept } = parameters;
  const width = featureMean.length;
  const returnSd = parameters.returnSd ?? new Float64Array(intercept.length).fill(1);
  const heads = scaledHeads(parameters).map((head, i) => head / returnSd[Math.floor(i / width)]);
  const covariance = headCovariance?.map((c, i) => c / featureSd[i % width] / featureSd[Math.floor(i / width) % width]);
  const member = { heads, featureMean, ...(covariance && { headCovariance: covariance }) };
  return addHeads(graph, { members: [member], returnSd, ...(assetGroup && { assetGroup }) }, assets);
}

/** What does not depend on the inputs, from the lag on; 0 at lags before it. */
function constantsOf(
  wanted: ExposureGraph,
  parameters: FeatureParameters,
  form: JacobianForm,
  firstLag: number,
): ExposureEdges {
  const { heads, featureMean, headCovariance, assetGroup, returnSd } = parameters;
  const width = featureMean.length;
  const count = wanted.targets.length;
  const kept = form === 'lags' ? featureWindow(parameters) : 1;
  const cells = Array.from({ length: kept * count }, (_, cell) => {
    const lag = Math.floor(cell / count);
    const choice: LagChoice = form === 'cumulative' ? 'all' : lag;
    return lag < firstLag ? [] : gradientOf(parameters, wanted.targets[cell % count], choice);
  });
  const value = (asset: number, cell: number) =>
    cells[cell].reduce((sum, [feature, d]) => sum + heads[asset * width + feature] * d, 0);
  if (!headCovariance || !assetGroup || !returnSd) return constantExposures(wanted, form, cells.length, { value });
  const se = (asset: number, cell: number) => {
    const group = assetGroup[asset];
    if (group < 0) return Number.NaN;
    let variance = 0;
    for (const [i, a] of cells[cell]) {
      for (const [j, b] of cells[cell]) variance += a * b * headCovariance[(group * width + i) * width + j];
    }
    return returnSd[asset] * Math.sqrt(variance);
  };
  return constantExposures(wanted, form, cells.length, { value, se });
}

/** Derivatives of z and of the lag sums in SD of the features, as [feature, derivative]; NaN for an unknown target. */
function gradientOf(parameters: FeatureParameters, target: number, lag: LagChoice): (readonly [number, number])[] {
  const { columns, lagged, lagBasis, lagCount, featureSd } = parameters;
  const place = columns.indexOf(target);
  if (place < 0) return [[0, Number.NaN]];
  const own = lag === 0 || lag === 'all' ? [[place, 1] as const] : [];
  const l = lagged.indexOf(place);
  const bases = lagCount === 0 ? 0 : lagBasis.length / lagCount;
  const weight = (basis: number) => {
    if (lag !== 'all') return lagBasis[lag * bases + basis];
    let sum = 0;
    for (let k = 0; k < lagCount; k++) sum += lagBasis[k * bases + basis];
    return sum;
  };
  const sums = Array.from(
    { length: l < 0 ? 0 : bases },
    (_, basis) => [columns.length + l * bases + basis, weight(basis)] as const,
  );
  return [...own, ...sums].map(([feature, d]) => [feature, d / featureSd[feature]] as const);
}

/**
 * Derivatives of the features before scaling by the targets of the row's own date, [batch, feature, target]: constants
 * for z and lags (all of them if cumulative), sigmoids for splines, the other factor for products, nothing for marks.
 */
function addDerivatives(
  graph: GraphBuilder,
  parameters: FeatureParameters,
  { now }: FeatureInputs,
  targets: readonly number[],
  form: 'contemporaneous' | 'cumulative',
): Edge {
  const { columns, lagged, lagBasis, lagCount, knots, products, featureMean, featureSd } = parameters;
  const own = (name: string) => `${form}.${name}`;
  const width = featureMean.length;
  const cells = width * targets.length;
  const constant = new Float64Array(cells);
  targets.forEach((place, t) => {
    const gradient = gradientOf(parameters, columns[place] ?? -1, form === 'cumulative' ? 'all' : 0);
    for (const [feature, d] of gradient) constant[feature * targets.length + t] = d * featureSd[feature];
  });
  // Places the derivatives of some features by some columns: [value][feature][target].
  const placed = (values: Edge, name: string, first: number, places: readonly number[]) => {
    const matrix = new Float32Array(places.length * cells);
    places.forEach((place, from) => {
      targets.forEach((target, t) => {
        if (target === place) matrix[from * cells + (first + from) * targets.length + t] = 1;
      });
    });
    const edge = graph.floats(`${name}_places`, [places.length, cells], matrix);
    return graph.node('MatMul', [values, edge], own(`${name}_derivatives`));
  };
  const bases = lagCount === 0 ? 0 : lagBasis.length / lagCount;
  const splines = columns.length + lagged.length * bases;
  const firstProduct = splines + knots.length;
  const parts: Edge[] = [];
  if (knots.length > 0) {
    const slope = graph.has('knot_slope')
      ? 'knot_slope'
      : graph.node('Sigmoid', [addKnots(graph, parameters, now)], 'knot_slope');
    const perColumn = knots.length / columns.length;
    const places = Array.from(knots, (_, at) => Math.floor(at / perColumn));
    parts.push(placed(slope, 'spline', splines, places));
  }
  if (products.length > 0) {
    const [left, right] = graph.has('product_left')
      ? ['product_left', 'product_right']
      : addFactorsOfProducts(graph, parameters, now);
    const side = (at: 0 | 1) => products.map((pair) => pair[at]);
    parts.push(placed(right, 'by_left', firstProduct, side(0)), placed(left, 'by_right', firstProduct, side(1)));
  }
  const sum = graph.node(
    'Sum',
    [graph.weights(own('constant'), [1, cells], constant), ...parts],
    own('derivative_sum'),
  );
  return graph.node('Reshape', [sum, graph.ints('derivative_shape', [-1, width, targets.length])], own('derivatives'));
}
