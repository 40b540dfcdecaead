import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Hazard, Meaning } from './hazard.js';
import { zip } from './zip.js';

const PLAIN = Buffer.from('date,A,B\n2020-01,1,2.5\n2020-02,2,3\n2020-03,4,.5\n');
const SAME: Meaning = { values: { A: [1, 2, 4], B: [2.5, 3, 0.5] } };
const golden = (name: string) => readFileSync(join(import.meta.dirname, '../../../packages/data/test/golden', name));
const parquet = golden('wide.parquet');
const arrow = golden('wide.arrow');
const feather = golden('wide_lz4.feather');

const NONE = Number.NaN;

/** A file with one byte inverted. */
const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 0xff : byte));

/** Eighty megabytes of nothing, in eighty kilobytes. */
const NOTHING = Buffer.alloc(80 * 2 ** 20, 0x2c);
const gzipBomb = gzipSync(NOTHING);
const zipBomb = zip([{ name: 'a.csv', content: NOTHING }]);

/** A Zstandard frame of one block as it is (RFC 8878), for contents under 256 bytes. */
const zstd = (content: Buffer) => {
  const block = (content.length << 3) | 1;
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, content.length, block & 0xff, block >> 8, 0]),
    content,
  ]);
};

/** A file of one kind by the name of another, or of no kind that is read. */
const wrongKind = (name: string, start: string | Uint8Array, what: string): Hazard => ({
  name,
  content: typeof start === 'string' ? `${start}\n2020-01,1,2\n` : start,
  refuses: `FILE: this is ${what}, which can't be read`,
});

/** A file of 2,000 days whose columns are compressed: whole, cut off, and with its first frame spoilt. */
function packed(name: string): Hazard[] {
  const content = golden(name);
  const frame = [Buffer.from([0x04, 0x22, 0x4d, 0x18]), Buffer.from([0x28, 0xb5, 0x2f, 0xfd])]
    .map((mark) => content.indexOf(mark))
    .find((at) => at > 0);
  const refuses = `FILE: this ${name.endsWith('parquet') ? 'Parquet' : 'Arrow'} file can't be read`;
  return [
    { name, content, reads: { width: 2, dates: ['2000-01-01', '2005-06-22'] } },
    { name: `${name} cut off`, content: content.subarray(0, 4000), refuses },
    ...(frame === undefined ? [] : [{ name: `${name}, a frame spoilt`, content: flipped(content, frame), refuses }]),
  ];
}

const TYPED: Meaning = {
  values: { A: [0, 0.25, 0.5, 0.75], B: [2 ** 40, NONE, 0, -1], C: [0.5, NONE, 2, 4], D: [1, 2, 3, 4] },
  dates: ['2020-01-31', '2020-04-30'],
};

