import { crc32, gunzipSync, inflateRawSync } from 'node:zlib';
import { InputError } from '@macrograd/core';
import { quoted } from './cells.js';
import { looksZstd, TooLargeError, unpackZstd } from './zstd.js';

/** Largest file after decompression: 2 GiB, beyond which one string can't hold it anyway. */
export const LARGEST_FILE = 2 ** 31 - 1;

/** What may be unpacked whatever the ratio, and the ratio allowed above it: text of numbers packs 3 to 20 times. */
const SMALL = 64 * 1024 * 1024;
const LARGEST_RATIO = 100;

/** Members that a zip archive of data may have; above it, it is something else. */
const MOST_MEMBERS = 10_000;

/** Content of a gzip, Zstandard or zip file, of anything else the bytes themselves. */
export function unpack(bytes: Buffer, file: string, member: string | undefined): Buffer {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzip(bytes, file);
  if (looksZstd(bytes)) return openZstd(bytes, file);
  if (bytes.subarray(0, 4).equals(LOCAL) || bytes.subarray(0, 4).equals(END)) return unzip(bytes, file, member);
  if (member === undefined) return bytes;
  throw new InputError('this file is no zip archive, so it has no members', {
    place: { file },
    remedy: 'leave `member` out',
    code: 'bad_config',
  });
}

/** How many bytes a packed file of the given size may unpack to. */
export function limitOf(packed: number): number {
  return Math.min(LARGEST_FILE, Math.max(SMALL, packed * LARGEST_RATIO));
}

function gunzip(bytes: Buffer, file: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: limitOf(bytes.length) });
  } catch (cause) {
    throw unpackingError('this gzip file', file, bytes.length, cause);
  }
}

function openZstd(bytes: Buffer, file: string): Buffer {
  try {
    return Buffer.from(unpackZstd(bytes, limitOf(bytes.length)));
  } catch (cause) {
    throw unpackingError('this Zstandard file', file, bytes.length, cause);
  }
}

function unpackingError(what: string, file: string, packed: number, cause: unknown): InputError {
  const isTooLarge = cause instanceof TooLargeError || (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
  const megabytes = Math.round(limitOf(packed) / 2 ** 20);
  return new InputError(isTooLarge ? `${what} unpacks to more than ${megabytes} MiB` : `${what} is damaged`, {
    place: { file },
    remedy: isTooLarge ? 'give the unpacked file, if it is what you expect' : 'fetch or pack it again',
    cause,
  });
}

const LOCAL = Buffer.from('PK\x03\x04', 'latin1');
const CENTRAL = Buffer.from('PK\x01\x02', 'latin1');
const END = Buffer.from('PK\x05\x06', 'latin1');

/** One entry of a zip archive's directory (PKWARE APPNOTE 6.3, section 4.3.12). */
interface Member {
  readonly name: string;
  readonly isEncrypted: boolean;
  /** 0 stored, 8 deflate. */
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

const DATA_FILE = /\.(?:csv|tsv|txt|parquet|arrow|feather|duckdb)$/i;

function unzip(bytes: Buffer, file: string, wanted: string | undefined): Buffer {
  const members = readDirectory(bytes, file);
  for (const { name } of members) {
    if (!/^[/\\]|^[a-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)/i.test(name)) continue;
    throw zipError(`the member ${quoted(name)} points outside the archive`, file, 'give an archive that you trust');
  }
  if (members.some(({ name }) => name === 'xl/workbook.xml')) {
    throw zipError('this is an Excel workbook', file, 'save the sheet as csv');
  }
  return extract(choose(members, file, wanted), bytes, file);
}

function choose(members: readonly Member[], file: string, wanted: string | undefined): Member {
  const data = members.filter(({ name }) => DATA_FILE.test(name) && !name.startsWith('__MACOSX/'));
  const chosen = wanted === undefined ? data : members.filter(({ name }) => name === wanted);
  if (chosen.length === 1) return chosen[0];
  const names = data.slice(0, 8).map(({ name }) => quoted(name));
  if (wanted !== undefined) throw zipError(`there is no member ${quoted(wanted)}`, file, `take one of ${names}`);
  if (data.length === 0) throw zipError('there is no data file in this archive', file, 'pack csv, tsv or Parquet');
  throw zipError(`there are ${data.length} data files in this archive`, file, `say \`member\`, one of ${names}`);
}

function readDirectory(bytes: Buffer, file: string): Member[] {
  const damaged = () => zipError('this zip archive is damaged or cut off', file, 'fetch or pack it again');
  const end = bytes.lastIndexOf(END);
  if (end < 0 || end + 22 > bytes.length) throw damaged();
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  if (at === 0xffffffff) throw zipError('this zip archive is larger than 4 GiB', file, 'unpack it');
  if (count > MOST_MEMBERS) throw zipError(`this archive has ${count} members`, file, 'pack the one file');
  return Array.from({ length: count }, () => {
    if (at + 46 > bytes.length || !bytes.subarray(at, at + 4).equals(CENTRAL)) throw damaged();
    const nameLength = bytes.readUInt16LE(at + 28);
    const member = {
      name: bytes.toString('utf8', at + 46, at + 46 + nameLength),
      isEncrypted: (bytes.readUInt16LE(at + 8) & 1) === 1,
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      packed: bytes.readUInt32LE(at + 20),
      size: bytes.readUInt32LE(at + 24),
      offset: bytes.readUInt32LE(at + 42),
    };
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    return member;
  });
}

function extract(member: Member, bytes: Buffer, file: string): Buffer {
  const { name, offset, packed, method } = member;
  if (member.isEncrypted) throw zipError(`${quoted(name)} is encrypted`, file, 'unpack it with its password first');
  if (method !== 0 && method !== 8) {
    throw zipError(
      `${quoted(name)} is packed by method ${method}`,
      file,
      'pack it with deflate, as zip does by default',
    );
  }
  const isInside = offset + 30 <= bytes.length && bytes.subarray(offset, offset + 4).equals(LOCAL);
  const start = isInside ? offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28) : 0;
  const body = bytes.subarray(start, start + packed);
  if (!isInside || body.length < packed)
    throw zipError('this zip archive is damaged or cut off', file, 'fetch it again');
  const content = method === 0 ? Buffer.from(body) : inflate(body, file, name);
  if (content.length === member.size && crc32(content) === member.crc) return content;
  throw zipError(`the checksum of ${quoted(name)} is wrong`, file, 'fetch or pack it again');
}

function inflate(body: Buffer, file: string, name: string): Buffer {
  try {
    return inflateRawSync(body, { maxOutputLength: limitOf(body.length) });
  } catch (cause) {
    throw unpackingError(`the member ${quoted(name)}`, file, body.length, cause);
  }
}

function zipError(problem: string, file: string, remedy: string): InputError {
  return new InputError(problem, { place: { file }, remedy });
}
