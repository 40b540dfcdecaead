import { describe, expect, it } from 'vitest';
import {
  ArgumentError,
  CancelledError,
  exposureUnit,
  InputError,
  MacrogradError,
  transformedUnit,
} from '../src/index.js';

describe('errors', () => {
  it('says where, what and what to do', () => {
    const error = new InputError('"abc" is not a number', {
      place: { file: 'macro.csv', line: 3, column: 12 },
      remedy: 'write a number or leave the field empty',
    });
    expect(error.message).toBe('macro.csv:3:12: "abc" is not a number; write a number or leave the field empty');
    expect(error.code).toBe('bad_input');
    expect(error.name).toBe('InputError');
  });

  it('leaves out the parts of a place that are not known', () => {
    expect(new InputError('is empty', { place: { file: 'a.csv' } }).message).toBe('a.csv: is empty');
  });

  it('has one base class and a stable code each', () => {
    const errors = [new ArgumentError('x'), new CancelledError(), new InputError('x', { code: 'bad_config' })];
    expect(errors.every((error) => error instanceof MacrogradError)).toBe(true);
    expect(errors.map((error) => error.code)).toEqual(['bad_argument', 'cancelled', 'bad_config']);
  });
});

describe('units', () => {
  it('turns a rate in % into pp when it is differenced', () => {
    expect(transformedUnit('%', 'diff')).toBe('pp');
    expect(transformedUnit('index', 'diff')).toBe('index');
  });

  it('prints exposures per one unit of the factor', () => {
    expect(exposureUnit(transformedUnit('index', 'dlog'))).toBe('% per 1 log-%');
    expect(exposureUnit(transformedUnit('index', 'yoy_diff'))).toBe('% per 1 pp');
  });
});
