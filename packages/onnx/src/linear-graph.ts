import type { LinearParameters } from '@macrograd/core';
import type { Edge, GraphBuilder } from './graph.js';

/**
 * Adds a linear method to the graph: the last step of raw windows [batch, time, series] -> returns [batch, asset].
 *
 *   return = intercept + sum over columns of coefficient * (x - mean) / sd
 *
 * A missing series makes every return of that row NaN, as the method itself does.
 */
export function addLinear(graph: GraphBuilder, parameters: LinearParameters, raw: Edge, returns: Edge): void {
  const { columns, scaler, intercept, coefficients } = parameters;
  const assets = intercept.length;
  const constant = graph.floats('intercept', [assets], intercept);
  if (columns.length === 0) {
    addConstant(graph, raw, constant, assets, returns);
    return;
  }
  const gather = (values: Float64Array) => columns.map((column) => values[column]);
  const last = graph.node('Gather', [raw, graph.ints('last', [-1])], 'last_step', { axis: 1 });
  const row = graph.node('Squeeze', [last, graph.ints('axis_1', [1])], 'last_row');
  const series = graph.node('Gather', [row, graph.ints('columns', columns)], 'columns_now', { axis: 1 });
  const centred = graph.node(
    'Sub',
    [series, graph.floats('factor_mean', [columns.length], gather(scaler.mean))],
    'centred',
  );
  const z = graph.node(
    'Div',
    [centred, graph.floats('factor_sd', [columns.length], gather(scaler.sd))],
    'standardised',
  );
  const transposed = Float64Array.from(coefficients, (_, i) => {
    const column = Math.floor(i / assets);
    return coefficients[(i % assets) * columns.length + column];
  });
  const weights = graph.floats('coefficients', [columns.length, assets], transposed);
  graph.node('Add', [graph.node('MatMul', [z, weights], 'factor_return'), constant], returns);
}

function addConstant(graph: GraphBuilder, raw: Edge, constant: Edge, assets: number, returns: Edge): void {
  const shape = graph.node('Shape', [raw], 'input_shape');
  const batch = graph.node('Gather', [shape, graph.ints('axis_0', [0])], 'batch_size', { axis: 0 });
  const target = graph.node('Concat', [batch, graph.ints('asset_count', [assets])], 'return_shape', { axis: 0 });
  graph.node('Expand', [constant, target], returns);
}
