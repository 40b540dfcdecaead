import { type Edge, GraphBuilder } from './graph.js';
import type { EncoderEdges, LayerWeights } from './lstm-graph.js';

/** Gate blocks of the trained weights, in their order. */
const GATES = ['input_gate', 'forget_gate', 'cell_gate', 'output_gate'] as const;

/** A layer with its place in the graph. */
export interface EncoderLayer {
  readonly weights: LayerWeights;
  readonly edges: EncoderEdges;
  readonly own: (name: string) => string;
}

/**
 * d h_L / d x_{L-k} of stacked LSTM layers, bottom first, from their forward pass: [batch, H, lag, target].
 *
 * The forward pass keeps the hidden states alone; gates follow from them, cell states from the gates. Then one reverse
 * pass a layer, the top one first, carries D = d h_L / d h_t and C = d h_L / d c_t, [unit of h_L, batch, H], back through
 * the steps. The units of h_L come first: what is the same for all of them is then multiplied in long runs.
 *
 *   D += what the layer above passes down at t
 *   dc = C + D o (1 - tanh^2 c)
 *   dgates = [dc g i (1 - i) | dc c_prev f (1 - f) | dc i (1 - g^2) | D tanh(c) o (1 - o)]
 *   d h_L / d x_t = dgates W_ih,  D = dgates W_hh,  C = dc f
 *
 * `targets` are the inputs to differentiate by, as columns of the bottom weights; -1 stands for one that has no effect.
 */
export function addHiddenJacobian(
  graph: GraphBuilder,
  layers: readonly EncoderLayer[],
  targets: readonly number[],
): Edge {
  const top = layers[layers.length - 1];
  let above: Edge | undefined;
  for (const layer of [...layers].reverse()) {
    const columns = layer === layers[0] ? targets : Array.from({ length: layer.weights.inputSize }, (_, j) => j);
    above = addReversePass(graph, layer, columns, { rows: top.weights.hiddenSize, above });
  }
  return graph.node('Transpose', [above ?? ''], layers[0].own('hidden_jacobian'), { perm: [2, 1, 0, 3] });
}

/** d h_L / d x_t of one layer for every step, [time, rows, batch, column], from what the layer above passes down. */
function addReversePass(
  graph: GraphBuilder,
  { weights, edges, own }: EncoderLayer,
  columns: readonly number[],
  { rows, above }: { readonly rows: number; readonly above: Edge | undefined },
): Edge {
  const { hiddenSize: H } = weights;
  const factors = addLocalDerivatives(graph, weights, edges, own);
  const batch = graph.node(
    'Gather',
    [graph.node('Shape', [edges.last], own('last_shape')), graph.ints('index_1', [1])],
    own('batch_size'),
    { axis: 0 },
  );
  const sizes = [graph.ints(own('rows'), [rows]), batch, graph.ints(own('units'), [H])];
  const shape = graph.node('Concat', sizes, own('jacobian_shape'), { axis: 0 });
  const zero = graph.node('Expand', [graph.floats('zero', [], [0]), shape], own('d_cell_end'));
  const identity = Float32Array.from({ length: H * H }, (_, i) => (i % (H + 1) === 0 ? 1 : 0));
  const start =
    above === undefined
      ? graph.node('Expand', [graph.floats(own('identity'), [H, 1, H], identity), shape], own('d_hidden_end'))
      : zero;
  const scanned = above === undefined ? factors : [...factors, above];
  const [forward, reverse] = [0, 1];
  graph.addNode('Scan', [start, zero, ...scanned], [own('d_hidden_start'), own('d_cell_start'), own('d_inputs')], {
    body: reverseStep(graph, weights, columns, { rows, stacked: above !== undefined }, own),
    num_scan_inputs: scanned.length,
    // What comes from above starts with the last step already.
    scan_input_directions: scanned.map((edge) => (edge === above ? forward : reverse)),
  });
  return own('d_inputs');
}

/** The factors of a reverse step that do not depend on D and C, each [time, batch, H]. */
function addLocalDerivatives(
  graph: GraphBuilder,
  member: LayerWeights,
  encoder: EncoderEdges,
  own: (name: string) => string,
): Edge[] {
  const hidden = graph.node('Squeeze', [encoder.all, graph.ints('axis_1', [1])], own('hidden_by_step'));
  const [i, f, g, o] = addGates(graph, member, encoder.window, hidden, own);
  const product = (name: string, ...parts: Edge[]) =>
    parts.reduce((left, right, at) => graph.node('Mul', [left, right], own(`${name}.${at}`)));
  const one = graph.floats('one', [], [1]);
  const rest = (edge: Edge, name: string) => graph.node('Sub', [one, edge], own(name));
  const cell = addCellStates(graph, f, product('new_content', i, g), encoder.last, own);
  const squashed = graph.node('Tanh', [cell], own('squashed_cell'));
  return [
    product('through_cell', o, rest(product('squashed_square', squashed, squashed), 'squashed_slope')),
    product('to_input_gate', g, i, rest(i, 'input_gate_rest')),
    product('to_forget_gate', beforeStep(graph, cell, own('cell')), f, rest(f, 'forget_gate_rest')),
    product('to_cell_gate', i, rest(product('cell_gate_square', g, g), 'cell_gate_slope')),
    product('to_output_gate', squashed, o, rest(o, 'output_gate_rest')),
    f,
  ];
}

