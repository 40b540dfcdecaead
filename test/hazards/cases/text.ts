import type { Hazard, Meaning } from './hazard.js';

const PLAIN = 'date,A,B\n2020-01,1,2.5\n2020-02,,-3e2\n2020-03,4,.5\n';
const SAME: Meaning = { values: { A: [1, Number.NaN, 4], B: [2.5, -300, 0.5] }, dates: ['2020-01-31', '2020-03-31'] };

const utf16 = (text: string, mark: readonly number[], isBig: boolean) => {
  const body = Buffer.from(text, 'utf16le');
  return Buffer.concat([Buffer.from(mark), isBig ? body.swap16() : body]);
};

/** Encodings, line ends, separators, quotes and rows. */
export const textHazards: readonly Hazard[] = [
  { name: 'UTF-8', content: PLAIN, reads: { ...SAME, note: '' } },
  { name: 'UTF-8 with a byte order mark', content: `\uFEFF${PLAIN}`, reads: SAME },
  {
    name: 'UTF-16 little-endian with its mark',
    content: utf16(PLAIN, [0xff, 0xfe], false),
    reads: { ...SAME, note: 'UTF-16LE' },
  },
  {
    name: 'UTF-16 big-endian with its mark',
    content: utf16(PLAIN, [0xfe, 0xff], true),
    reads: { ...SAME, note: 'UTF-16BE by' },
  },
  {
    name: 'UTF-16 without mark, declared',
    content: utf16(PLAIN, [], false),
    options: { encoding: 'utf-16le' },
    reads: SAME,
  },
  {
    name: 'UTF-16 without mark, undeclared',
    content: utf16(PLAIN, [], false),
    refuses: 'FILE:1: this file holds NUL bytes: it is not text, or UTF-16 without its mark',
  },
  {
    name: 'UTF-16 cut in the middle of a character',
    content: utf16(PLAIN, [0xff, 0xfe], false).subarray(0, -1),
    refuses: 'FILE: this file is not UTF-16LE',
  },
  {
    name: 'Latin-1, declared',
    content: Buffer.from('date,Zürich,B\n2020-01,1,2\n2020-02,3,4\n', 'latin1'),
    options: { encoding: 'latin1' },
    reads: { values: { Zürich: [1, 3] } },
  },
  {
    name: 'Latin-1, undeclared',
    content: Buffer.from('date,A,B\n2020-01,1,2\n2020-02,é,4\n', 'latin1'),
    refuses: 'FILE: this file is not UTF-8 (line 3); save it as UTF-8, or say `encoding: latin1`',
  },
  {
    name: 'a NUL byte in the middle',
    content: 'date,A\n2020-01,1\n2020-02,\0\n',
    refuses: 'FILE:3: this file holds NUL bytes',
  },
  { name: 'Windows line ends', content: PLAIN.replaceAll('\n', '\r\n'), reads: { ...SAME, note: '' } },
  { name: 'old Macintosh line ends', content: PLAIN.replaceAll('\n', '\r'), reads: SAME },
  { name: 'mixed line ends', content: PLAIN.replace('\n', '\r\n'), reads: SAME },
  { name: 'no last line end', content: PLAIN.trimEnd(), reads: SAME },
  { name: 'tabs', content: PLAIN.replaceAll(',', '\t'), reads: { ...SAME, note: 'by tabs' } },
  { name: 'semicolons', content: PLAIN.replaceAll(',', ';'), reads: { ...SAME, note: 'separated by ";"' } },
  { name: 'bars', content: PLAIN.replaceAll(',', '|'), reads: { ...SAME, note: 'separated by "|"' } },
  {
    name: 'a separator of its own, declared',
    content: PLAIN.replaceAll(',', '!'),
    options: { delimiter: '!' },
    reads: { ...SAME, note: '' },
  },
  {
    name: 'a separator of its own, undeclared',
    content: PLAIN.replaceAll(',', '!'),
    refuses: 'FILE:1:1: the first line is one cell; delete lines above the header, or say `delimiter`',
  },
  {
    name: "Excel's line that names the separator",
    content: `sep=!\r\n${PLAIN.replaceAll(',', '!')}`,
    reads: { ...SAME, note: '' },
  },
  {
    name: 'comments above the header',
    content: `# made by hand\n${PLAIN}`,
    refuses: 'FILE:1:1: the first line is no header; delete the lines above the one that names the columns',
  },
  {
    name: 'a title above the header',
    content: `Interest rates,,\n${PLAIN}`,
    refuses: 'FILE:1:1: the first line is no header',
  },
  {
    name: 'dates side by side',
    content: 'series,2020-01,2020-02,2020-03\nA,1,2,3\nB,4,5,6\n',
    refuses: 'FILE:1:1: the dates stand side by side in the first line; turn the table, a row a date',
  },
  {
    name: 'a row of units below the header',
    content: PLAIN.replace('\n', '\n,USD,%\n'),
    refuses: 'FILE:2:1: "" is not a date',
  },
  {
    name: 'one mark for cells and for decimals',
    content: PLAIN,
    options: { delimiter: ',', decimal: ',' },
    refuses: 'FILE: "," can\'t both separate cells and mark decimals',
  },
  { name: 'every cell in quotes', content: PLAIN.replaceAll(/[^,\n]+/g, '"$&"'), reads: SAME },
  {
    name: 'a separator, quotes and a line end inside a quoted name',
    content: 'date,"A, ""first""",B\n2020-01,1,2\n2020-02,3,4\n',
    reads: { values: { 'A, "first"': [1, 3] } },
  },
  { name: 'blanks around cells', content: PLAIN.replaceAll(',', ' , '), reads: SAME },
  { name: 'blank lines at the end', content: `${PLAIN}\n\n\n`, reads: { ...SAME, note: 'blank rows left out' } },
  { name: 'rows of empty cells at the end', content: `${PLAIN},,\n,,\n`, reads: { ...SAME, note: '2 blank rows' } },
  { name: 'a blank line in the middle', content: PLAIN.replace('\n2020-02', '\n\n2020-02'), reads: SAME },
  { name: 'an empty file', content: '', refuses: 'FILE: this file is empty; give a header row' },
  { name: 'one line end', content: '\n', refuses: 'FILE: this file has blank lines only' },
  { name: 'a byte order mark alone', content: '\uFEFF', refuses: 'FILE: this file has blank lines only' },
  { name: 'a header alone', content: 'date,A,B\n', refuses: 'FILE:1: there is a header and no row of data' },
  { name: 'no header', content: '2020-01,1,2\n2020-02,3,4\n', refuses: 'FILE:1:1: there is no header' },
  {
    name: 'a short row',
    content: PLAIN.replace(',4,.5', ',4'),
    refuses: 'FILE:4:10: this row has 2 cells, the header has 3',
  },
  {
    name: 'a long row',
    content: PLAIN.replace(',.5', ',.5,6'),
    refuses: 'FILE:4:14: this row has 4 cells, the header has 3',
  },
  {
    name: 'a separator at every end of line but the header',
    content: PLAIN.replaceAll(/(\d)\n/g, '$1,\n'),
    refuses: 'FILE:2:15: this row has 4 cells, the header has 3',
  },
  {
    name: 'an open quote',
    content: `${PLAIN}"2020-04,1,2\n`,
    refuses: 'FILE:5: a quoted cell begins here and never ends',
  },
  {
    name: 'a quote inside a cell',
    content: PLAIN.replace('2.5', '2"5'),
    refuses: 'FILE:2: a quotation mark stands inside',
  },
  {
    name: 'a cell of 40,000 characters',
    content: PLAIN.replace('2.5', '7'.repeat(40_000)),
    refuses: 'FILE:2:11: this cell has 40000 characters; look for a missing quotation mark',
  },
  {
    name: 'one line of eight million characters',
    content: `date,A\n${'x'.repeat(8_000_000)}`,
    refuses: 'FILE:2:1: this cell has 8000000 characters',
  },
  {
    name: '20,000 columns',
    content: `date,${Array.from({ length: 20_000 }, (_, i) => `S${i}`)}\n${[1, 2, 3].map((m) => `2020-0${m}${',1.5'.repeat(20_000)}\n`).join('')}`,
    reads: { width: 20_000, values: { S19999: [1.5, 1.5, 1.5] } },
  },
  {
    name: '100,000 rows by day',
    content: `date,A\n${Array.from({ length: 100_000 }, (_, i) => `${new Date(Date.UTC(1750, 0, 1 + i)).toISOString().slice(0, 10)},${i % 97}`).join('\n')}`,
    reads: { width: 1, dates: ['1750-01-01', '2023-10-16'] },
  },
];
