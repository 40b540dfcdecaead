import { GATE_PERMUTATION } from '../lstm-graph.js';
import type { NodeProto } from '../proto.js';
import type { Constant } from './constants.js';
import { type ImportedLayer, refuseImport } from './lstm.js';

const USUAL_ACTIVATIONS = 'sigmoid,tanh,tanh';

/** Weights of an LSTM node, gates from i, o, f, c to i, f, g, o; what the kernel does not compute is refused. */
export function layerOf(node: NodeProto, constants: readonly (Constant | undefined)[], file: string): ImportedLayer {
  const refuse = (why: string) => refuseImport(file, `node "${nodeName(node)}" (LSTM) ${why}`);
  const attribute = (name: string) => node.attribute.find((own) => own.name === name);
  const decoder = new TextDecoder();
  const direction = attribute('direction')?.s;
  const activations = attribute('activations')?.strings?.map((name) => decoder.decode(name).toLowerCase());
  if (direction && decoder.decode(direction) !== 'forward') refuse(`has direction ${decoder.decode(direction)}`);
  if (activations && activations.join() !== USUAL_ACTIVATIONS) refuse(`has activations ${activations.join(', ')}`);
  if (attribute('clip')) refuse('clips its cells');
  if (attribute('input_forget')?.i) refuse('couples input and forget gate');
  if (node.input[7] && !constants[7]?.values.every((value) => value === 0)) refuse('has peepholes');
  if (node.input[4]) refuse('has sequence lengths');
  const [, inputs, states, bias] = constants;
  if (inputs === undefined || states === undefined || (node.input[3] && bias === undefined)) {
    return refuse('has weights that are not constants');
  }
  const [directions, rows, inputSize] = inputs.shape;
  const hiddenSize = rows / 4;
  if (directions !== 1) refuse(`has ${directions} directions`);
  if (states.shape.join() !== [1, rows, hiddenSize].join())
    refuse(`has recurrent weights [${states.shape.join(', ')}]`);
  const half = bias?.values.length === 2 * rows ? rows : 0;
  if (bias && half === 0) refuse(`has a bias of ${bias.values.length} values`);
  return {
    inputSize,
    hiddenSize,
    weightIh: trainedOrder(inputs.values),
    weightHh: trainedOrder(states.values),
    biasIh: bias ? trainedOrder(bias.values.slice(0, half)) : new Float32Array(rows),
    biasHh: bias ? trainedOrder(bias.values.slice(half)) : new Float32Array(rows),
  };
}

/** What a message calls a node: its name, or that of its first result. */
export function nodeName({ name, output }: NodeProto): string {
  return name || (output.find((edge) => edge !== '') ?? '');
}

/** The inverse of the permutation that an export applies. */
function trainedOrder(values: readonly number[]): Float32Array {
  const block = values.length / 4;
  const out = new Float32Array(values.length);
  GATE_PERMUTATION.forEach((gate, place) => {
    out.set(values.slice(place * block, (place + 1) * block), gate * block);
  });
  return out;
}
