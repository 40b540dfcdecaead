import { formatIsoDate } from '@macrograd/core';
import { expect, test } from 'vitest';
import { describePanel, panelOf } from '../src/index.js';

const data = {
  dates: ['2020-01', '2020-02', '2020-03'],
  factors: { RATE: [0.1, Number.NaN, -0.2], LEVEL: Float64Array.of(1, 2, 3) },
  returns: { FUND: [0.01, 0.02, -0.01], OTHER: [Number.NaN, 0, 0.03] },
};

test('arrays become a panel with dates at period ends, values by row and missing as NaN', () => {
  const panel = panelOf({ ...data, meta: { LEVEL: { role: 'state', unit: 'pp' } } });
  expect(Array.from(panel.axis.dates, formatIsoDate)).toEqual(['2020-01-31', '2020-02-29', '2020-03-31']);
  expect(Array.from(panel.inputs.values)).toEqual([0.1, 1, Number.NaN, 2, -0.2, 3]);
  expect(Array.from(panel.returns)).toEqual([0.01, Number.NaN, 0.02, 0, -0.01, 0.03]);
  expect(panel.inputs.factors[1]).toMatchObject({ name: 'LEVEL', role: 'state', unit: 'pp', source: 'code' });
  expect(describePanel(panel)).toMatchObject({ frequency: 'M', rows: 3, completeRows: 2 });
});

test.each([
  [
    'a period left out',
    { dates: ['2020-01', '2020-02', '2020-04'], frequency: 'M' },
    '2020-04 does not follow 2020-02 at frequency M',
  ],
  ['descending dates', { dates: ['2020-03', '2020-02', '2020-01'], frequency: 'M' }, '2020-02 does not follow 2020-03'],
  ['one date', { dates: ['2020-01'], factors: { A: [1] }, returns: { B: [1] } }, 'the dates have no frequency'],
  ['a column too short', { factors: { RATE: [1] } }, '"RATE" has 1 values for 3 dates; give one a date'],
] as const)('%s: refused', (_, change, message) => {
  expect(() => panelOf({ ...data, ...change })).toThrow(message);
});
