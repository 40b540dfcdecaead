import type { Encoding } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import type { DictionaryColumn } from './table.js';

/** Values of one column chunk as they go into its pages, nulls left out. */
export interface EncodedValues {
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;
  readonly min: number | boolean | string | undefined;
  readonly max: number | boolean | string | undefined;
  readonly dictionary?: { readonly count: number; readonly bytes: Uint8Array };
}

/** Runs of equal numbers and bit-packed groups (the RLE/bit-packing hybrid encoding). */
export function hybrid(values: Int32Array | Uint8Array, bitWidth: number): Uint8Array {
  const writer = new ByteWriter();
  writeRleBitPackedHybrid(writer, values, bitWidth);
  return writer.getBytes();
}

/** First bytes of all values, then second bytes, and so on (the BYTE_STREAM_SPLIT encoding). */
export function splitBytes(bytes: Uint8Array, width: number): Uint8Array {
  const count = bytes.length / width;
  const out = new Uint8Array(bytes.length);
  for (let b = 0; b < width; b++) {
    for (let i = 0; i < count; i++) out[b * count + i] = bytes[i * width + b];
  }
  return out;
}

/** Which rows of a chunk hold a value. */
export interface Presence {
  /** 1 where there is a value, 0 where null: the definition level. */
  readonly flags: Uint8Array;
  readonly count: number;
}

/**
 * Strings of rows [start, end) as indexes into the chunk's own dictionary, in order of first appearance: the column's
 * dictionary may be far larger than what one chunk uses.
 */
export function encodeStrings({ values, codes }: DictionaryColumn, start: number, end: number): EncodedValues {
  const indexOfCode = new Int32Array(values.length).fill(-1);
  const used: string[] = [];
  const indexes = new Int32Array(end - start);
  let count = 0;
  for (let row = start; row < end; row++) {
    const code = codes[row];
    if (code < 0) continue;
    if (indexOfCode[code] < 0) indexOfCode[code] = used.push(values[code]) - 1;
    indexes[count++] = indexOfCode[code];
  }
  const bitWidth = Math.ceil(Math.log2(Math.max(used.length, 1)));
  const runs = hybrid(indexes.subarray(0, count), bitWidth);
  const bytes = new Uint8Array(1 + runs.length);
  bytes[0] = bitWidth;
  bytes.set(runs, 1);
  const encoded = used.map((text) => Buffer.from(text, 'utf8'));
  // Statistics order strings by their UTF-8 bytes.
  const sorted = [...encoded].sort(Buffer.compare);
  return {
    encoding: 'RLE_DICTIONARY',
    bytes,
    min: sorted.at(0)?.toString('utf8'),
    max: sorted.at(-1)?.toString('utf8'),
    dictionary: { count: used.length, bytes: plainStrings(encoded) },
  };
}

/** Numbers and booleans of rows [start, end), nulls left out: plain, booleans as runs. */
export function encodeNumbers(
  column: Float64Array | Int32Array | Uint8Array,
  { flags, count }: Presence,
  start: number,
  end: number,
): EncodedValues {
  const packed = column.slice(start, start + count);
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let next = 0;
  for (let row = start; row < end; row++) {
    if (flags[row - start] === 0) continue;
    const value = column[row];
    packed[next++] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const range = count === 0 ? { min: undefined, max: undefined } : { min: lowerZero(min), max: upperZero(max) };
  if (!(packed instanceof Uint8Array)) {
    return { encoding: 'PLAIN', bytes: new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength), ...range };
  }
  const bounds = count === 0 ? { min: undefined, max: undefined } : { min: min === 1, max: max === 1 };
  return { encoding: 'RLE', bytes: lengthPrefixed(hybrid(packed, 1)), ...bounds };
}

// The format wants a zero bound to hold both zeros: -0 as minimum, +0 as maximum.
const lowerZero = (x: number) => (x === 0 ? -0 : x);
const upperZero = (x: number) => (x === 0 ? 0 : x);

/** Each string as its length (4 bytes, little-endian) and its bytes. */
function plainStrings(strings: readonly Buffer[]): Uint8Array {
  return Buffer.concat(strings.flatMap((text) => [lengthOf(text), text]));
}

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([lengthOf(bytes), bytes]);
}

function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return length;
}
