import type { FeatureParameters } from '@macrograd/core';
import { addOutputs, type ExposureGraph } from './exposure-outputs.js';
import type { Edge, GraphBuilder } from './graph.js';
import { lastSteps } from './lstm-graph.js';
import { addFlags, addStandardised } from './standardise.js';

/** Steps that the features look back. */
export function featureWindow({ lagCount }: FeatureParameters): number {
  return Math.max(1, lagCount);
}

/** What the features are made of. */
interface Inputs {
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
  const inputs = addInputs(graph, parameters, raw);
  const features = graph.node('Concat', featureParts(graph, parameters, inputs), 'features', { axis: 1 });
  const mean = graph.floats('feature_mean', [featureMean.length], featureMean);
  const centred = graph.node('Sub', [features, mean], 'features_centred');
  const heads = scaledHeads(parameters);
  const byFeature = heads.map((_, i) => heads[(i % assets) * featureMean.length + Math.floor(i / assets)]);
  const weights = graph.weights('heads', [featureMean.length, assets], byFeature);
  const moved = graph.node('MatMul', [centred, weights], 'return_deviation');
  graph.node('Add', [moved, graph.floats('intercept', [assets], intercept)], returns);
}

/** Exposures of such a regression: the features' derivatives times the heads. */
export function addFeatureExposures(wanted: ExposureGraph, parameters: FeatureParameters): void {
  const { graph, raw, assets, targets, forms } = wanted;
  const { columns, scaler, intercept, featureMean } = parameters;
  const places = targets.map((target) => columns.indexOf(target));
  const inputs = addInputs(graph, parameters, raw);
  const lags = featureWindow(parameters);
  const all = graph.weights('heads', [intercept.length, featureMean.length], scaledHeads(parameters));
  const heads = graph.node('Gather', [all, assets], 'selected_heads', { axis: 0 });
  for (const form of forms) {
    const kept = form === 'lags' ? lags : 1;
    const derivatives = addDerivatives(graph, parameters, inputs, places, form);
    const cells = graph.ints(`${form}.cells`, [0, 0, kept * targets.length]);
    const flat = graph.node('Reshape', [derivatives, cells], `${form}.feature_derivatives`);
    const exposure = graph.node('MatMul', [heads, flat], `${form}.exposure`);
    addOutputs(wanted, form, lags, { exposure }, scaler);
  }
}

