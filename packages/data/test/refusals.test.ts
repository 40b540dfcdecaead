import { InputError } from '@macrograd/core';
import { expect, test } from 'vitest';
import { type ReadOptions, readTable } from '../src/index.js';
import { file } from './files.js';

/** The message of the refusal, without the file's name. */
async function refusal(path: string, options?: ReadOptions): Promise<string> {
  const error = await readTable(path, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw new Error(`not refused with an InputError: ${String(error)}`);
  expect(error.remedy).toBeTruthy();
  expect(error.message).toContain(path);
  return error.message.replace(path, 'FILE');
}

const TEXTS: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['an empty file', '', 'FILE: this file is empty'],
  ['blank lines alone', '\n \n', 'FILE: this file has blank lines only'],
  ['a header alone', 'date,A,B\n', 'FILE:1: there is a header and no row of data'],
  ['a short row', 'date,A,B\n2020-01,1,2\n2020-02,3\n', 'FILE:3:10: this row has 2 cells, the header has 3'],
  ['a long row', 'date,A,B\n2020-01,1,2,3\n', 'FILE:2:13: this row has 4 cells, the header has 3'],
  ['text among numbers', 'date,A,B\n2020-01,1,2\n2020-02,1,high\n', 'FILE:3:11: "high" is not a number'],
  ['infinity', 'date,A,B\n2020-01,1,-Inf\n', 'FILE:2:11: "-Inf" is not a number; infinite values are refused'],
  ['a number too large', 'date,A,B\n2020-01,1e400,2\n', 'FILE:2:9: "1e400" is too large for a number'],
  ['a decimal comma between commas', 'date,A,B\n2020-01,"1,5",2\n', 'FILE:2:9: "1,5" is not a number; write decimals'],
  ['a thousands separator', 'date,A,B\n2020-01,"1,234.5",2\n', 'FILE:2:9: "1,234.5" is not a number'],
  ['a percent sign', 'date,A,B\n2020-01,1,5%\n', 'FILE:2:11: "5%" is not a number; write plain numbers'],
  ['hexadecimal digits', 'date,A,B\n2020-01,0x10,2\n', 'FILE:2:9: "0x10" is not a number'],
  [
    'a date twice',
    'date,A,B\n2020-01-31,1,2\n2020-02-29,1,2\n2020-01-31,3,4\n',
    'FILE:4:1: 2020-01-31 stands here again',
  ],
  [
    'two dates in one month of a monthly file',
    'date,A,B\n2020-01-31,1,2\n2020-02-28,1,2\n2020-03-03,3,4\n2020-03-31,1,2\n2020-04-30,1,2\n2020-05-31,1,2\n',
    'FILE:5:1: 2020-03-31 lies in one period (M) with the date on line 4',
  ],
  ['a date that does not exist', 'date,A,B\n2021-02-29,1,2\n', 'FILE:2:1: "2021-02-29" is not a day of the calendar'],
  ['a word for a date', 'date,A,B\nJanuary,1,2\n', 'FILE:2:1: "January" is not a date'],
  [
    'two ways of writing dates',
    'date,A,B\n2020-01-31,1,2\n2/29/2020,1,2\n',
    'FILE:3:1: "2/29/2020" is not a date like',
  ],
  ['no date column', 'A,B\n1,2\n', 'FILE:1:1: there is no date column'],
  ['no series', 'date\n2020-01\n', 'FILE:1:1: there is no column beside the dates'],
  ['two columns of one name', 'date,A,B,A\n2020-01,1,2,3\n', 'FILE:1:10: column 4 is called "A" like column 2'],
  ['a column without a name', 'date,A,\n2020-01,1,2\n', 'FILE:1:8: this column has no name'],
  ['one date', 'date,A,B\n2020-01,1,2\n', 'FILE:2:1: there is one date only'],
  [
    'irregular dates',
    'date,A,B\n2020-01-01,1,2\n2020-03-01,1,2\n2021-01-01,3,4\n',
    'FILE:4:1: the distances between dates',
  ],
  ['an open quote', 'date,A,B\n2020-01,1,2\n2020-02,"1,2\n', 'FILE:3: a quoted cell begins here and never ends'],
  ['a quote inside a cell', 'date,A,B\n2020-01,1"2,2\n', 'FILE:2: a quotation mark stands inside an unquoted cell'],
  [
    'a long table with a nameless row',
    'date,series,value\n2020-01,A,1\n2020-02,,2\n',
    'FILE:3:9: this row names no series',
  ],
  ['Latin-1', Uint8Array.of(0x64, 0xe9, 0x0a), 'FILE: this file is not UTF-8'],
  ['NUL bytes', 'date,A\n2020-01,\0\n', 'FILE:2: this file holds NUL bytes'],
  ['damaged gzip', Uint8Array.of(0x1f, 0x8b, 1, 2, 3), 'FILE: this gzip file is damaged'],
  ['damaged Parquet', 'PAR1 and then nothing', "FILE: this Parquet file can't be read"],
];

test.each(TEXTS)('%s: refused with its place', async (_, content, message) => {
  expect(await refusal(file(content))).toContain(message);
});

test('a column number counts characters behind quoted cells that contain separators', async () => {
  const path = file('date,"A, first",B\n2020-01,"1",2\n2020-02,"2",x\n');
  expect(await refusal(path)).toContain('FILE:3:13: "x" is not a number');
});

test('a line number counts blank lines and Windows line ends', async () => {
  expect(await refusal(file('date,A\r\n\r\n2020-01,1\r\n2020-02,x\r\n'))).toContain('FILE:4:9: "x" is not a number');
});

test('a file that is not there and a folder: refused', async () => {
  await expect(readTable('/no/such/file.csv')).rejects.toThrow('/no/such/file.csv: this file does not exist');
  await expect(readTable(import.meta.dirname)).rejects.toThrow('this is a folder');
});

test('a layout that the file does not have: refused', async () => {
  const wide = file('date,A,B\n2020-01,1,2\n2020-02,1,2\n');
  expect(await refusal(wide, { format: 'long' })).toContain('FILE:1:1: this is not a long table');
  expect(await refusal(wide, { format: 'french' })).toContain('FILE: there is no table of months');
});