/** gzip, zip, Parquet and files of other kinds. */
export const archiveHazards: readonly Hazard[] = [
  { name: 'gzip', content: gzipSync(PLAIN), extension: 'csv.gz', reads: SAME },
  { name: 'gzip called csv', content: gzipSync(PLAIN), reads: SAME },
  { name: 'csv called gz', content: PLAIN, extension: 'csv.gz', reads: SAME },
  { name: 'csv called parquet', content: PLAIN, extension: 'parquet', reads: SAME },
  {
    name: 'two gzip members in a row',
    content: Buffer.concat([gzipSync(PLAIN), gzipSync('2020-04,5,6\n')]),
    reads: { values: { A: [1, 2, 4, 5] } },
  },
  { name: 'gzip cut off', content: gzipSync(PLAIN).subarray(0, 30), refuses: 'FILE: this gzip file is damaged' },
  {
    name: 'gzip with a wrong checksum',
    content: flipped(gzipSync(PLAIN), gzipSync(PLAIN).length - 6),
    refuses: 'FILE: this gzip file is damaged',
  },
  {
    name: 'gzip that unpacks a thousandfold',
    content: gzipBomb,
    refuses: 'FILE: this gzip file unpacks to more than 64 MiB',
  },
  { name: 'gzip in gzip', content: gzipSync(gzipSync(PLAIN)), refuses: 'FILE' },
  { name: 'zip of one file', content: zip([{ name: 'a.csv', content: PLAIN }]), extension: 'zip', reads: SAME },
  { name: 'zip of one stored file', content: zip([{ name: 'a.csv', content: PLAIN, isStored: true }]), reads: SAME },
  {
    name: 'zip of one file beside a read-me and a folder of Finder',
    content: zip([
      { name: 'README.md', content: Buffer.from('hello') },
      { name: '__MACOSX/._a.csv', content: Buffer.from('x') },
      { name: 'folder/a.csv', content: PLAIN },
    ]),
    reads: SAME,
  },
  {
    name: "a zip of Kenneth French's",
    content: zip([{ name: 'X.csv', content: Buffer.from('Made up\r\n\r\n,A,B\r\n202001,1,-99.99\r\n202002,3,4\r\n') }]),
    reads: { values: { A: [1, 3], B: [Number.NaN, 4] } },
  },
  {
    name: "a table named by its title, in a zip of Kenneth French's",
    content: zip([
      {
        name: 'X.csv',
        content: Buffer.from(
          'Made up\r\n\r\n  Value -- Monthly\r\n,A,B\r\n202001,1,2\r\n202002,3,4\r\n\r\n' +
            '  Equal -- Monthly\r\n,A,B\r\n202001,5,-99.99\r\n202002,7,8\r\n\r\n  Value -- Annual\r\n,A,B\r\n2019,9,9\r\n2020,9,9\r\n',
        ),
      },
    ]),
    options: { table: 'equal' },
    reads: { values: { A: [5, 7], B: [NONE, 8] }, dates: ['2020-01-31', '2020-02-29'] },
  },
  {
    name: 'zip of two files',
    content: zip([
      { name: 'a.csv', content: PLAIN },
      { name: 'b.csv', content: PLAIN },
    ]),
    refuses: 'FILE: there are 2 data files in this archive; say `member`, one of "a.csv","b.csv"',
  },
  {
    name: 'zip of two files, one named',
    content: zip([
      { name: 'a.csv', content: Buffer.from('nonsense') },
      { name: 'b.csv', content: PLAIN },
    ]),
    options: { member: 'b.csv' },
    reads: SAME,
  },
  {
    name: 'zip without the member named',
    content: zip([{ name: 'a.csv', content: PLAIN }]),
    options: { member: 'c.csv' },
    refuses: 'FILE: there is no member "c.csv"; take one of "a.csv"',
  },
  {
    name: 'a member of what is no archive',
    content: PLAIN,
    options: { member: 'c.csv' },
    refuses: 'FILE: this file is no zip archive',
  },
  {
    name: 'zip of no data',
    content: zip([{ name: 'a.exe', content: PLAIN }]),
    refuses: 'FILE: there is no data file in this archive',
  },
  { name: 'zip of nothing', content: zip([]), refuses: 'FILE: there is no data file in this archive' },
  {
    name: 'zip with a member that climbs',
    content: zip([{ name: '../../etc/a.csv', content: PLAIN }]),
    refuses: 'FILE: the member "../../etc/a.csv" points outside the archive',
  },
  {
    name: 'zip with an absolute member',
    content: zip([{ name: '/etc/a.csv', content: PLAIN }]),
    refuses: 'FILE: the member "/etc/a.csv" points outside',
  },
  {
    name: 'zip with a member that climbs by backslashes',
    content: zip([{ name: '..\\a.csv', content: PLAIN }]),
    refuses: 'FILE: the member "..\\a.csv" points outside',
  },
  {
    name: 'zip with a member on a drive',
    content: zip([{ name: 'C:\\a.csv', content: PLAIN }]),
    refuses: 'FILE: the member "C:\\a.csv" points outside',
  },
  {
    name: 'zip that unpacks a thousandfold',
    content: zipBomb,
    refuses: 'FILE: the member "a.csv" unpacks to more than 64 MiB',
  },
  {
    name: 'zip that lies about its size',
    content: zip([{ name: 'a.csv', content: PLAIN, claimedSize: 5 }]),
    refuses: 'FILE: the checksum of "a.csv" is wrong',
  },
  {
    name: 'zip with a wrong checksum',
    content: zip([{ name: 'a.csv', content: PLAIN, claimedCrc: 1 }]),
    refuses: 'FILE: the checksum of "a.csv" is wrong',
  },
  {
    name: 'zip with a password',
    content: zip([{ name: 'a.csv', content: PLAIN, isEncrypted: true }]),
    refuses: 'FILE: "a.csv" is encrypted; unpack it',
  },
  {
    name: 'zip cut off',
    content: zip([{ name: 'a.csv', content: PLAIN }]).subarray(0, 60),
    refuses: 'FILE: this zip archive is damaged or cut off',
  },
  {
    name: 'an Excel workbook',
    content: zip([{ name: 'xl/workbook.xml', content: PLAIN }]),
    extension: 'xlsx',
    refuses: 'FILE: this is an Excel workbook; save the sheet as csv',
  },
  { name: 'Parquet', content: parquet, extension: 'parquet', reads: { values: { A: [1, 2, 3, 4] } } },
  { name: 'Parquet called csv', content: parquet, reads: { values: { A: [1, 2, 3, 4] } } },
  { name: 'Parquet in gzip', content: gzipSync(parquet), reads: { values: { A: [1, 2, 3, 4] } } },
  {
    name: 'Parquet cut off',
    content: parquet.subarray(0, parquet.length - 20),
    refuses: "FILE: this Parquet file can't be read",
  },
  { name: 'Parquet of its first bytes alone', content: 'PAR1', refuses: "FILE: this Parquet file can't be read" },
  {
    name: 'Parquet with a damaged footer',
    content: flipped(parquet, parquet.length - 8 - parquet.readUInt32LE(parquet.length - 8)),
    refuses: "FILE: this Parquet file can't be read",
  },
  {
    name: 'Parquet that says its footer is larger than the file',
    content: flipped(parquet, parquet.length - 6),
    refuses: "FILE: this Parquet file can't be read",
  },
  { name: 'Parquet of decimals, categories, integers', content: golden('typed.parquet'), reads: TYPED },
  { name: 'Arrow of decimals, categories, integers', content: golden('typed.feather'), reads: TYPED },
  {
    name: "Parquet with pandas' index for dates",
    content: golden('index.parquet'),
    reads: { values: { A: [1, 2, 3, 4] } },
  },
  {
    name: 'Parquet with an infinite number',
    content: golden('infinite.parquet'),
    refuses: 'FILE:2:6: "Infinity" is not a number; infinite values are refused',
  },
  {
    name: 'Parquet with true and false',
    content: golden('logical.parquet'),
    refuses: 'FILE:1:6: "true" is not a number',
  },
  {
    name: 'Parquet with midnights of New York',
    content: golden('zoned.parquet'),
    refuses: 'FILE:1:1: "2020-01-31T05:00:00.000Z" is not a date; write the day alone, without time and time zone',
  },
  { name: 'Arrow', content: arrow, extension: 'arrow', reads: { values: { A: [1, 2, 3, 4] } } },
  { name: 'Arrow called csv', content: arrow, reads: { values: { A: [1, 2, 3, 4] } } },
  { name: 'Arrow, compressed', content: feather, reads: { values: { A: [1, 2, 3, 4] } } },
  { name: 'Arrow, compressed, in zip', content: zip([{ name: 'a.feather', content: feather }]), reads: { width: 2 } },
  ...['packed_lz4.feather', 'packed_zstd.feather', 'packed_lz4.parquet', 'packed_zstd.parquet'].flatMap(packed),
  { name: 'Arrow cut off', content: arrow.subarray(0, 200), refuses: "FILE: this Arrow file can't be read" },
  { name: 'Arrow of its first bytes alone', content: 'ARROW1', refuses: "FILE: this Arrow file can't be read" },
  wrongKind('an old Excel workbook', Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1), 'an old Excel workbook'),
  wrongKind('a web page', '<!DOCTYPE html><html><body>Not found</body></html>', 'a web page or XML'),
  wrongKind('a web page after blanks', '\n  <html>', 'a web page or XML'),
  wrongKind('XML', '<?xml version="1.0"?>', 'a web page or XML'),
  wrongKind('JSON', '{"date": ["2020-01"]}', 'JSON'),
  wrongKind('JSON a hundred thousand levels deep', '['.repeat(100_000), 'JSON'),
  wrongKind('a PDF', '%PDF-1.7', 'a PDF'),
  wrongKind('an SQLite database', 'SQLite format 3', 'an SQLite database'),
  {
    name: 'the first bytes of a DuckDB database',
    content: '\u0001234567\u0001DUCK\n',
    extension: 'duckdb',
    refuses: "FILE: DuckDB can't open this file",
  },
  wrongKind('bzip2', 'BZh91AY', 'packed with bzip2'),
  { name: 'Zstandard', content: zstd(PLAIN), extension: 'csv.zst', reads: SAME },
  { name: 'Zstandard cut off', content: zstd(PLAIN).subarray(0, 20), refuses: 'FILE: this Zstandard file is damaged' },
  {
    name: 'Zstandard that says it holds a terabyte',
    content: Buffer.concat([
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0]),
      Buffer.alloc(5),
      Buffer.from([1, 0, 0, 1, 0, 0]),
    ]),
    refuses: 'FILE: this Zstandard file unpacks to more than 64 MiB',
  },
];
