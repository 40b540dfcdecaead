import protobuf from 'protobufjs';

/** ONNX element types in use, with their numbers in `TensorProto.DataType`. */
export const ElementType = { float: 1, int32: 6, int64: 7, bool: 9, float16: 10, double: 11 } as const;

/** Attribute kinds in use, with their numbers in `AttributeProto.AttributeType`. */
export const AttributeType = { int: 2, string: 3, graph: 5, ints: 7 } as const;

/** Where a tensor's values are, with their numbers in `TensorProto.DataLocation`. */
export const DataLocation = { external: 1 } as const;

/** A key and its value, as in metadata. */
export interface StringEntry {
  readonly key: string;
  readonly value: string;
}

export interface TensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Little-endian values, row-major; absent where they are in a file of their own. */
  readonly rawData?: Uint8Array;
  /** Values by type, as some writers keep them instead of `rawData`. */
  readonly floatData?: readonly number[];
  readonly int32Data?: readonly number[];
  readonly int64Data?: readonly number[];
  readonly doubleData?: readonly number[];
  /** `location`, `offset` and `length` of the values in a file beside the model. */
  readonly externalData?: readonly StringEntry[];
  readonly dataLocation?: number;
}

export interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly ints?: readonly number[];
  readonly strings?: readonly Uint8Array[];
}

export interface NodeProto {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

/** A dimension is a number or a name that stands for any number. */
export interface ValueInfoProto {
  readonly name: string;
  readonly docString?: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly { readonly dimValue?: number; readonly dimParam?: string }[] };
    };
  };
}

export interface GraphProto {
  readonly name: string;
  readonly docString?: string;
  readonly node: readonly NodeProto[];
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

export interface ModelProto {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: number;
  readonly docString: string;
  readonly graph: GraphProto;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly metadataProps: readonly StringEntry[];
}

const field = (id: number, type: string) => ({ id, type });
const list = (id: number, type: string) => ({ id, type, rule: 'repeated' });

/**
 * The part of onnx.proto3 that the exporter writes; numbers and types from
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 (IR version 8). Fields left out are skipped on reading.
 */
const onnx = protobuf.Root.fromJSON({
  nested: {
    onnx: {
      nested: {
        ModelProto: {
          fields: {
            irVersion: field(1, 'int64'),
            producerName: field(2, 'string'),
            producerVersion: field(3, 'string'),
            domain: field(4, 'string'),
            modelVersion: field(5, 'int64'),
            docString: field(6, 'string'),
            graph: field(7, 'GraphProto'),
            opsetImport: list(8, 'OperatorSetIdProto'),
            metadataProps: list(14, 'StringStringEntryProto'),
          },
        },
        OperatorSetIdProto: { fields: { domain: field(1, 'string'), version: field(2, 'int64') } },
        StringStringEntryProto: { fields: { key: field(1, 'string'), value: field(2, 'string') } },
        GraphProto: {
          fields: {
            node: list(1, 'NodeProto'),
            name: field(2, 'string'),
            initializer: list(5, 'TensorProto'),
            docString: field(10, 'string'),
            input: list(11, 'ValueInfoProto'),
            output: list(12, 'ValueInfoProto'),
          },
        },
        NodeProto: {
          fields: {
            input: list(1, 'string'),
            output: list(2, 'string'),
            name: field(3, 'string'),
            opType: field(4, 'string'),
            attribute: list(5, 'AttributeProto'),
          },
        },
        AttributeProto: {
          fields: {
            name: field(1, 'string'),
            f: field(2, 'float'),
            i: field(3, 'int64'),
            s: field(4, 'bytes'),
            t: field(5, 'TensorProto'),
            g: field(6, 'GraphProto'),
            ints: list(8, 'int64'),
            strings: list(9, 'bytes'),
            type: field(20, 'int32'),
          },
        },
        TensorProto: {
          fields: {
            dims: list(1, 'int64'),
            dataType: field(2, 'int32'),
            floatData: list(4, 'float'),
            int32Data: list(5, 'int32'),
            int64Data: list(7, 'int64'),
            doubleData: list(10, 'double'),
            name: field(8, 'string'),
            rawData: field(9, 'bytes'),
            externalData: list(13, 'StringStringEntryProto'),
            dataLocation: field(14, 'int32'),
          },
        },
        ValueInfoProto: {
          fields: { name: field(1, 'string'), type: field(2, 'TypeProto'), docString: field(3, 'string') },
        },
        TypeProto: { fields: { tensorType: field(1, 'TensorTypeProto') } },
        // TypeProto.Tensor in the original; only numbers and types count on the wire.
        TensorTypeProto: { fields: { elemType: field(1, 'int32'), shape: field(2, 'TensorShapeProto') } },
        TensorShapeProto: { fields: { dim: list(1, 'DimensionProto') } },
        DimensionProto: { fields: { dimValue: field(1, 'int64'), dimParam: field(2, 'string') } },
      },
    },
  },
});

const modelType = onnx.lookupType('onnx.ModelProto');
const graphType = onnx.lookupType('onnx.GraphProto');

/** Bytes of a `.onnx` file. */
export function encodeModel(model: ModelProto): Uint8Array {
  return modelType.encode(modelType.fromObject(model)).finish();
}

/** Bytes of the graph alone, for hashing. */
export function encodeGraph(graph: GraphProto): Uint8Array {
  return graphType.encode(graphType.fromObject(graph)).finish();
}

/** Reads the fields above of a `.onnx` file; int64 as numbers. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  const object: unknown = modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true, defaults: false });
  return object as ModelProto;
}
