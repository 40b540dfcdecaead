import { ElementType, type GraphProto, type NodeProto, type TensorProto } from '../proto.js';
import { refuseImport } from './lstm.js';

/** A constant of the graph; empty `shape` for a scalar. */
export interface Constant {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Initializers by name. */
export function initializersOf(graph: GraphProto, file: string): Map<string, Constant> {
  return new Map(graph.initializer.map((tensor) => [tensor.name, constantOf(tensor, file)]));
}

/** Values of a tensor as numbers. */
export function constantOf(tensor: TensorProto, file: string): Constant {
  const { name, dims = [], dataType, rawData } = tensor;
  if (tensor.dataLocation !== undefined && tensor.dataLocation !== 0) {
    refuseImport(file, `tensor "${name}" lies in a file of its own`);
  }
  const stored = tensor.floatData ?? tensor.doubleData ?? tensor.int64Data ?? tensor.int32Data;
  const values = rawData?.length ? decoded(rawData, dataType, `tensor "${name}"`, file) : [...(stored ?? [])];
  return { shape: dims, values };
}

function decoded(raw: Uint8Array, dataType: number, what: string, file: string): number[] {
  // A copy of its own, since the array may start anywhere in the file's bytes (and a Buffer's slice shares them).
  const { buffer } = new Uint8Array(raw);
  switch (dataType) {
    case ElementType.float:
      return [...new Float32Array(buffer)];
    case ElementType.double:
      return [...new Float64Array(buffer)];
    case ElementType.int32:
      return [...new Int32Array(buffer)];
    case ElementType.int64:
      return Array.from(new BigInt64Array(buffer), Number);
    default:
      return refuseImport(file, `${what} has element type ${dataType}, which is not float, double or integer`);
  }
}

/** What a node on constants gives, where it can be said. */
export function foldConstant(
  node: NodeProto,
  inputs: readonly (Constant | undefined)[],
  file: string,
): Constant | undefined {
  if (node.opType === 'Constant') {
    const value = node.attribute.find(({ name }) => name === 'value')?.t;
    return value && constantOf(value, file);
  }
  const [first, second] = inputs;
  if (first === undefined) return undefined;
  switch (node.opType) {
    case 'Identity':
    case 'Cast':
      return first;
    case 'Transpose':
      return first.shape.length === 2 ? transposed(first) : undefined;
    case 'Unsqueeze':
    case 'Squeeze': {
      const axes = second?.values ?? node.attribute.find(({ name }) => name === 'axes')?.ints;
      return axes && { shape: reshaped(node.opType, first.shape, axes), values: first.values };
    }
    default:
      return undefined;
  }
}

function transposed({ shape: [rows, columns], values }: Constant): Constant {
  return {
    shape: [columns, rows],
    values: values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)]),
  };
}

function reshaped(op: 'Unsqueeze' | 'Squeeze', shape: readonly number[], axes: readonly number[]): number[] {
  if (op === 'Squeeze') return shape.filter((_, at) => !axes.includes(at) && !axes.includes(at - shape.length));
  const out = [...shape];
  const rank = shape.length + axes.length;
  for (const axis of [...axes].map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b)) out.splice(axis, 0, 1);
  return out;
}
