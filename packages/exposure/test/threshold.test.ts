import { describe, expect, it } from 'vitest';
import { type ExposureCube, exposureCurve, signChange } from '../src/index.js';
import { fakeInputs } from './fake_fit.js';

/** Two assets' exposures to two factors at every row of the inputs, all with one standard error. */
function cubeOf(
  rows: number,
  se: number,
  exposure: (row: number, asset: number, factor: number) => number,
): ExposureCube {
  const inputs = fakeInputs(rows);
  const values: number[] = [];
  for (let asset = 0; asset < 2; asset++) {
    for (let row = 0; row < rows; row++) for (let j = 0; j < 2; j++) values.push(exposure(row, asset, j));
  }
  const array = Float64Array.from(values);
  return {
    method: 'lstm',
    kind: 'contemporaneous',
    assets: { start: 5, end: 7 },
    span: { start: 0, end: rows },
    dates: inputs.axis.dates,
    factors: inputs.factors.filter(({ role }) => role === 'factor'),
    level: 0.9,
    exposure: array,
    unitExposure: array,
    se: array.map(() => se),
    lo: array,
    hi: array,
  };
}

const ROWS = 600;
const inputs = fakeInputs(ROWS);
const STATE = 2;
/** Rows in an order that mixes the levels, so that sorting is needed; level from 0 to 10. */
const level = (row: number) => ((row * 7) % ROWS) / 60;
for (let row = 0; row < ROWS; row++) inputs.values[row * 3 + STATE] = level(row);
const place = { asset: 6, factor: 1, variable: STATE };
/** Bins are .5 wide and their means lie at the middle; the median row lies up to half a row's distance off. */
const TOLERANCE = 0.02;

describe('signChange', () => {
  it('finds the level at which a sloping exposure is zero, and where its sign is sure', () => {
    const cube = cubeOf(ROWS, 0.5, (row, asset, j) => (asset === 1 && j === 1 ? level(row) - 4 : 1));
    const found = signChange(exposureCurve(cube, inputs, place), 9);
    expect(found).toBeDefined();
    expect(Math.abs((found?.level ?? 0) - 4)).toBeLessThan(TOLERANCE);
    // 1.645 standard errors of .5 on a slope of 1.
    expect(Math.abs((found?.lo ?? 0) - (4 - 0.822))).toBeLessThan(TOLERANCE);
    expect(Math.abs((found?.hi ?? 0) - (4 + 0.822))).toBeLessThan(TOLERANCE);
    expect(found?.share).toBeCloseTo(0.6, 12);
  });

  it('leaves an end open where the exposure never has a sure sign', () => {
    const cube = cubeOf(ROWS, 1, (row) => (level(row) < 9 ? -0.5 : 4));
    const found = signChange(exposureCurve(cube, inputs, place), 0);
    expect(found?.lo).toBeNaN();
    expect(found?.hi).toBeGreaterThan(8.9);
    expect(found?.share).toBeCloseTo(0.9, 12);
  });

  it('takes the crossing that parts the exposure best', () => {
    // A dip in the first bins is noise beside the change at 7.
    const cube = cubeOf(ROWS, 0.1, (row) => (level(row) < 0.5 ? -0.1 : level(row) < 7 ? 0.2 : -2));
    expect(signChange(exposureCurve(cube, inputs, place), 0)?.level).toBeGreaterThan(6.5);
  });

  it('finds none where the sign stays, and none without dates', () => {
    const constant = cubeOf(ROWS, 0.1, () => -1);
    expect(signChange(exposureCurve(constant, inputs, place), 0)).toBeUndefined();
    const missing = cubeOf(ROWS, 0.1, () => Number.NaN);
    expect(signChange(exposureCurve(missing, inputs, place), 0)).toBeUndefined();
  });
});
