import { Decompress, decompress } from 'fzstd';

/** First four bytes of a Zstandard frame, little-endian. */
const FRAME = 0xfd2fb528;

/** Largest window that is taken, as by the zstd program unless told otherwise. */
const LARGEST_WINDOW = 2 ** 27;

/** What is packed holds more than may be unpacked. */
export class TooLargeError extends Error {
  constructor(most: number) {
    super(`a Zstandard frame unpacks to more than ${most} bytes`);
  }
}

/** Whether bytes begin with a Zstandard frame. */
export function looksZstd(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === FRAME;
}

/**
 * Unpacks a Zstandard frame. Its checksum is not looked at.
 *
 * @param most - bytes beyond which it is not unpacked.
 * @throws Error for what is no whole frame, and for one that unpacks to more
 */
export function unpackZstd(input: Uint8Array, most: number): Uint8Array {
  const { content, window } = frameHeader(input);
  if (content > most || window > LARGEST_WINDOW) throw new TooLargeError(most);
  // With room for all of it, nothing needs to be moved once it is unpacked.
  if (content > 0) return decompress(input, new Uint8Array(content));
  const parts: Uint8Array[] = [];
  let size = 0;
  const stream = new Decompress((part) => {
    size += part.length;
    if (size > most) throw new TooLargeError(most);
    parts.push(part);
  });
  stream.push(input, true);
  return new Uint8Array(Buffer.concat(parts));
}

/** Bytes that a frame says to hold, 0 if it does not say, and those it looks back (RFC 8878, section 3.1.1.1). */
function frameHeader(input: Uint8Array): { content: number; window: number } {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < 6 || view.getUint32(0, true) !== FRAME) throw new Error('this is no Zstandard frame');
  const descriptor = input[4];
  const isSingle = (descriptor & 32) !== 0;
  const at = (isSingle ? 5 : 6) + [0, 1, 2, 4][descriptor & 3];
  const content = contentSize(view, at, descriptor >> 6, isSingle);
  const exponent = 2 ** (10 + (input[5] >> 3));
  return { content, window: isSingle ? 0 : exponent + (exponent / 8) * (input[5] & 7) };
}

function contentSize(view: DataView, at: number, code: number, isSingle: boolean): number {
  if (code === 0) return isSingle ? view.getUint8(at) : 0;
  if (code === 1) return view.getUint16(at, true) + 256;
  return code === 2 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
