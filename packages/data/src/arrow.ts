import { InputError } from '@macrograd/core';
import { gridOfColumns } from './columnar.js';
import type { Grid } from './grid.js';
import { unpackLz4Frame } from './lz4.js';
import { limitOf } from './unpack.js';
import { unpackZstd } from './zstd.js';

/** Whether bytes are Arrow's file format (also called Feather 2), or its stream format by the mark of a first message. */
export function looksArrow(bytes: Buffer): boolean {
  return bytes.subarray(0, 6).toString('latin1') === 'ARROW1' || bytes.subarray(0, 4).toString('hex') === 'ffffffff';
}

/** Rows of an Arrow file or stream behind a header row of its column names; the place of a cell is its row and column, from 1. */
export async function readArrow(bytes: Buffer, file: string): Promise<Grid> {
  // Loaded here, as few files are Arrow's.
  const { CompressionType, setCompressionCodec, tableFromIPC } = await import('@uwdata/flechette');
  // Buffers are unpacked one by one; together they have the bounds of a packed file.
  const limit = limitOf(bytes.length);
  let unpacked = 0;
  const within = (unpack: (input: Uint8Array, most: number) => Uint8Array) => (input: Uint8Array) => {
    const buffer = unpack(input, limit - unpacked);
    unpacked += buffer.length;
    return buffer;
  };
  const encode = () => {
    throw new Error('this codec only unpacks');
  };
  setCompressionCodec(CompressionType.LZ4_FRAME, { encode, decode: within(unpackLz4Frame) });
  setCompressionCodec(CompressionType.ZSTD, { encode, decode: within(unpackZstd) });
  try {
    const table = tableFromIPC(new Uint8Array(bytes), { useDate: true });
    const columns = table.names.map((name, i) => ({ name, values: table.getChildAt(i).toArray() }));
    return gridOfColumns(file, columns);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`this Arrow file can't be read (${reason})`, {
      place: { file },
      remedy: 'write it again, with lz4, zstd or no compression, or as Parquet',
      cause,
    });
  }
}