/** Activated gates i, f, g, o, each [time, batch, H]. */
function addGates(
  graph: GraphBuilder,
  member: LayerWeights,
  window: Edge,
  hidden: Edge,
  own: (name: string) => string,
): Edge[] {
  const { hiddenSize: H, inputSize } = member;
  const byInput = graph.weights(own('weight_ih_t'), [inputSize, 4 * H], transposed(member.weightIh, 4 * H, inputSize));
  const byHidden = graph.weights(own('weight_hh_t'), [H, 4 * H], transposed(member.weightHh, 4 * H, H));
  const fromInput = graph.node('MatMul', [window, byInput], own('gates_from_input'));
  const fromHidden = graph.node(
    'MatMul',
    [beforeStep(graph, hidden, own('hidden')), byHidden],
    own('gates_from_hidden'),
  );
  const bias = graph.weights(own('gate_bias'), [4 * H], member.bias);
  const sums = graph.node('Sum', [fromInput, fromHidden, bias], own('gates'));
  const parts = GATES.map((gate) => own(`${gate}_sum`));
  graph.addNode('Split', [sums, graph.ints(own('gate_sizes'), [H, H, H, H])], parts, { axis: 2 });
  return GATES.map((gate, at) => graph.node(gate === 'cell_gate' ? 'Tanh' : 'Sigmoid', [parts[at]], own(gate)));
}

/** c_t = f_t c_{t-1} + (i g)_t from a zero state: [time, batch, H]. */
function addCellStates(
  graph: GraphBuilder,
  forget: Edge,
  content: Edge,
  last: Edge,
  own: (name: string) => string,
): Edge {
  const body = new GraphBuilder(own('cell_step'), 'cell state of one step');
  const rows = [own('step_batch'), own('step_units')];
  const state = body.input(own('cell_before'), rows);
  const gate = body.input(own('step_forget_gate'), rows);
  const added = body.input(own('step_content'), rows);
  const kept = body.node('Mul', [state, gate], own('cell_kept'));
  body.output(body.node('Add', [kept, added], own('cell_after')), rows);
  body.output(body.node('Identity', [own('cell_after')], own('cell_of_step')), rows);
  const squeezed = graph.node('Squeeze', [last, graph.ints('axis_0', [0])], own('last_hidden_row'));
  const start = graph.node('Mul', [squeezed, graph.floats('zero', [], [0])], own('cell_start'));
  graph.addNode('Scan', [start, forget, content], [own('cell_end'), own('cells')], {
    body: body.finish(),
    num_scan_inputs: 2,
  });
  return own('cells');
}

/** One step of the reverse pass as the body of a Scan. */
function reverseStep(
  graph: GraphBuilder,
  member: LayerWeights,
  targets: readonly number[],
  { rows, stacked }: { readonly rows: number; readonly stacked: boolean },
  own: (name: string) => string,
) {
  const { hiddenSize: H, inputSize } = member;
  const columns = Float32Array.from({ length: 4 * H * targets.length }, (_, at) => {
    const column = targets[at % targets.length];
    return column < 0 ? 0 : member.weightIh[Math.floor(at / targets.length) * inputSize + column];
  });
  const toInput = graph.weights(own('weight_ih_targets'), [4 * H, targets.length], columns);
  const toHidden = graph.weights(own('weight_hh_rows'), [4 * H, H], member.weightHh);
  const body = new GraphBuilder(own('reverse_step'), 'derivatives of the last hidden state by one step');
  const state = [rows, own('d_batch'), H];
  const carried = body.input(own('d_hidden_in'), state);
  const cell = body.input(own('d_cell_in'), state);
  const names = ['through', 'at_input', 'at_forget', 'at_cell', 'at_output', 'forget'].map((name) => own(name));
  const [through, atInput, atForget, atCell, atOutput, forget] = names.map((name) =>
    body.input(name, [own('d_batch'), H]),
  );
  const mul = (a: Edge, b: Edge, name: string) => body.node('Mul', [a, b], own(name));
  const hidden = stacked
    ? body.node('Add', [carried, body.input(own('d_from_above'), state)], own('d_hidden'))
    : carried;
  const total = body.node('Add', [cell, mul(hidden, through, 'd_through')], own('d_cell'));
  const gates = body.node(
    'Concat',
    [
      mul(total, atInput, 'd_input_gate'),
      mul(total, atForget, 'd_forget_gate'),
      mul(total, atCell, 'd_cell_gate'),
      mul(hidden, atOutput, 'd_output_gate'),
    ],
    own('d_gates'),
    { axis: 2 },
  );
  body.output(body.node('MatMul', [gates, toHidden], own('d_hidden_out')), state);
  body.output(mul(total, forget, 'd_cell_out'), state);
  body.output(body.node('MatMul', [gates, toInput], own('d_input')), [rows, own('d_batch'), targets.length]);
  return body.finish();
}

/** The same one step earlier along the first axis, zero before the first step. */
function beforeStep(graph: GraphBuilder, edge: Edge, name: string): Edge {
  const padded = graph.node('Pad', [edge, graph.ints('pad_one_step', [1, 0, 0, 0, 0, 0])], `${name}_padded`, {
    mode: 'constant',
  });
  const limits = [graph.ints('first', [0]), graph.ints('last', [-1]), graph.ints('axis_0', [0])];
  return graph.node('Slice', [padded, ...limits], `${name}_before`);
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)]);
}
