import { expect, test } from 'vitest';
import { parseExpression } from '../src/index.js';

test.each([
  ['BAA - AAA', { BAA: 7, AAA: 5 }, 2],
  ['1 / EXJPUS', { EXJPUS: 125 }, 0.008],
  ['A - B - C', { A: 10, B: 3, C: 2 }, 5],
  ['A / B / C', { A: 12, B: 3, C: 2 }, 2],
  ['A + B * C', { A: 1, B: 2, C: 3 }, 7],
  ['(A + B) * -C', { A: 1, B: 2, C: 3 }, -9],
  ['--A * .5e1', { A: 2 }, 10],
  ['`S&P 500` / A_1.x', { 'S&P 500': 9, 'A_1.x': 3 }, 3],
  ['A * A', { A: 3 }, 9],
])('%s', (text, named, value) => {
  const expression = parseExpression(text);
  expect(expression.columns).toEqual(Object.keys(named));
  expect(expression.evaluate(Object.values(named))).toBe(value);
});

test('a missing column and a division by zero give NaN, never infinity', () => {
  const ratio = parseExpression('A / B');
  expect(ratio.evaluate([1, Number.NaN])).toBeNaN();
  expect(ratio.evaluate([1, 0])).toBeNaN();
});

test.each([
  ['BAA -', 'character 6: a column or a number is missing'],
  ['BAA AAA', 'character 5: "AAA" does not belong here'],
  ['(BAA - AAA', 'character 1: this parenthesis is not closed'],
  ['BAA ^ 2', 'character 5: "^" can\'t be read'],
  ['* BAA', 'character 1: a column or a number is missing before "*"'],
  ['', 'character 1: a column or a number is missing'],
])('"%s" is refused with the character', (text, message) => {
  expect(() => parseExpression(text)).toThrow(message);
});
