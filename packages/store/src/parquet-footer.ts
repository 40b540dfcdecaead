import type { FileMetaData } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import type { FileWriter } from './parquet-chunk.js';

/** "PAR1", at both ends of a file. */
export const PARQUET_MAGIC = 0x31_52_41_50;

const LENGTH_BYTES = 4;
const STOP = 0;

/**
 * Appends the metadata, its length and the magic number. The library leaves `column_orders` out, without which readers
 * may not trust minimum and maximum; it is put in here as the last field of the struct.
 */
export function writeFooter(writer: FileWriter, metadata: Omit<FileMetaData, 'metadata_length'>): void {
  const body = new ByteWriter();
  writeMetadata(body, { ...metadata, metadata_length: 0 });
  const bytes = body.getBytes();
  // What the library wrote ends with the struct's STOP byte and its own length.
  const fields = bytes.subarray(0, bytes.length - 1 - LENGTH_BYTES);
  const orders = columnOrders(metadata.schema.length - 1);
  writer.appendBytes(fields);
  writer.appendBytes(orders);
  writer.appendUint32(fields.length + orders.length);
  writer.appendUint32(PARQUET_MAGIC);
}

/** Field 7 of FileMetaData in compact thrift, a TypeDefinedOrder a column, and the struct's STOP. */
function columnOrders(columns: number): Uint8Array {
  // Field header: 1 after created_by (6), type list. List header: long form, element type struct.
  const header = [0x19, 0xfc];
  const order = [0x1c, STOP, STOP]; // union member 1, an empty struct; end of it; end of the union
  const out = new ByteWriter();
  out.appendBytes(Uint8Array.from(header));
  out.appendVarInt(columns);
  for (let i = 0; i < columns; i++) out.appendBytes(Uint8Array.from(order));
  out.appendUint8(STOP);
  return out.getBytes();
}
