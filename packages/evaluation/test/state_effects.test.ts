import {
  benjaminiHochberg,
  crossPartials,
  exposureCube,
  exposureCurve,
  screenFactors,
  signChange,
} from '@macrograd/exposure';
import { splineEstimator } from '@macrograd/linear';
import { describe, expect, it } from 'vitest';
import { simulateWorld } from '../src/index.js';

const MONTHS = 600;
const ASSETS = 30;
const LEVEL = 0.1;
const span = { start: 0, end: MONTHS };
const FACTORS = 6;

describe('in simulated worlds', () => {
  it('the threshold at 5 % inflation is provable and found, and no other factor is said to have one', async () => {
    const { panel } = simulateWorld({ process: 'threshold', seed: 31, assets: ASSETS, months: MONTHS });
    const { thresholdPValue, thresholdVariable } = screenFactors(panel, span);
    const { selected } = benjaminiHochberg(thresholdPValue, LEVEL);
    const cells = Array.from(selected.keys()).filter((cell) => selected[cell] === 1);
    const inflation = cells.filter((cell) => cell % FACTORS === 0);
    expect(inflation.length).toBeGreaterThan(ASSETS / 2);
    // False discoveries at the level, and two Monte Carlo errors.
    const most = LEVEL * cells.length + 2 * Math.sqrt(LEVEL * cells.length);
    expect(cells.length - inflation.length).toBeLessThanOrEqual(most);
    const fitted = await splineEstimator().fit(panel, span, { seed: 1 });
    const errors: number[] = [];
    for await (const cube of exposureCube(fitted, panel.inputs, span)) {
      for (const cell of inflation) {
        const asset = Math.floor(cell / FACTORS);
        const curve = exposureCurve(cube, panel.inputs, { asset, factor: 0, variable: thresholdVariable[cell] });
        errors.push(Math.abs((signChange(curve, 0)?.level ?? Number.NaN) - 5));
      }
    }
    errors.sort((a, b) => a - b);
    // The aim for a located threshold, in pp of inflation.
    expect(errors[errors.length >> 1]).toBeLessThan(0.5);
  });

  it('the product of credit and the rate level is provable and named, and exposures that stay have no threshold', async () => {
    const { panel, truth } = simulateWorld({ process: 'interaction', seed: 32, assets: ASSETS, months: MONTHS });
    const { interactionPValue, interactionPartner } = screenFactors(panel, span);
    const { selected } = benjaminiHochberg(interactionPValue, LEVEL);
    const credit = Array.from({ length: ASSETS }, (_, asset) => asset * FACTORS + 3).filter((cell) => selected[cell]);
    expect(credit.length).toBeGreaterThan(ASSETS / 2);
    expect(credit.every((cell) => interactionPartner[cell] === 1)).toBe(true);
    const fitted = await splineEstimator().fit(panel, span, { seed: 1 });
    const rise = await crossPartials(fitted, panel.inputs, span, 1);
    const { sd } = fitted.parameters().scaler;
    const errors = credit.map((cell) => {
      // Credit's exposure is b (1 + .8 z_rate): what a training SD of the rate adds, per training SD of credit.
      const at = (row: number) => truth.exposure[(Math.floor(cell / FACTORS) * MONTHS + row) * FACTORS + 3];
      const rate = (row: number) => panel.inputs.values[row * FACTORS + 1] / sd[1];
      const slope = ((at(400) - at(0)) / (rate(400) - rate(0))) * (sd[3] / truth.factorSd[3]);
      return Math.abs(rise[cell] / slope - 1);
    });
    errors.sort((a, b) => a - b);
    // Provable effects are known to a quarter or so of their size.
    expect(errors[errors.length >> 1]).toBeLessThan(0.35);
    const constant = simulateWorld({ process: 'const', seed: 33, assets: ASSETS, months: MONTHS });
    const found = benjaminiHochberg(screenFactors(constant.panel, span).thresholdPValue, LEVEL).count;
    expect(found).toBeLessThanOrEqual(2);
  });
});
