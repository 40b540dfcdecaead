import type { FeatureParameters } from '@macrograd/core';
import type { Edge, GraphBuilder } from './graph.js';
import { lastSteps } from './lstm-graph.js';
import { addFlags, addStandardised } from './standardise.js';

/** Steps that the features look back. */
export function featureWindow({ lagCount }: FeatureParameters): number {
  return Math.max(1, lagCount);
}

/** What the features are made of. */
export interface FeatureInputs {
  /** Standardised columns of the last steps, [batch, window, column], 0 where missing. */
  readonly window: Edge;
  /** Of the last step, [batch, column]. */
  readonly now: Edge;
  /** Where a marked series is missing at the last step, [batch, mark]; absent without marks. */
  readonly marks?: Edge;
}

/**
 * Adds a regression on fixed features to the graph: raw windows [batch, time, series] -> returns [batch, asset].
 *
 *   return = intercept + sum over features of head * (feature - mean) / sd
 */
export function addFeatures(graph: GraphBuilder, parameters: FeatureParameters, raw: Edge, returns: Edge): void {
  const { intercept, featureMean } = parameters;
  const assets = intercept.length;
  const inputs = addFeatureInputs(graph, parameters, raw);
  const features = graph.node('Concat', featureParts(graph, parameters, inputs), 'features', { axis: 1 });
  const mean = graph.floats('feature_mean', [featureMean.length], featureMean);
  const centred = graph.node('Sub', [features, mean], 'features_centred');
  const heads = scaledHeads(parameters);
  const byFeature = heads.map((_, i) => heads[(i % assets) * featureMean.length + Math.floor(i / assets)]);
  const weights = graph.weights('heads', [featureMean.length, assets], byFeature);
  const moved = graph.node('MatMul', [centred, weights], 'return_deviation');
  graph.node('Add', [moved, graph.floats('intercept', [assets], intercept)], returns);
}

export function addFeatureInputs(graph: GraphBuilder, parameters: FeatureParameters, raw: Edge): FeatureInputs {
  const { columns, missingColumns, scaler } = parameters;
  const lags = featureWindow(parameters);
  const series = graph.node('Gather', [raw, graph.ints('columns', columns)], 'window_series', { axis: 2 });
  const z = addRange(graph, parameters, addStandardised(graph, series, columns, scaler).z);
  const pads = graph.ints('pad_front', [0, lags - 1, 0, 0, 0, 0]);
  const padded = graph.node('Pad', [z, pads], 'padded_steps', { mode: 'constant' });
  const axis = graph.ints('axis_1', [1]);
  const now = graph.node('Squeeze', [lastSteps(graph, padded, 1, 'last_step'), axis], 'now');
  const window = lags === 1 ? 'last_step' : lastSteps(graph, padded, lags, 'window');
  if (missingColumns.length === 0) return { window, now };
  const last = graph.node('Squeeze', [lastSteps(graph, raw, 1, 'last_raw_step'), axis], 'last_raw');
  const missing = graph.node('IsNaN', [last], 'missing_now');
  return { window, now, marks: addFlags(graph, missing, missingColumns, 'marks', 1) };
}

/** Values beyond the range of training are held at its ends. */
function addRange(graph: GraphBuilder, { columns, low, high }: FeatureParameters, z: Edge): Edge {
  if (!low || !high) return z;
  const above = graph.node('Max', [z, graph.floats('range_low', [columns.length], low)], 'held_above');
  return graph.node('Min', [above, graph.floats('range_high', [columns.length], high)], 'held');
}

/** Features before centring, in their order; each [batch, some]. */
function featureParts(
  graph: GraphBuilder,
  parameters: FeatureParameters,
  { window, now, marks }: FeatureInputs,
): Edge[] {
  const { columns, lagged, knots, bend, products } = parameters;
  const parts = [now];
  if (lagged.length > 0) {
    const oldestFirst = lagMatrix(parameters);
    const lags = featureWindow(parameters);
    const flat = graph.node('Reshape', [window, graph.ints('lag_shape', [0, lags * columns.length])], 'lag_flat');
    const width = oldestFirst.length / (lags * columns.length);
    parts.push(
      graph.node('MatMul', [flat, graph.weights('lag_basis', [lags * columns.length, width], oldestFirst)], 'lag_sums'),
    );
  }
  if (knots.length > 0) {
    const soft = graph.node('Softplus', [addKnots(graph, parameters, now)], 'knot_soft');
    parts.push(graph.node('Mul', [soft, graph.floats('bend', [], [bend])], 'splines'));
  }
  if (products.length > 0) {
    const [left, right] = addFactorsOfProducts(graph, parameters, now);
    parts.push(graph.node('Mul', [left, right], 'products'));
  }
  if (marks !== undefined) parts.push(marks);
  return parts;
}

/** (z - knot) / bend of every column and knot, [batch, column * knot]. */
export function addKnots(graph: GraphBuilder, { columns, knots, bend }: FeatureParameters, now: Edge): Edge {
  const perColumn = knots.length / columns.length;
  const places = Array.from(knots, (_, at) => Math.floor(at / perColumn));
  const repeated = graph.node('Gather', [now, graph.ints('knot_columns', places)], 'knot_inputs', { axis: 1 });
  const apart = graph.node('Sub', [repeated, graph.floats('knots', [knots.length], knots)], 'knot_distance');
  return graph.node('Div', [apart, graph.floats('bend', [], [bend])], 'knot_scaled');
}

export function addFactorsOfProducts(graph: GraphBuilder, { products }: FeatureParameters, now: Edge): [Edge, Edge] {
  const side = (at: 0 | 1, name: string) => {
    const places = products.map((pair) => pair[at]);
    return graph.node('Gather', [now, graph.ints(`${name}_places`, places)], name, { axis: 1 });
  };
  return [side(0, 'product_left'), side(1, 'product_right')];
}

/** Weights of [step oldest first, column] for every lag sum [lagged][basis]. */
function lagMatrix(parameters: FeatureParameters): Float64Array {
  const { columns, lagged, lagBasis, lagCount } = parameters;
  const bases = lagBasis.length / lagCount;
  const width = lagged.length * bases;
  return Float64Array.from({ length: lagCount * columns.length * width }, (_, i) => {
    const output = i % width;
    const column = Math.floor(i / width) % columns.length;
    const lag = lagCount - 1 - Math.floor(i / (width * columns.length));
    return lagged[Math.floor(output / bases)] === column ? lagBasis[lag * bases + (output % bases)] : 0;
  });
}

/** Heads on features that are centred but not scaled, [asset][feature]. */
export function scaledHeads({ heads, featureSd }: FeatureParameters): Float64Array {
  return heads.map((head, i) => head / featureSd[i % featureSd.length]);
}
