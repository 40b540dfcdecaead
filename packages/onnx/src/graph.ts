import { toFloat16 } from './float16.js';
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
export type Attributes = Readonly<Record<string, number | string | readonly number[] | GraphProto>>;

/** How weights are stored; they are computed with in float32 either way. */
export type WeightType = 'float32' | 'float16';

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
    private readonly weightType: WeightType = 'float32',
  ) {}

  /** Declares a float input. */
  input(name: string, shape: readonly Dimension[], docString = ''): Edge {
    this.inputs.push(valueInfo(name, shape, docString, ElementType.float));
    return name;
  }

  /** Declares an int64 input of one dimension. */
  indexInput(name: string, size: string, docString: string): Edge {
    this.inputs.push(valueInfo(name, [size], docString, ElementType.int64));
    return name;
  }

  /** Declares a float output; a node must write an edge of that name. */
  output(name: string, shape: readonly Dimension[], docString = ''): void {
    this.outputs.push(valueInfo(name, shape, docString, ElementType.float));
  }

  /** A float32 constant. */
  floats(name: string, dims: readonly number[], values: ArrayLike<number>): Edge {
    const data = new Float32Array(values.length);
    data.set(values);
    return this.constant({ name, dims, dataType: ElementType.float, rawData: new Uint8Array(data.buffer) });
  }

  /** A constant that was estimated: float32, or float16 where the file is to be small. */
  weights(name: string, dims: readonly number[], values: ArrayLike<number>): Edge {
    if (this.weightType === 'float32') return this.floats(name, dims, values);
    const stored = `${name}.float16`;
    if (this.initializers.has(stored)) return name;
    const data = Uint16Array.from(values, toFloat16);
    this.constant({ name: stored, dims, dataType: ElementType.float16, rawData: new Uint8Array(data.buffer) });
    return this.node('Cast', [stored], name, { to: ElementType.float });
  }

  /** An int64 vector, as indexes, axes and sizes are. The same name stands for the same vector. */
  ints(name: string, values: ArrayLike<number>): Edge {
    const data = BigInt64Array.from(values, BigInt);
    const rawData = new Uint8Array(data.buffer);
    return this.constant({ name, dims: [values.length], dataType: ElementType.int64, rawData });
  }

  /** Whether some node writes the edge already. */
  has(edge: Edge): boolean {
    return this.nodes.some(({ output }) => output.includes(edge));
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

  /** An empty builder whose nodes this one can {@link absorb}. */
  sibling(): GraphBuilder {
    return new GraphBuilder(this.name, this.docString, this.weightType);
  }

  /**
   * Takes over all nodes and constants of another builder, names prefixed, so that graphs of one make can stand beside
   * each other. `bound` says what its names for edges that both share are here.
   */
  absorb(part: GraphBuilder, prefix: string, bound: ReadonlyMap<Edge, Edge>): void {
    const rename = renaming(prefix, bound);
    for (const [name, tensor] of part.initializers) this.constant({ ...tensor, name: rename(name) });
    this.nodes.push(...part.nodes.map((node) => renamedNode(node, rename)));
  }

  /**
   * As {@link absorb} for several builders that differ in their constants alone: they become the body of one Scan, which
   * runs over the stacked constants that differ, so that the nodes are written once. Of the results, given with the shape
   * that one part has, come the edges [part, ...shape]; `places` chooses the parts that are run.
   */
  absorbEach(
    parts: readonly GraphBuilder[],
    prefix: string,
    bound: ReadonlyMap<Edge, Edge>,
    results: ReadonlyMap<Edge, readonly Dimension[]>,
    places?: Edge,
  ): Edge[] {
    const rename = renaming(prefix, bound);
    const constants = [...parts[0].initializers.values()];
    const differing = constants.filter(({ name }) => !isSame(parts.map((part) => part.initializers.get(name)!)));
    // A Scan over nothing is none: where all parts are alike it runs over all their constants.
    const scanned = differing.length > 0 ? differing : constants;
    for (const tensor of constants) {
      if (!scanned.includes(tensor)) this.constant({ ...tensor, name: rename(tensor.name) });
    }
    const inputs = scanned.map(({ name, dims, dataType }) => {
      const rawData = joinBytes(parts.map((part) => part.initializers.get(name)!.rawData!));
      const all = this.constant({ name: rename(`${name}_of_all`), dims: [parts.length, ...dims], dataType, rawData });
      return places === undefined ? all : this.node('Gather', [all, places], rename(`${name}_of_some`), { axis: 0 });
    });
    const body: GraphProto = {
      name: rename('body'),
      node: parts[0].nodes.map((node) => renamedNode(node, rename)),
      initializer: [],
      input: scanned.map(({ name, dims, dataType }) => valueInfo(rename(name), dims, '', dataType)),
      output: [...results].map(([edge, shape]) => valueInfo(rename(edge), shape, '', ElementType.float)),
    };
    const outputs = [...results.keys()].map((edge) => rename(`${edge}_of_each`));
    this.addNode('Scan', inputs, outputs, { body, num_scan_inputs: inputs.length });
    return outputs;
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

function renaming(prefix: string, bound: ReadonlyMap<Edge, Edge>): (edge: Edge) => Edge {
  return (edge) => (edge === '' ? edge : (bound.get(edge) ?? `${prefix}${edge}`));
}

/** Whether constants hold the same bytes. */
function isSame([first, ...others]: readonly TensorProto[]): boolean {
  return others.every(({ rawData }) => rawData!.every((byte, at) => byte === first.rawData![at]));
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function renamedNode({ name, input, output, attribute, ...node }: NodeProto, rename: (edge: Edge) => Edge): NodeProto {
  return {
    ...node,
    name: rename(name),
    input: input.map(rename),
    output: output.map(rename),
    attribute: attribute.map((own) => (own.g === undefined ? own : { ...own, g: renamedGraph(own.g, rename) })),
  };
}

/** The body of a Scan; edges of the graph around it are renamed in the same way. */
function renamedGraph(graph: GraphProto, rename: (edge: Edge) => Edge): GraphProto {
  const values = (infos: readonly ValueInfoProto[]) => infos.map((info) => ({ ...info, name: rename(info.name) }));
  return {
    ...graph,
    node: graph.node.map((node) => renamedNode(node, rename)),
    initializer: graph.initializer.map((tensor) => ({ ...tensor, name: rename(tensor.name) })),
    input: values(graph.input),
    output: values(graph.output),
  };
}

function attributeOf([name, value]: [string, Attributes[string]]): AttributeProto {
  if (typeof value === 'number') return { name, type: AttributeType.int, i: value };
  if (typeof value === 'string') return { name, type: AttributeType.string, s: encoder.encode(value) };
  if ('node' in value) return { name, type: AttributeType.graph, g: value };
  return { name, type: AttributeType.ints, ints: value };
}

function valueInfo(name: string, shape: readonly Dimension[], docString: string, elemType: number): ValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, docString, type: { tensorType: { elemType, shape: { dim } } } };
}
