import { type Hazard, monthly, months } from './hazard.js';

const NONE = Number.NaN;

/** A file whose A column is missing in January, by the given mark. */
const missing = (mark: string): Hazard => ({
  name: `missing as ${JSON.stringify(mark)}`,
  content: monthly([`2020-01,${mark},1`, '2020-02,2,2']),
  reads: { values: { A: [NONE, 2] } },
});

const refused = (name: string, cell: string, refuses: string): Hazard => ({
  name,
  content: monthly([`2020-01,1,2`, `2020-02,${cell},2`]),
  refuses: `FILE:3:9: ${refuses}`,
});

const read = (name: string, cell: string, value: number): Hazard => ({
  name,
  content: monthly([`2020-01,1,2`, `2020-02,${cell},2`]),
  reads: { values: { A: [1, value] } },
});

/** A year of quiet values with one odd one in December. */
const year = (odd: string) => monthly(months(12).map((month, i) => `${month},${i === 11 ? odd : (i % 5) / 10},1.${i}`));

/** Marks for missing, decimal commas, decorated numbers, sentinels. */
export const numberHazards: readonly Hazard[] = [
  ...['', ' ', '.', 'NA', 'N/A', '#N/A', 'n/a', 'NaN', 'nan', 'null', 'NULL'].map(missing),
  read('an exponent', '1.5E-3', 0.0015),
  read('a plus sign', '+3', 3),
  read('a point without zero', '-.5', -0.5),
  read('a point at the end', '3.', 3),
  read('leading zeros', '007', 7),
  read('seventeen digits', '0.30000000000000004', 0.30000000000000004),
  read('minus zero', '-0', -0),
  read('the smallest number', '5e-324', 5e-324),
  read('a number below the smallest', '1e-400', 0),
  refused('a number above the largest', '1e400', '"1e400" is too large for a number'),
  refused('Inf', 'Inf', '"Inf" is not a number; infinite values are refused'),
  refused('-Infinity', '-Infinity', '"-Infinity" is not a number; infinite values are refused'),
  refused('hexadecimal digits', '0x1F', '"0x1F" is not a number'),
  refused('octal digits', '0o17', '"0o17" is not a number'),
  refused('a percent sign', '5%', '"5%" is not a number; write plain numbers; percent returns are declared'),
  refused('a dollar sign', '$5', '"$5" is not a number; write plain numbers'),
  refused('a euro sign', '5 €', '"5 €" is not a number; write plain numbers'),
  refused('parentheses for negatives', '(5)', '"(5)" is not a number; write negative numbers with a minus sign'),
  refused('a thousands separator', '"1,234"', '"1,234" is not a number'),
  refused('thousands separators and decimals', '"1,234,567.8"', '"1,234,567.8" is not a number; write numbers without'),
  refused('blanks between thousands', '1 234', '"1 234" is not a number; write numbers without thousands separators'),
  refused('apostrophes between thousands', "1'234", '"1\'234" is not a number'),
  refused('underscores between thousands', '1_234', '"1_234" is not a number'),
  refused('a fraction', '1/2', '"1/2" is not a number'),
  refused('a Unicode minus sign', '−5', '"−5" is not a number; write negative numbers with a hyphen'),
  refused('full-width digits', '５', '"５" is not a number'),
  refused('Arabic digits', '٥', '"٥" is not a number'),
  refused('two points', '1.2.3', '"1.2.3" is not a number'),
  refused('two signs', '--5', '"--5" is not a number'),
  refused('a letter O for zero', '1O', '"1O" is not a number'),
  refused('true', 'true', '"true" is not a number'),
  refused('a word', 'high', '"high" is not a number; write a number, or leave the cell empty'),
  refused('a footnote', '5.1 (p)', '"5.1 (p)" is not a number'),
  refused('a revision mark', '5.1r', '"5.1r" is not a number'),
  refused('a spreadsheet error', '#REF!', '"#REF!" is not a number'),
  refused('a dash for missing', '-', '"-" is not a number; leave the cell empty if it is missing'),
  refused('two dashes for missing', '--', '"--" is not a number; leave the cell empty'),
  refused('thousands and decimals as in Germany', '"1.234,50"', '"1.234,50" is not a number; write numbers without'),
  refused('a no-break space between thousands', '1\u00a0234', '"1\u00a0234" is not a number; write numbers without'),
  refused('a formula', '=1+1', '"=1+1" is not a number; give values, not formulas'),
  refused('a formula that runs a command', "=cmd|'/C calc'!A0", '"=cmd|\'/C calc\'!A0" is not a number; give values'),
  refused('markup', '<b>5</b>', '"<b>5</b>" is not a number'),
  {
    name: 'a decimal comma that is plain to see',
    content: monthly(['2020-01;1,5;2', '2020-02;2,25;3'], 'date;A;B'),
    reads: { values: { A: [1.5, 2.25], B: [2, 3] }, note: 'decimal commas' },
  },
  {
    name: 'a decimal comma, declared',
    content: monthly(['2020-01;1,500;2', '2020-02;2,250;3'], 'date;A;B'),
    options: { decimal: ',' },
    reads: { values: { A: [1.5, 2.25] } },
  },
  {
    name: 'commas before three digits: thousands or decimals',
    content: monthly(['2020-01;1,500;2', '2020-02;2,250;3'], 'date;A;B'),
    refuses: 'FILE:2:9: "1,500" is not a number; write decimals with a point and no thousands separator',
  },
  {
    name: 'decimal commas and points in one file',
    content: monthly(['2020-01;1,5;2', '2020-02;2.5;3'], 'date;A;B'),
    refuses: 'FILE:2:9: "1,5" is not a number',
  },
  {
    name: 'points between thousands under decimal commas',
    content: monthly(['2020-01;1.234,5;2', '2020-02;2;3'], 'date;A;B'),
    options: { decimal: ',' },
    refuses: 'FILE:2:9: "1.234,5" has a point, and commas mark decimals here',
  },
  {
    name: '-999 among rates, undeclared',
    content: year('-999'),
    refuses: "FILE:13:9: -999 lies far from the column's other values: a mark for missing?; say `missing: [-999]`",
  },
  { name: '-999 among rates, declared', content: year('-999'), options: { missing: [-999] }, reads: { width: 2 } },
  { name: '-999 among rates, declared a value', content: year('-999'), options: { missing: [] }, reads: { width: 2 } },
  { name: '-99.99 among rates', content: year('-99.99'), refuses: 'FILE:13:9: -99.99 lies far from' },
  { name: '9999 among rates', content: year('9999'), refuses: 'FILE:13:9: 9999 lies far from' },
  {
    name: '9999 among thousands',
    content: monthly(months(12).map((month, i) => `${month},${i === 11 ? 9999 : 9000 + 300 * (i % 5)},1.${i}`)),
    reads: { note: '' },
  },
  {
    name: 'a column without any value',
    content: monthly(['2020-01,,1', '2020-02,,2']),
    reads: { values: { A: [NONE, NONE] }, note: 'a column (A) without any value' },
  },
  {
    name: 'a column that never changes',
    content: monthly(['2020-01,7,1', '2020-02,7,2', '2020-03,7,4']),
    reads: { note: 'a column (A) with the same value throughout' },
  },
];
