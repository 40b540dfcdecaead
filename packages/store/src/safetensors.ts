import { ArgumentError, InputError } from '@macrograd/core';

/** Array types that a tensor file holds here. */
export type TensorArray = Float32Array | Float64Array | Int32Array;

/** A named array's shape and row-major values. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: TensorArray;
}

type DType = 'F64' | 'F32' | 'I32';
const itemSize: Readonly<Record<DType, number>> = { F64: 8, F32: 4, I32: 4 };

interface HeaderEntry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const LENGTH_BYTES = 8;
// The format's own bound on the header; a larger length is a damaged file.
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Encodes tensors in the safetensors format: header length (8 bytes, little-endian), JSON header, values. 8-byte
 * types come first and the header is padded with spaces to a multiple of 8, so that every array is aligned.
 */
export function encodeSafetensors(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const ordered = [...tensors].sort(([a, x], [b, y]) => itemSizeOf(y.data) - itemSizeOf(x.data) || (a < b ? -1 : 1));
  const header: Record<string, HeaderEntry> = {};
  let offset = 0;
  for (const [name, { shape, data }] of ordered) {
    if (shape.reduce((a, b) => a * b, 1) !== data.length) {
      throw new ArgumentError(`tensor "${name}" has ${data.length} values and shape [${shape.join(', ')}]`);
    }
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(LENGTH_BYTES + headerBytes + offset).fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.set(json, LENGTH_BYTES);
  let position = LENGTH_BYTES + headerBytes;
  for (const [, { data }] of ordered) {
    // Typed arrays are little-endian on every platform that Node supports, as the format wants.
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return out;
}

/**
 * Decodes a safetensors file into copies of its arrays. Throws {@link InputError} in words when it is truncated,
 * has bytes left over, overlapping or misplaced arrays, or a type other than F64, F32, I32.
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Map<string, Tensor> {
  const fail = (problem: string): never => {
    throw new InputError(problem, { place: { file }, remedy: 'the file is damaged: export the model again' });
  };
  if (bytes.length < LENGTH_BYTES) fail(`${bytes.length} bytes, too short for a safetensors file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const dataStart = LENGTH_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || dataStart > bytes.length) fail('header is truncated, or not safetensors');
  const tensors = new Map<string, Tensor>();
  let expected = 0;
  for (const [name, entry] of headerEntries(bytes.subarray(LENGTH_BYTES, dataStart), fail)) {
    const [start, end] = entry.data_offsets;
    const count = entry.shape.reduce((a, b) => a * b, 1);
    if (start !== expected) fail(`tensor "${name}" starts at byte ${start}, expected ${expected}`);
    if (end - start !== count * itemSize[entry.dtype]) fail(`tensor "${name}" has the wrong length for its shape`);
    if (dataStart + end > bytes.length) fail(`truncated inside tensor "${name}"`);
    tensors.set(name, { shape: entry.shape, data: copyArray(entry.dtype, bytes, dataStart + start, count) });
    expected = end;
  }
  if (dataStart + expected !== bytes.length) fail(`${bytes.length - dataStart - expected} bytes left over at the end`);
  return tensors;
}

function headerEntries(json: Uint8Array, fail: (problem: string) => never): [string, HeaderEntry][] {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    fail('header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) fail('header is not a JSON object');
  return Object.entries(header as Record<string, unknown>)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]): [string, HeaderEntry] => [
      name,
      isEntry(entry) ? entry : fail(`tensor "${name}" is ill-described`),
    ])
    .sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0]);
}

function isEntry(entry: unknown): entry is HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Partial<Record<keyof HeaderEntry, unknown>>;
  return typeof dtype === 'string' && dtype in itemSize && isCounts(shape) && isCounts(offsets) && offsets.length === 2;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((x) => Number.isSafeInteger(x) && x >= 0);
}

function copyArray(dtype: DType, bytes: Uint8Array, start: number, count: number): TensorArray {
  // A copy of its own, even of a Buffer (whose `slice` shares memory).
  const { buffer } = new Uint8Array(bytes.subarray(start, start + count * itemSize[dtype]));
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer);
    case 'F32':
      return new Float32Array(buffer);
    case 'I32':
      return new Int32Array(buffer);
  }
}

function dtypeOf(data: TensorArray): DType {
  if (data instanceof Float64Array) return 'F64';
  return data instanceof Float32Array ? 'F32' : 'I32';
}

function itemSizeOf(data: TensorArray): number {
  return data.BYTES_PER_ELEMENT;
}
