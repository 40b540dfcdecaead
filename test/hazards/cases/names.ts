// cspell:ignore RETX Πληθωρισμός
import { type Hazard, monthly } from './hazard.js';

const NAMED = ['2020-01,1,2', '2020-02,3,4'];

const read = (name: string, column: string, note?: string): Hazard => ({
  name,
  content: monthly(NAMED, `date,${column},Other`),
  reads: { values: { [column.trim()]: [1, 3] }, ...(note === undefined ? {} : { note }) },
});

const refused = (name: string, header: string, refuses: string, rows = NAMED): Hazard => ({
  name,
  content: monthly(rows, header),
  refuses,
});

/** Headers, Unicode, names that attack. */
export const nameHazards: readonly Hazard[] = [
  read('blanks around a name', ' A '),
  read('a name of blanks and dots', 'S&P 500 (TR).x'),
  read('a name in Greek', 'Πληθωρισμός'),
  read('a name with an emoji', '📈'),
  read('a name that is a number', '10'),
  read('markup is text', '<script>alert(1)</script>'),
  read('a formula is text', "=cmd|' /C calc'!A0"),
  read('a template is text', '{{constructor.constructor(1)()}}'),
  read('a path is text', '../../etc/passwd'),
  read('a query is text', "x'; DROP TABLE t; --"),
  read('a terminal link without control characters is text', ']8;;http://x'),
  { ...read('__proto__', '__proto__'), reads: { width: 2 } },
  read('constructor', 'constructor'),
  read('hasOwnProperty', 'hasOwnProperty'),
  refused(
    'a terminal escape',
    'date,A\u001b[31m,B',
    'FILE:1:6: the name "A�[31m" holds characters that can\'t be seen',
  ),
  refused('text that runs backwards', 'date,A\u202eB,C', 'FILE:1:6: the name "A�B" holds characters'),
  refused('a zero-width blank', 'date,A\u200b,A', 'FILE:1:6: the name "A�" holds characters'),
  refused('two columns of one name', 'date,A,A', 'FILE:1:8: column 3 is called "A" like column 2'),
  refused('two columns of one name but for blanks', 'date,A, A ', 'FILE:1:8: column 3 is called "A" like column 2'),
  refused(
    'two columns of one name in composed and decomposed form',
    'date,\u00e9,e\u0301',
    'FILE:1:8: column 3 is called',
  ),
  {
    name: 'Latin and Cyrillic letters that look the same',
    content: monthly(NAMED, 'date,CPI,СРI'),
    reads: { width: 2, note: 'look alike and are different' },
  },
  {
    name: 'names that differ in case alone',
    content: monthly(NAMED, 'date,cpi,CPI'),
    reads: { width: 2, note: 'the columns "cpi" and "CPI" look alike' },
  },
  refused('a column without a name', 'date,A,', 'FILE:1:8: this column has no name; name or drop it'),
  refused('an index column without a name beside the dates', ',date,A', 'FILE:1:1: this column has no name', [
    '0,2020-01,1',
    '1,2020-02,2',
  ]),
  refused('a name of 300 characters', `date,${'x'.repeat(300)},B`, 'FILE:1:6: this name has 300 characters'),
  refused('no date column', 'A,B,C', 'FILE:1:1: there is no date column', ['1,2,3', '4,5,6']),
  refused('dates alone', 'date', 'FILE:1:1: there is no column beside the dates', ['2020-01', '2020-02']),
  {
    name: 'dates in the last column',
    content: monthly(['1,2,2020-01', '3,4,2020-02'], 'A,B,date'),
    reads: { values: { A: [1, 3], B: [2, 4] } },
  },
  {
    name: 'dates in a first column without a name',
    content: monthly(NAMED, ',A,B'),
    reads: { values: { A: [1, 3] } },
  },
  {
    name: 'a long table',
    content: 'date,ticker,close\n2020-01,X,1\n2020-01,Y,2\n2020-02,X,3\n2020-02,Y,4\n',
    reads: { values: { X: [1, 3], Y: [2, 4] } },
  },
  {
    name: 'a long table with more columns than are needed',
    content: 'date,ticker,open,close,volume\n2020-01,X,1,2,9\n2020-02,X,3,4,9\n',
    reads: { values: { X: [2, 4] }, note: 'values are "close"; left out: open, volume' },
  },
  {
    name: 'a long table of two kinds of price',
    content: 'Date,Ticker,Close,Adj Close\n2020-01,X,1,2\n2020-02,X,3,4\n',
    refuses: 'FILE:1:19: the values may be "Close" or "Adj Close"; say `value: Close`, or the other',
  },
  {
    name: 'a long table of two kinds of price, one declared',
    content: 'Date,Ticker,Close,Adj Close\n2020-01,X,1,2\n2020-02,X,3,4\n',
    options: { value: 'Adj Close' },
    reads: { values: { X: [2, 4] } },
  },
  {
    name: 'a long table whose values have a name of their own, declared',
    content: 'date,PERMNO,RETX\n2020-01,10001,.1\n2020-02,10001,.3\n',
    options: { value: 'RETX' },
    reads: { values: { '10001': [0.1, 0.3] } },
  },
  {
    name: 'values declared of a table that is not long',
    content: 'date,A,B\n2020-01,1,2\n2020-02,3,4\n',
    options: { value: 'A' },
    refuses: 'FILE:1:1: this is not a long table; name its columns date, series and value',
  },
  {
    name: 'values declared of a table declared wide',
    content: 'date,A,B\n2020-01,1,2\n2020-02,3,4\n',
    options: { value: 'A', format: 'wide' },
    refuses: 'FILE: a table that is not long has no column of values; leave `value` out',
  },
  {
    name: 'dates in words beside a column of values',
    content: 'date,value\nJanuary 2020,1\nFebruary 2020,2\n',
    refuses: 'FILE:2:1: "January 2020" is not a date; write dates as YYYY-MM-DD',
  },
  {
    name: 'a long table without the column that is declared',
    content: 'date,ticker,close\n2020-01,X,1\n2020-02,X,3\n',
    options: { value: 'Adj Close' },
    refuses: 'FILE:1:1: there is no column "Adj Close"; its columns are date, ticker, close',
  },
  {
    name: 'a long table of a statistics office, whose series have no name',
    content: 'LOCATION,INDICATOR,TIME,Value\nUSA,CPI,2020-01,1\nUSA,CPI,2020-02,2\n',
    refuses: 'FILE:1: this looks like a long table in which no column is called "series"; name its columns',
  },
  {
    name: 'a long table of which one asset is there twice on a date',
    content: 'date,ticker,close\n2020-01,X,1\n2020-01,X,2\n2020-02,X,3\n',
    refuses: 'FILE:3:1: 2020-01-31 stands here again',
  },
  {
    name: 'a long table with a row that names no series',
    content: 'date,series,value\n2020-01,A,1\n2020-02,,2\n',
    refuses: 'FILE:3:9: this row names no series',
  },
  {
    name: 'a long table whose series is called __proto__',
    content: 'date,series,value\n2020-01,__proto__,1\n2020-02,__proto__,2\n',
    reads: { width: 1 },
  },
  {
    name: 'FRED-MD whose row of codes is missing',
    content: 'sasdate,RPI,CPI\n1/1/1959,2437.2,29.01\n2/1/1959,2446.9,29.0\n',
    refuses: 'FILE:2: there is no row of transformation codes (1 to 7)',
  },
  {
    name: 'Kenneth French with yearly tables alone',
    content: 'Made up\n\n  Annual\n,A,B\n2019,5,6\n2020,7,8\n',
    options: { format: 'french' },
    refuses: 'FILE: there is no table of months (YYYYMM) below a header; name one of its tables with `table`: "Annual"',
  },
  {
    name: 'Kenneth French with yearly tables alone, one named',
    content: 'Made up\n\n  Annual\n,A,B\n2019,5,6\n2020,7,8\n',
    options: { format: 'french', table: 'Annual' },
    reads: { values: { A: [5, 7] }, dates: ['2019-12-31', '2020-12-31'] },
  },
  {
    name: 'Kenneth French with another table below',
    content: 'Made up\n\n,A,B\n202001,1,-99.99\n202002,3,4\n\n Annual\n,A,B\n2020,5,6\n',
    reads: { values: { A: [1, 3], B: [Number.NaN, 4] }, note: 'the first of 2 tables' },
  },
];
