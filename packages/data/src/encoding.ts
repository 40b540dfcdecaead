import { InputError } from '@macrograd/core';
import type { EncodingId } from './spec.js';

/** Longest text that Node can hold in one string. */
const LONGEST_TEXT = 2 ** 29 - 24;

/** Files that are no table of text, by how they begin. */
const OTHERS: readonly (readonly [RegExp, string, string])[] = [
  [/^\xd0\xcf.\xe0/, 'an old Excel workbook', 'save the sheet as csv'],
  [/^BZh/, 'packed with bzip2', 'unpack it, or pack it with gzip'],
  [/^\xfd7zXZ/, 'packed with xz', 'unpack it, or pack it with gzip'],
  [/^7z\xbc\xaf/, 'a 7-Zip archive', 'unpack it, or pack it with gzip or zip'],
  [/^%PDF/, 'a PDF', 'give the numbers as csv'],
  [/^SQLite format 3/, 'an SQLite database', 'export the table as csv'],
  [/^\x89HDF/, 'an HDF5 file', 'write the table as Parquet'],
  [/^(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|head|body)/i, 'a web page or XML', 'save the data themselves as csv'],
  [/^(?:\xef\xbb\xbf)?\s*[{[]/, 'JSON', 'give csv, tsv or Parquet'],
];

/**
 * Text of a file. UTF-8 and, by their byte order mark, UTF-16 are told by looking; what is neither is refused unless its
 * encoding is declared, never guessed. What was told by looking, and is not UTF-8, stands in the note.
 */
export function decodeText(
  bytes: Buffer,
  file: string,
  encoding: EncodingId = 'auto',
): { readonly text: string; readonly note?: string } {
  const place = { file };
  const start = bytes.toString('latin1', 0, 64);
  const other = OTHERS.find(([pattern]) => pattern.test(start));
  if (other) throw new InputError(`this is ${other[1]}, which can't be read`, { place, remedy: other[2] });
  const chosen = encoding === 'auto' ? (markedEncoding(bytes) ?? 'utf-8') : encoding;
  if (chosen === 'utf-8' || chosen === 'latin1') refuseNul(bytes, file);
  if (bytes.length > LONGEST_TEXT) {
    throw new InputError('this text file is larger than 512 MiB', { place, remedy: 'convert it to Parquet' });
  }
  try {
    const text = new TextDecoder(chosen === 'latin1' ? 'windows-1252' : chosen, { fatal: true }).decode(bytes);
    const isTold = encoding === 'auto' && chosen !== 'utf-8';
    return isTold ? { text, note: `the text is ${chosen.toUpperCase()} by its byte order mark` } : { text };
  } catch (cause) {
    const remedy =
      encoding === 'auto' ? 'save it as UTF-8, or say `encoding: latin1` if it is that' : 'correct `encoding`';
    const name = chosen.toUpperCase();
    throw new InputError(`this file is not ${name}${badPlace(bytes, chosen)}`, { place, remedy, cause });
  }
}

function markedEncoding(bytes: Buffer): EncodingId | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

function refuseNul(bytes: Buffer, file: string): void {
  const at = bytes.indexOf(0);
  if (at < 0) return;
  throw new InputError('this file holds NUL bytes: it is not text, or UTF-16 without its mark', {
    place: { file, line: lineOf(bytes, at) },
    remedy: 'give csv, tsv or Parquet, or say `encoding: utf-16le`',
  });
}

function badPlace(bytes: Buffer, encoding: EncodingId): string {
  if (encoding !== 'utf-8') return '';
  const text = bytes.toString('utf8');
  const at = text.indexOf('\uFFFD');
  return ` (line ${text.slice(0, at).split('\n').length})`;
}

function lineOf(bytes: Buffer, at: number): number {
  let line = 1;
  for (let i = bytes.indexOf(10); i >= 0 && i < at; i = bytes.indexOf(10, i + 1)) line++;
  return line;
}
