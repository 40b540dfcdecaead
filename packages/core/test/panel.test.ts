import { describe, expect, it } from 'vitest';
import {
  ArgumentError,
  type FactorPanel,
  fitScaler,
  indexesOfRole,
  type Panel,
  rowOfDate,
  selectColumns,
  slicePanel,
  standardise,
} from '../src/index.js';

/** Two roundings of a double in mean and SD of a handful of numbers. */
const ROUNDING = 1e-12;

const factor = (name: string, role: 'factor' | 'state' | 'control') => ({
  name,
  role,
  unit: 'pp',
  transform: 'diff',
  releaseLag: 0,
  source: 'test',
});

const inputs: FactorPanel = {
  axis: { frequency: 'M', dates: Int32Array.of(30, 58, 89, 119) },
  factors: [factor('A', 'factor'), factor('S', 'state'), factor('C', 'control')],
  values: Float64Array.of(1, 10, 5, 2, NaN, 5, 4, 30, 5, 100, 100, 100),
};
const panel: Panel = {
  axis: inputs.axis,
  inputs,
  assets: ['X', 'Y'].map((name) => ({ name, source: 'test', labels: [] })),
  returns: Float64Array.of(0.1, 0.2, 0.3, NaN, 0.5, 0.6, 0.7, 0.8),
  horizon: 0,
};

describe('standardising', () => {
  const training = { start: 0, end: 3 };
  const scaler = fitScaler(inputs.values, 3, training);

  it('uses the training rows alone, skips missing values and divides by n - 1', () => {
    expect([...scaler.count]).toEqual([3, 2, 3]);
    expect(scaler.mean[0]).toBeCloseTo(7 / 3, 12);
    expect(Math.abs(scaler.sd[0] - Math.sqrt(7 / 3))).toBeLessThan(ROUNDING);
    expect(Math.abs(scaler.sd[1] - Math.sqrt(200))).toBeLessThan(ROUNDING);
  });

  it('takes a constant that varies by rounding alone for a constant', () => {
    const growth = Float64Array.from({ length: 60 }, (_, t) => 100 * Math.log(1.002 ** (t + 1) / 1.002 ** t));
    expect(new Set(growth).size).toBeGreaterThan(1);
    expect(fitScaler(growth, 1, { start: 0, end: 60 }).sd[0]).toBe(1);
  });

  it('leaves a constant series at zero instead of dividing by zero', () => {
    expect(scaler.sd[2]).toBe(1);
    expect(standardise(inputs.values, scaler)[2]).toBe(0);
  });

  it('keeps missing values missing', () => {
    expect(standardise(inputs.values, scaler)[4]).toBeNaN();
  });

  it('keeps a small spread beside a large mean', () => {
    const values = Float64Array.from({ length: 100 }, (_, i) => 1e9 + (i % 2));
    expect(Math.abs(fitScaler(values, 1, { start: 0, end: 100 }).sd[0] - Math.sqrt(25 / 99))).toBeLessThan(1e-9);
  });
});

describe('panel operations', () => {
  it('slices dates, factors and returns together and copies them', () => {
    const slice = slicePanel(panel, { start: 1, end: 3 });
    expect([...slice.axis.dates]).toEqual([58, 89]);
    expect([...slice.inputs.values]).toEqual([2, NaN, 5, 4, 30, 5]);
    expect([...slice.returns]).toEqual([0.3, NaN, 0.5, 0.6]);
    slice.returns[0] = 9;
    expect(panel.returns[2]).toBe(0.3);
  });

  it('refuses a span outside of the panel', () => {
    expect(() => slicePanel(panel, { start: 2, end: 5 })).toThrow(ArgumentError);
    expect(() => slicePanel(panel, { start: 3, end: 2 })).toThrow(ArgumentError);
  });

  it('selects columns by role in panel order', () => {
    const columns = indexesOfRole(inputs, 'control', 'factor');
    expect(columns).toEqual([0, 2]);
    expect([...selectColumns(inputs.values, 3, columns)]).toEqual([1, 5, 2, 5, 4, 5, 100, 100]);
  });

  it('finds the row of a date and -1 for a date that is not there', () => {
    expect([30, 58, 89, 119, 31, 0, 500].map((date) => rowOfDate(inputs.axis, date))).toEqual([0, 1, 2, 3, -1, -1, -1]);
  });
});
