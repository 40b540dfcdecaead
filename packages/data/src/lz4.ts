/** First four bytes of an LZ4 frame, little-endian. */
const FRAME = 0x184d2204;

/**
 * Unpacks one LZ4 block of known size (LZ4 block format, as Parquet's LZ4_RAW).
 *
 * @throws Error where the block points outside itself or has another size
 */
export function unpackLz4Block(input: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  const end = writeBlock(input, out, 0);
  if (end !== size) throw new Error(`an LZ4 block holds ${end} bytes, not ${size}`);
  return out;
}

/**
 * Unpacks one LZ4 frame (LZ4 frame format 1.6), as Arrow packs its buffers. Checksums are not looked at.
 *
 * @param most - bytes beyond which it is not unpacked.
 * @throws Error for what is no whole frame, and for one that unpacks to more
 */
export function unpackLz4Frame(input: Uint8Array, most: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (view.getUint32(0, true) !== FRAME) throw new Error('this is no LZ4 frame');
  const flags = input[4];
  const [hasBlockChecksum, hasSize, hasDictionary] = [flags & 16, flags & 8, flags & 1];
  if (hasDictionary) throw new Error('an LZ4 frame needs a dictionary');
  let at = 7 + (hasSize ? 8 : 0);
  let out = new Uint8Array(Math.min(most, hasSize ? Number(view.getBigUint64(6, true)) : 4 * input.length));
  let written = 0;
  for (;;) {
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) return out.subarray(0, written);
    const length = head & 0x7fffffff;
    const block = input.subarray(at, at + length);
    if (block.length < length) throw new Error('an LZ4 frame is cut off');
    at += length + (hasBlockChecksum ? 4 : 0);
    const needed = written + (head >>> 31 ? length : blockSize(block));
    if (needed > most) throw new Error(`an LZ4 frame unpacks to more than ${most} bytes`);
    if (needed > out.length) {
      const larger = new Uint8Array(Math.min(most, Math.max(needed, 2 * out.length)));
      larger.set(out.subarray(0, written));
      out = larger;
    }
    if (head >>> 31) out.set(block, written);
    else writeBlock(block, out, written);
    written = needed;
  }
}

/** One sequence of a block: literals from `from` to `to`, then a match of `length` bytes `distance` bytes back. */
interface Sequence {
  readonly from: number;
  readonly to: number;
  readonly distance: number;
  readonly length: number;
}

/** Cuts a block into its sequences; the last one has no match. */
function* sequences(block: Uint8Array): Generator<Sequence> {
  let at = 0;
  const lengthFrom = (nibble: number) => {
    if (nibble < 15) return nibble;
    let length = nibble;
    for (let more = 255; more === 255; length += more) {
      more = block[at++];
      if (more === undefined) throw new Error('an LZ4 block is cut off');
    }
    return length;
  };
  while (at < block.length) {
    const token = block[at++];
    const literals = lengthFrom(token >> 4);
    const [from, to] = [at, at + literals];
    at = to;
    if (to > block.length) throw new Error('an LZ4 block is cut off');
    if (at === block.length) {
      yield { from, to, distance: 0, length: 0 };
      return;
    }
    if (at + 2 > block.length) throw new Error('an LZ4 block is cut off');
    const distance = block[at] | (block[at + 1] << 8);
    at += 2;
    yield { from, to, distance, length: 4 + lengthFrom(token & 15) };
  }
}

function blockSize(block: Uint8Array): number {
  let size = 0;
  for (const { from, to, length } of sequences(block)) size += to - from + length;
  return size;
}

/** Unpacks a block behind what is written already, to which matches may point; returns the new end. */
function writeBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let at = start;
  for (const { from, to, distance, length } of sequences(block)) {
    const end = at + to - from + length;
    if (end > out.length) throw new Error('an LZ4 block is larger than it says');
    out.set(block.subarray(from, to), at);
    at += to - from;
    if (length > 0 && (distance === 0 || distance > at)) throw new Error('an LZ4 block points before its start');
    // A match may overlap what it writes, so it is copied byte by byte.
    for (; at < end; at++) out[at] = out[at - distance];
  }
  return at;
}
