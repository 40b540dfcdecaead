import {
  type AttributeProto,
  AttributeType,
  ElementType,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto.js';

/** Name of a value that flows along an edge of the graph. */
export type Edge = string;

/** A fixed size, or a name that stands for any. */
export type Dimension = number | string;

/** Attributes of a node by name. */
export type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

const encoder = new TextEncoder();

/**
 * Builds a graph of standard operators node by node; each method returns the edge that holds its result, named as the
 * caller says, so that the file reads well in a viewer.
 */
export class GraphBuilder {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers = new Map<string, TensorProto>();
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];

  constructor(
    private readonly name: string,
    private readonly docString: string,
  ) {}

  /** Declares a float input. */
  input(name: string, shape: readonly Dimension[], docString: string): Edge {
    this.inputs.push(valueInfo(name, shape, docString));
    return name;
  }

  /** Declares a float output; a node must write an edge of that name. */
  output(name: string, shape: readonly Dimension[], docString: string): void {
    this.outputs.push(valueInfo(name, shape, docString));
  }

  /** A float32 constant. */
  floats(name: string, dims: readonly number[], values: ArrayLike<number>): Edge {
    const data = Float32Array.from(values);
    return this.constant({ name, dims, dataType: ElementType.float, rawData: new Uint8Array(data.buffer) });
  }

  /** An int64 vector, as indexes, axes and sizes are. The same name stands for the same vector. */
  ints(name: string, values: readonly number[]): Edge {
    const data = BigInt64Array.from(values, BigInt);
    const rawData = new Uint8Array(data.buffer);
    return this.constant({ name, dims: [values.length], dataType: ElementType.int64, rawData });
  }

  /** One operator with one result. */
  node(opType: string, input: readonly Edge[], output: Edge, attributes: Attributes = {}): Edge {
    this.addNode(opType, input, [output], attributes);
    return output;
  }

  /** One operator with several results; '' leaves one out. */
  addNode(opType: string, input: readonly Edge[], output: readonly Edge[], attributes: Attributes = {}): void {
    const name = output.find((edge) => edge !== '') ?? '';
    this.nodes.push({ name, opType, input, output, attribute: Object.entries(attributes).map(attributeOf) });
  }

  finish(): GraphProto {
    return {
      name: this.name,
      docString: this.docString,
      node: this.nodes,
      initializer: [...this.initializers.values()],
      input: this.inputs,
      output: this.outputs,
    };
  }

  private constant(tensor: TensorProto): Edge {
    if (!this.initializers.has(tensor.name)) this.initializers.set(tensor.name, tensor);
    return tensor.name;
  }
}

function attributeOf([name, value]: [string, Attributes[string]]): AttributeProto {
  if (typeof value === 'number') return { name, type: AttributeType.int, i: value };
  if (typeof value === 'string') return { name, type: AttributeType.string, s: encoder.encode(value) };
  return { name, type: AttributeType.ints, ints: value };
}

function valueInfo(name: string, shape: readonly Dimension[], docString: string): ValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, docString, type: { tensorType: { elemType: ElementType.float, shape: { dim } } } };
}
