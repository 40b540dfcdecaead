import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { InputError, Random } from '@macrograd/core';
import { expect, test } from 'vitest';
import { readTable } from '../src/index.js';
import { unpackLz4Block, unpackLz4Frame } from '../src/lz4.js';
import { unpackZstd } from '../src/zstd.js';
import { file } from './files.js';

const golden = (name: string) => join(import.meta.dirname, 'golden', name);

/** By pyarrow (Feather 2 and Parquet) and polars (whose Zstandard frames do not say their size). */
const PACKED = [
  'packed_lz4.feather',
  'packed_zstd.feather',
  'packed_lz4.parquet',
  'packed_zstd.parquet',
  'polars_lz4.arrow',
  'polars_zstd.arrow',
];

const rows = Array.from({ length: 2000 }, (_, i) => i);
const A = rows.map((i) => i % 7);
const B = rows.map((i) => ((i * i) % 97) / 8);

test.each(PACKED)('%s holds the 2,000 days that were packed, in gzip too', async (name) => {
  for (const path of [golden(name), file(gzipSync(readFileSync(golden(name))))]) {
    const { series } = await readTable(path);
    expect(Array.from(series.get('A')?.values ?? [])).toEqual(A);
    expect(Array.from(series.get('B')?.values ?? [])).toEqual(B);
  }
});

/** Damaged copies of each file; each takes some milliseconds. */
const DAMAGES = 60;

test.each(PACKED)('%s, cut off or with a byte changed: read or refused, never anything else', async (name) => {
  const bytes = readFileSync(golden(name));
  const random = new Random(7);
  for (let i = 0; i < DAMAGES; i++) {
    const at = Math.floor(random.uniform() * bytes.length);
    const damaged = Buffer.from(i % 4 === 0 ? bytes.subarray(0, at) : bytes);
    if (i % 4 !== 0) damaged[at] ^= 1 << Math.floor(8 * random.uniform());
    const outcome = await readTable(file(damaged)).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(InputError);
  }
});

// One literal "a", then a match of 300 bytes one byte back, then the literal "b".
const block = Uint8Array.of(0x1f, 0x61, 1, 0, 255, 300 - 4 - 15 - 255, 0x10, 0x62);
const frame = (...blocks: readonly Uint8Array[]) =>
  Uint8Array.from([
    ...[0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0],
    ...blocks.flatMap((one) => [one.length, 0, 0, 0, ...one]),
    ...[0, 0, 0, 0],
  ]);
const unpacked = `${'a'.repeat(301)}b`;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

test('a match may overlap what it writes, and a block point into the one before', () => {
  expect(text(unpackLz4Block(block, unpacked.length))).toBe(unpacked);
  const pointsBack = Uint8Array.of(0x00, 46, 1, 0x10, 0x2e);
  expect(text(unpackLz4Frame(frame(block, pointsBack), 1000))).toBe(`${unpacked}aaaa.`);
});

test('a block that points before its start, has another size or ends early is an error', () => {
  expect(() => unpackLz4Block(Uint8Array.of(0x10, 0x61, 2, 0), 5)).toThrow('points before its start');
  expect(() => unpackLz4Block(block, 10)).toThrow('larger than it says');
  expect(() => unpackLz4Block(block, 400)).toThrow('holds 302 bytes, not 400');
  expect(() => unpackLz4Block(block.subarray(0, 5), 302)).toThrow('cut off');
});

test('a frame is not unpacked beyond the bytes allowed, whatever it says of itself', () => {
  expect(() => unpackLz4Frame(frame(block, block), 500)).toThrow('more than 500 bytes');
  const zeros = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x58, 0, 0, 0, 0x40);
  expect(() => unpackZstd(zeros, 2 ** 26)).toThrow('more than 67108864 bytes');
  // 500 blocks of 128 KiB of one repeated byte, without a size in the header.
  const runs = Array.from({ length: 500 }, (_, i) => [i === 499 ? 3 : 2, 0, 16, 7]);
  const bomb = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38, ...runs.flat()]);
  expect(() => unpackZstd(bomb, 2 ** 20)).toThrow('more than 1048576 bytes');
  expect(unpackZstd(bomb, 2 ** 27)).toHaveLength(500 * 2 ** 17);
});
