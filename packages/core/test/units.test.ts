import { expect, test } from 'vitest';
import { declaredUnit, exposureUnit, InputError, transformedUnit } from '../src/index.js';

test('changes of rates in per cent are percentage points, log changes are log-%', () => {
  expect(transformedUnit('%', 'diff')).toBe('pp');
  expect(transformedUnit('index', 'diff')).toBe('index');
  expect(transformedUnit('index', 'yoy_diff')).toBe('pp');
  expect(transformedUnit('index', 'dlog')).toBe('log-%');
});

test('second differences have the unit of first ones', () => {
  expect(transformedUnit('%', 'diff2')).toBe('pp');
  expect(transformedUnit('index', 'dlog2')).toBe('log-%');
  expect(transformedUnit('index', 'pct_diff')).toBe('pp');
  expect(declaredUnit('diff2', 'persons')).toBe('persons');
});

test('a declared unit is kept where the transform keeps it, and agreed with elsewhere', () => {
  expect(declaredUnit('none', '%')).toBe('%');
  expect(declaredUnit('diff', '%')).toBe('pp');
  expect(declaredUnit('diff', undefined)).toBe('unit');
  expect(declaredUnit('yoy', 'pp')).toBe('pp');
  expect(declaredUnit('dlog', undefined)).toBe('log-%');
});

test('a declared unit that contradicts the transform is refused', () => {
  expect(() => declaredUnit('dlog', '%')).toThrow(InputError);
  expect(() => declaredUnit('yoy', 'log-%')).toThrow('the transform yoy gives pp, not log-%; say unit: pp');
});

test('an exposure is read as per cent per unit', () => {
  expect(exposureUnit('pp')).toBe('% per 1 pp');
});