function addInputs(graph: GraphBuilder, parameters: FeatureParameters, raw: Edge): Inputs {
  const { columns, missingColumns, scaler } = parameters;
  const lags = featureWindow(parameters);
  const series = graph.node('Gather', [raw, graph.ints('columns', columns)], 'window_series', { axis: 2 });
  const { z } = addStandardised(graph, series, columns, scaler);
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

/** Features before centring, in their order; each [batch, some]. */
function featureParts(graph: GraphBuilder, parameters: FeatureParameters, { window, now, marks }: Inputs): Edge[] {
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
function addKnots(graph: GraphBuilder, { columns, knots, bend }: FeatureParameters, now: Edge): Edge {
  const perColumn = knots.length / columns.length;
  const places = Array.from(knots, (_, at) => Math.floor(at / perColumn));
  const repeated = graph.node('Gather', [now, graph.ints('knot_columns', places)], 'knot_inputs', { axis: 1 });
  const apart = graph.node('Sub', [repeated, graph.floats('knots', [knots.length], knots)], 'knot_distance');
  return graph.node('Div', [apart, graph.floats('bend', [], [bend])], 'knot_scaled');
}

function addFactorsOfProducts(graph: GraphBuilder, { products }: FeatureParameters, now: Edge): [Edge, Edge] {
  const side = (at: 0 | 1, name: string) => {
    const places = products.map((pair) => pair[at]);
    return graph.node('Gather', [now, graph.ints(`${name}_places`, places)], name, { axis: 1 });
  };
  return [side(0, 'product_left'), side(1, 'product_right')];
}

/**
 * Derivatives of the features by the targets, [batch, feature, lag, target]: constants for z and lags, sigmoids for
 * splines, the other factor for products, nothing for marks.
 */
function addDerivatives(
  graph: GraphBuilder,
  parameters: FeatureParameters,
  { now }: Inputs,
  targets: readonly number[],
  form: ExposureGraph['forms'][number],
): Edge {
  const { columns, knots, products, featureMean } = parameters;
  const own = (name: string) => `${form}.${name}`;
  const kept = form === 'lags' ? featureWindow(parameters) : 1;
  const bases = parameters.lagCount === 0 ? 0 : parameters.lagBasis.length / parameters.lagCount;
  const splines = columns.length + parameters.lagged.length * bases;
  const firstProduct = splines + knots.length;
  // Places the derivatives of some features by some columns: [feature, lag, target], 1 at lag 0 of the column.
  const indicator = (name: string, first: number, places: readonly number[]) =>
    graph.floats(
      own(name),
      [places.length, featureMean.length, kept, targets.length],
      Float32Array.from({ length: places.length * featureMean.length * kept * targets.length }, (_, i) => {
        const [target, lag] = [targets[i % targets.length], Math.floor(i / targets.length) % kept];
        const feature = Math.floor(i / (targets.length * kept)) % featureMean.length;
        const from = Math.floor(i / (targets.length * kept * featureMean.length));
        return lag === 0 && feature === first + from && target === places[from] ? 1 : 0;
      }),
    );
  const sizes = [featureMean.length, kept, targets.length];
  const cells = sizes.reduce((a, b) => a * b, 1);
  const placed = (values: Edge, name: string, first: number, places: readonly number[]) => {
    const matrix = graph.node(
      'Reshape',
      [indicator(name, first, places), graph.ints(own(`${name}_flat`), [places.length, cells])],
      own(`${name}_matrix`),
    );
    return graph.node('MatMul', [values, matrix], own(`${name}_derivatives`));
  };
  const constant = graph.weights(own('constant'), [cells], constantDerivatives(parameters, targets, form));
  const parts: Edge[] = [];
  if (knots.length > 0) {
    const slope = graph.has('knot_slope')
      ? 'knot_slope'
      : graph.node('Sigmoid', [addKnots(graph, parameters, now)], 'knot_slope');
    const perColumn = knots.length / columns.length;
    parts.push(
      placed(
        slope,
        'spline',
        splines,
        Array.from(knots, (_, at) => Math.floor(at / perColumn)),
      ),
    );
  }
  if (products.length > 0) {
    const [left, right] = graph.has('product_left')
      ? ['product_left', 'product_right']
      : addFactorsOfProducts(graph, parameters, now);
    parts.push(
      placed(
        right,
        'by_left',
        firstProduct,
        products.map(([a]) => a),
      ),
    );
    parts.push(
      placed(
        left,
        'by_right',
        firstProduct,
        products.map(([, b]) => b),
      ),
    );
  }
  // The first part has the batch, so that constants alone get it too.
  const batch = graph.node('ReduceSum', [now, graph.ints('axis_1', [1])], own('row'), { keepdims: 1 });
  const zero = graph.node('Mul', [batch, graph.floats('zero', [], [0])], own('zero'));
  const sum = [constant, ...parts].reduce(
    (left, right, at) => graph.node('Add', [left, right], own(`sum_${at}`)),
    zero,
  );
  return graph.node('Reshape', [sum, graph.ints(own('derivative_shape'), [-1, ...sizes])], own('derivatives'));
}

/** Derivatives of z and of the lag sums, [feature][lag][target]; NaN for a target that is not in the model. */
function constantDerivatives(
  { columns, lagged, lagBasis, lagCount, featureMean }: FeatureParameters,
  targets: readonly number[],
  form: ExposureGraph['forms'][number],
): Float64Array {
  const bases = lagCount === 0 ? 0 : lagBasis.length / lagCount;
  const kept = form === 'lags' ? Math.max(1, lagCount) : 1;
  const total = (basis: number) => {
    let sum = 0;
    for (let lag = 0; lag < lagCount; lag++) sum += lagBasis[lag * bases + basis];
    return sum;
  };
  return Float64Array.from({ length: featureMean.length * kept * targets.length }, (_, i) => {
    const target = targets[i % targets.length];
    const lag = Math.floor(i / targets.length) % kept;
    const feature = Math.floor(i / (targets.length * kept));
    if (target < 0) return Number.NaN;
    if (feature < columns.length) return lag === 0 && feature === target ? 1 : 0;
    const place = Math.floor((feature - columns.length) / Math.max(1, bases));
    if (place >= lagged.length || lagged[place] !== target) return 0;
    const basis = (feature - columns.length) % bases;
    return form === 'cumulative' ? total(basis) : lagBasis[lag * bases + basis];
  });
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
function scaledHeads({ heads, featureSd }: FeatureParameters): Float64Array {
  return heads.map((head, i) => head / featureSd[i % featureSd.length]);
}
