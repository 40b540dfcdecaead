import { decodeModel, type GraphProto, type ModelProto, type NodeProto } from '../proto.js';
import { type Constant, foldConstant, initializersOf } from './constants.js';
import { type ImportedHead, type ImportedLayer, type ImportedLstm, joinLayers, refuseImport } from './lstm.js';
import { layerOf, nodeName } from './onnx-layer.js';
import { fromSizes } from './sizes.js';
import { type Axis, attribute, type Flow, isFlow, type Value } from './value.js';

interface Reading {
  readonly file: string;
  readonly values: Map<string, Value>;
  readonly layers: ImportedLayer[];
  head: ImportedHead | undefined;
}

/**
 * Reads an LSTM with a linear head from an ONNX file, as PyTorch and tf2onnx write it: LSTM nodes in a row, views
 * between them, the last step, and Gemm or MatMul and Add. `file` names the source in messages.
 *
 * @throws InputError for anything else, naming node and operator: other operators, peepholes, other directions, initial
 *   states, clipping, other activations
 * @example
 * const model = importOnnx(readFileSync('torch.onnx'), 'torch.onnx');
 * const { jacobian } = await lstmJacobian(model, { input, batchSize: 8, sequenceLength: 24 });
 */
export function importOnnx(bytes: Uint8Array, file: string): ImportedLstm {
  const { graph } = readModelProto(bytes, file);
  const values = new Map<string, Value>();
  for (const [name, constant] of initializersOf(graph, file)) values.set(name, { kind: 'constant', constant });
  const inputs = graph.input.filter(({ name }) => !values.has(name));
  if (inputs.length !== 1)
    refuseImport(file, `has ${inputs.length} inputs (${inputs.map(({ name }) => name).join(', ')})`);
  const reading: Reading = { file, values, layers: [], head: undefined };
  // Whether it is batch or time first is seen by what the first LSTM reads; assumed is what that wants.
  values.set(inputs[0].name, { kind: 'input', axes: inputAxes(graph, inputs[0].name) });
  for (const node of graph.node) read(reading, node);
  const outputs = graph.output
    .map(({ name }) => values.get(name))
    .filter((value) => value !== undefined && isFlow(value));
  if (!outputs.some(({ kind, axes }) => kind !== 'input' && !axes.includes('time'))) {
    refuseImport(file, 'has no output of the last step alone that an LSTM or its head gives');
  }
  return joinLayers(reading.layers, reading.head, file);
}

function readModelProto(bytes: Uint8Array, file: string): ModelProto & { readonly graph: GraphProto } {
  try {
    const model = decodeModel(bytes);
    if (model.graph?.node.length > 0) return model;
  } catch {
    // Said below: the bytes are no protocol buffers.
  }
  const own = otherFormats.find(({ start }) => start.every((byte, at) => bytes[at] === byte));
  return refuseImport(file, own === undefined ? 'is not an ONNX model' : own.words);
}

/** First bytes of formats that models come in and that are not read here. */
const otherFormats: readonly { readonly start: readonly number[]; readonly words: string }[] = [
  {
    start: [0x50, 0x4b, 0x03, 0x04],
    words: 'is a zip archive (Keras .keras or PyTorch .pt): export it as ONNX (tf2onnx, torch.onnx.export)',
  },
  { start: [0x89, 0x48, 0x44, 0x46], words: 'is HDF5 (Keras .h5): export it as ONNX by tf2onnx' },
  { start: [0x80, 0x02], words: 'is a pickle, which can run code: save the state dict as safetensors' },
];

/** Batch first where a Transpose leads to the first LSTM or its layout says so, else time first. */
function inputAxes(graph: GraphProto, input: string): readonly Axis[] {
  const first = graph.node.find((node) => node.input.includes(input) && node.opType !== 'Shape');
  const batchFirst = first?.opType === 'Transpose' || (first?.opType === 'LSTM' && attribute(first, 'layout')?.i === 1);
  return batchFirst ? ['batch', 'time', 'feature'] : ['time', 'batch', 'feature'];
}

function read(reading: Reading, node: NodeProto): void {
  const { values, file } = reading;
  const inputs = node.input.map((name) => values.get(name));
  const constants = inputs.map((value) => (value?.kind === 'constant' ? value.constant : undefined));
  const set = (value: Value, at = 0) => values.set(node.output[at], value);
  const folded = foldConstant(node, constants, file);
  if (folded) {
    set({ kind: 'constant', constant: folded });
    return;
  }
  const derived = fromSizes(node, inputs);
  if (derived) {
    for (let at = 0; at < node.output.length; at++) set(derived, at);
    return;
  }
  if (node.opType === 'LSTM') {
    readLstm(reading, node, inputs, constants);
    return;
  }
  const flow = inputs.find((value) => value !== undefined && isFlow(value));
  if (flow === undefined || !isFlow(flow)) refuseNode(file, node);
  set(readDense(reading, node, flow, constants) ?? { ...flow, axes: viewed(node, flow.axes, inputs, file) });
}

