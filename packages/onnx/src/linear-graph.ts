import type { LinearParameters } from '@macrograd/core';
import type { Edge, GraphBuilder } from './graph.js';
import { addFlags, addStandardised, placesOf } from './standardise.js';

/**
 * Adds a linear method to the graph: the last step of raw windows [batch, time, series] -> returns [batch, asset].
 *
 *   z = (x - mean) / sd, 0 where x is missing (NaN)
 *   return = intercept + sum over columns of coefficient * z + sum over missing series of their coefficient
 */
export function addLinear(graph: GraphBuilder, parameters: LinearParameters, raw: Edge, returns: Edge): void {
  const { columns, scaler, intercept, coefficients, missingColumns, missingCoefficients } = parameters;
  const assets = intercept.length;
  const constant = graph.floats('intercept', [assets], intercept);
  if (columns.length === 0) {
    addConstant(graph, raw, constant, assets, returns);
    return;
  }
  const last = graph.node('Gather', [raw, graph.ints('last', [-1])], 'last_step', { axis: 1 });
  const row = graph.node('Squeeze', [last, graph.ints('axis_1', [1])], 'last_row');
  const series = graph.node('Gather', [row, graph.ints('columns', columns)], 'columns_now', { axis: 1 });
  const { z, missing } = addStandardised(graph, series, columns, scaler);
  const weighted = (edge: Edge, name: string, weights: Float64Array, count: number) => {
    const matrix = graph.weights(name, [count, assets], transpose(weights, assets, count));
    return graph.node('MatMul', [edge, matrix], `${name}_return`);
  };
  const moved = weighted(z, 'coefficients', coefficients, columns.length);
  if (missingColumns.length === 0) {
    graph.node('Add', [moved, constant], returns);
    return;
  }
  const flags = addFlags(graph, missing, placesOf(missingColumns, columns), 'missing_flags', 1);
  const marked = weighted(flags, 'missing_coefficients', missingCoefficients, missingColumns.length);
  graph.node('Add', [graph.node('Add', [moved, marked], 'deviation'), constant], returns);
}

function addConstant(graph: GraphBuilder, raw: Edge, constant: Edge, assets: number, returns: Edge): void {
  const shape = graph.node('Shape', [raw], 'input_shape');
  const batch = graph.node('Gather', [shape, graph.ints('axis_0', [0])], 'batch_size', { axis: 0 });
  const target = graph.node('Concat', [batch, graph.ints('asset_count', [assets])], 'return_shape', { axis: 0 });
  graph.node('Expand', [constant, target], returns);
}

/** [rows][columns] -> [columns][rows]. */
function transpose(values: Float64Array, rows: number, columns: number): Float64Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}
