import type { ColumnChunk, CompressionCodec, Encoding, SchemaElement, Statistics } from 'hyparquet';
import type { fileWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import {
  type EncodedValues,
  encodeNumbers,
  encodeStrings,
  hybrid,
  type Presence,
  splitBytes,
} from './parquet-values.js';
import { type AnyColumn, NULL_BOOLEAN, NULL_INT } from './table.js';

/** The file that chunks are appended to. */
export type FileWriter = ReturnType<typeof fileWriter>;

// Noise (exposures of a network, say) does not compress, and trying costs more time than writing: a sample decides.
const SAMPLE_BYTES = 32_768;
const WORTHWHILE_RATIO = 0.9;

/**
 * Appends rows [start, end) of a column as one chunk: a dictionary page for strings, then one data page (v2). Works on
 * the typed columns directly; the writer's own `write` boxes every value of a nullable column and looks every string up.
 */
export function writeChunk(
  writer: FileWriter,
  element: SchemaElement,
  column: AnyColumn,
  start: number,
  end: number,
): ColumnChunk {
  const present = presence(column, start, end);
  const encoded = 'kind' in column ? encodeStrings(column, start, end) : encodeNumbers(column, present, start, end);
  const { values, codec } = packed(encoded, element);
  const nulls = end - start - present.count;
  const levels = element.repetition_type === 'OPTIONAL' ? hybrid(present.flags, 1) : new Uint8Array(0);
  const offset = writer.offset;
  let uncompressed = 0;
  if (values.dictionary) uncompressed += writeDictionaryPage(writer, values.dictionary, codec);
  const dataOffset = writer.offset;
  uncompressed += writeDataPage(writer, values, levels, codec, { rows: end - start, nulls });
  const statistics: Statistics = { null_count: BigInt(nulls) };
  if (values.min !== undefined) statistics.min_value = values.min;
  if (values.max !== undefined) statistics.max_value = values.max;
  return {
    file_offset: BigInt(offset),
    meta_data: {
      type: element.type ?? 'BYTE_ARRAY',
      // Of dictionary, data and levels.
      encodings: [...new Set<Encoding>([...(values.dictionary ? ['PLAIN' as const] : []), values.encoding, 'RLE'])],
      path_in_schema: [element.name],
      codec,
      num_values: BigInt(end - start),
      total_uncompressed_size: BigInt(uncompressed),
      total_compressed_size: BigInt(writer.offset - offset),
      data_page_offset: BigInt(dataOffset),
      ...(values.dictionary ? { dictionary_page_offset: BigInt(offset) } : {}),
      statistics,
    },
  };
}

function presence(column: AnyColumn, start: number, end: number): Presence {
  const flags = new Uint8Array(end - start);
  let count = 0;
  const mark = (row: number, isPresent: boolean) => {
    if (!isPresent) return;
    flags[row - start] = 1;
    count++;
  };
  if ('kind' in column) {
    for (let row = start; row < end; row++) mark(row, column.codes[row] >= 0);
  } else if (column instanceof Float64Array) {
    for (let row = start; row < end; row++) mark(row, !Number.isNaN(column[row]));
  } else {
    const missing = column instanceof Int32Array ? NULL_INT : NULL_BOOLEAN;
    for (let row = start; row < end; row++) mark(row, column[row] !== missing);
  }
  return { flags, count };
}

interface PackedValues {
  readonly values: EncodedValues;
  readonly codec: CompressionCodec;
}

/** Numbers that do not compress as they are may do byte by byte: those of float32 precision have three empty bytes. */
function packed(values: EncodedValues, { type }: SchemaElement): PackedValues {
  const codec = codecFor(values.bytes);
  if (codec !== 'UNCOMPRESSED' || type !== 'DOUBLE') return { values, codec };
  const bytes = splitBytes(values.bytes, Float64Array.BYTES_PER_ELEMENT);
  if (snappyCompress(bytes).length >= WORTHWHILE_RATIO * bytes.length) return { values, codec };
  return { values: { ...values, encoding: 'BYTE_STREAM_SPLIT', bytes }, codec: 'SNAPPY' };
}

function codecFor(bytes: Uint8Array): CompressionCodec {
  const middle = Math.max(0, (bytes.length - SAMPLE_BYTES) >> 1);
  const sample = bytes.subarray(middle, middle + SAMPLE_BYTES);
  return snappyCompress(sample).length < WORTHWHILE_RATIO * sample.length ? 'SNAPPY' : 'UNCOMPRESSED';
}

function compress(bytes: Uint8Array, codec: CompressionCodec): Uint8Array {
  return codec === 'SNAPPY' ? snappyCompress(bytes) : bytes;
}

function writeDictionaryPage(
  writer: FileWriter,
  { count, bytes }: { readonly count: number; readonly bytes: Uint8Array },
  codec: CompressionCodec,
): number {
  const compressed = compress(bytes, codec);
  const offset = writer.offset;
  writePageHeader(writer, {
    type: 'DICTIONARY_PAGE',
    uncompressed_page_size: bytes.length,
    compressed_page_size: compressed.length,
    dictionary_page_header: { num_values: count, encoding: 'PLAIN' },
  });
  const header = writer.offset - offset;
  writer.appendBytes(compressed);
  return header + bytes.length;
}

function writeDataPage(
  writer: FileWriter,
  { bytes, encoding }: EncodedValues,
  levels: Uint8Array,
  codec: CompressionCodec,
  { rows, nulls }: { readonly rows: number; readonly nulls: number },
): number {
  const compressed = compress(bytes, codec);
  const offset = writer.offset;
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.length + bytes.length,
    compressed_page_size: levels.length + compressed.length,
    data_page_header_v2: {
      num_values: rows,
      num_nulls: nulls,
      num_rows: rows,
      encoding,
      definition_levels_byte_length: levels.length,
      repetition_levels_byte_length: 0,
      is_compressed: codec !== 'UNCOMPRESSED',
    },
  });
  const header = writer.offset - offset;
  writer.appendBytes(levels);
  writer.appendBytes(compressed);
  return header + levels.length + bytes.length;
}