function readLstm(
  reading: Reading,
  node: NodeProto,
  inputs: readonly (Value | undefined)[],
  constants: readonly (Constant | undefined)[],
): void {
  const { file, values, layers } = reading;
  const [x] = inputs;
  const batchFirst = attribute(node, 'layout')?.i === 1;
  const wanted = batchFirst ? 'batch,time,feature' : 'time,batch,feature';
  if (x === undefined || !isFlow(x) || x.axes.join() !== wanted) refuseNode(file, node, 'does not read the sequence');
  if (x.kind !== (layers.length === 0 ? 'input' : 'hidden'))
    refuseNode(file, node, 'does not read the layer before it');
  const layer = layerOf(node, constants, file);
  for (const state of [5, 6]) {
    const value = inputs[state];
    const zero = value?.kind === 'zeros' || constants[state]?.values.every((v) => v === 0);
    if (node.input[state] && !zero) refuseNode(file, node, 'has an initial state');
  }
  layers.push(layer);
  const axes = (all: readonly Axis[]) => ({ kind: 'hidden' as const, axes: all });
  const [all, last] = node.output;
  if (all)
    values.set(
      all,
      axes(batchFirst ? ['batch', 'time', 'direction', 'feature'] : ['time', 'direction', 'batch', 'feature']),
    );
  if (last) values.set(last, axes(batchFirst ? ['batch', 'direction', 'feature'] : ['direction', 'batch', 'feature']));
}

/** The head: Gemm, or MatMul and then Add. */
function readDense(
  reading: Reading,
  node: NodeProto,
  flow: Flow,
  constants: readonly (Constant | undefined)[],
): Flow | undefined {
  const { file, head } = reading;
  const single = flow.axes.filter((axis) => axis === 'time').length === 0;
  const output: Flow = { kind: 'output', axes: flow.axes };
  if (node.opType === 'Gemm' || node.opType === 'MatMul') {
    const weight = constants[1];
    if (weight?.shape.length !== 2 || flow.kind !== 'hidden' || !single) refuseNode(file, node, 'is not a linear head');
    for (const [name, usual] of [
      ['alpha', 1],
      ['beta', 1],
    ] as const) {
      if ((attribute(node, name)?.f ?? usual) !== usual) refuseNode(file, node, `has ${name} other than ${usual}`);
    }
    const byOutput = node.opType === 'Gemm' && attribute(node, 'transB')?.i === 1;
    const [rows, columns] = weight.shape;
    const values = Float32Array.from(weight.values, (_, at) =>
      byOutput ? weight.values[at] : weight.values[(at % rows) * columns + Math.floor(at / rows)],
    );
    const outputs = byOutput ? rows : columns;
    const bias = constants[2] ? Float32Array.from(constants[2].values) : new Float32Array(outputs);
    reading.head = { weight: values, bias };
    return output;
  }
  if (node.opType === 'Add' && flow.kind === 'output' && head) {
    const bias = constants.find((constant) => constant !== undefined);
    if (bias?.values.length !== head.bias.length) refuseNode(file, node, 'is not the bias of a linear head');
    reading.head = { ...head, bias: head.bias.map((value, at) => value + bias.values[at]) };
    return output;
  }
  return undefined;
}

/** Axes after a node that moves, drops or cuts axes and changes no number. */
function viewed(
  node: NodeProto,
  axes: readonly Axis[],
  inputs: readonly (Value | undefined)[],
  file: string,
): readonly Axis[] {
  const constants = inputs.map((value) => (value?.kind === 'constant' ? value.constant : undefined));
  const place = (axis: number) => (axis < 0 ? axis + axes.length : axis);
  switch (node.opType) {
    case 'Identity':
    case 'Dropout':
      return axes;
    case 'Transpose': {
      const perm = attribute(node, 'perm')?.ints ?? axes.map((_, at) => axes.length - 1 - at);
      return perm.map((from) => axes[from]);
    }
    case 'Squeeze': {
      const dropped = (constants[1]?.values ?? attribute(node, 'axes')?.ints ?? []).map(place);
      if (dropped.length === 0 || dropped.some((at) => axes[at] !== 'direction' && axes[at] !== 'last'))
        refuseNode(file, node);
      return axes.filter((_, at) => !dropped.includes(at));
    }
    case 'Reshape': {
      // [time, batch, 1, H] -> [time, batch, H], as it is written for one direction: by numbers or by computed sizes.
      const joined = axes.filter((axis) => axis !== 'direction');
      const sizes = inputs[1]?.kind === 'sizes' ? inputs[1].sizes : undefined;
      const joins = constants[1]?.values.join() === '0,0,-1' && axes[2] === 'direction' && axes.length === 4;
      if (!joins && sizes?.join() !== joined.join()) refuseNode(file, node);
      return joined;
    }
    case 'Gather': {
      const axis = place(attribute(node, 'axis')?.i ?? 0);
      const index = constants[1];
      if (axes[axis] !== 'time' || index?.values.join() !== '-1') refuseNode(file, node, 'does not take the last step');
      return index.shape.length === 0 ? axes.filter((_, at) => at !== axis) : axes.with(axis, 'last');
    }
    case 'Slice': {
      const [, starts, ends, over] = constants;
      const axis = place(over?.values[0] ?? 0);
      const last = starts?.values.join() === '-1' && ends?.values.length === 1 && ends.values[0] > 1e6;
      if (axes[axis] !== 'time' || !last) refuseNode(file, node, 'does not take the last step');
      return axes.with(axis, 'last');
    }
    default:
      return refuseNode(file, node);
  }
}

function refuseNode(file: string, node: NodeProto, why = 'is not supported here'): never {
  return refuseImport(file, `node "${nodeName(node)}" (${node.opType}) ${why}`);
}
