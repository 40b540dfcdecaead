import type { ConditionedColumn, ConditionedParameters, FactorPanel } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { exposuresToOnnx, modelToOnnx, runExposures, selectAssets, verifyOnnx } from '../src/index.js';
import { linearReturns } from './reference.js';
import { factorPanel, infoOf, linearParameters } from './synthetic.js';

// float32 carries 6e-8 a value; products with the distance of a state and sums over seven columns stay below this.
const PARITY = 1e-5;
const ROWS = 60;
const ASSETS = 4;
/** Of three series; the last is the state, and the second misses months. */
const [SERIES, STATE, LEVEL] = [3, 2, 0.3];

const weights = { thresholded: ['below', 'above'], interacted: ['one', 'distance'] } as const;

function parametersOf(form: 'thresholded' | 'interacted'): ConditionedParameters {
  const inputs: ConditionedColumn[] = [0, 1].flatMap((from) => weights[form].map((weight) => ({ from, weight })));
  inputs.push({ from: STATE, weight: form === 'thresholded' ? 'side' : 'one' });
  const own = linearParameters({ series: 5, assets: ASSETS }, [0, 1, 2, 3, 4], [2], 41);
  const { scaler } = linearParameters({ series: SERIES, assets: ASSETS }, [0], [], 42);
  const conditioned = { ...own, variances: own.coefficients.map((b) => b * b) };
  return { method: 'ols', scaler, condition: { state: STATE, form, level: LEVEL }, inputs, conditioned };
}

/** The formulae of docs/methods/README.md, written out. */
function inputsOf({ inputs }: ConditionedParameters, panel: FactorPanel): FactorPanel {
  const values = Array.from({ length: ROWS }, (_, row) => {
    const x = panel.values.subarray(row * SERIES, (row + 1) * SERIES);
    const above = x[STATE] > LEVEL ? 1 : 0;
    const by = { one: 1, below: 1 - above, above, distance: x[STATE] - LEVEL, side: 1 };
    return inputs.map(({ from, weight }) => (weight === 'side' ? above : x[from]) * by[weight]);
  });
  return { ...panel, factors: infoOf(5, 1).factors, values: Float64Array.from(values.flat()) };
}

describe.each(['thresholded', 'interacted'] as const)('an exported method %s by a state', (form) => {
  const parameters = parametersOf(form);
  const panel = factorPanel(ROWS, SERIES, [1], 9);
  const own = infoOf(SERIES, ASSETS);
  const info = {
    ...own,
    factors: own.factors.map((meta, j) => ({ ...meta, role: j === STATE ? ('state' as const) : ('factor' as const) })),
  };
  const { conditioned, scaler, condition } = parameters;

  it('gives the returns of the method on the inputs that the state makes', async () => {
    const made = inputsOf(parameters, panel);
    const linear = conditioned as ReturnType<typeof linearParameters>;
    const values = Array.from({ length: ROWS }, (_, row) => linearReturns(linear, made, row));
    const expected = {
      span: { start: 0, end: ROWS },
      assets: { start: 0, end: ASSETS },
      values: Float64Array.from(values.flat()),
    };
    const { compared } = await verifyOnnx(modelToOnnx(parameters, info), panel, expected, PARITY);
    expect(compared).toBe(ROWS * ASSETS);
  });

  it('has the exposures of the state, per SD of the factor, for chosen assets too', async () => {
    const linear = conditioned as ReturnType<typeof linearParameters>;
    const chosen = [2, 0];
    const span = { start: 0, end: ROWS };
    const whole = await runExposures(exposuresToOnnx(parameters, info), panel, span, { start: 0, end: ASSETS }, 'lags');
    const few = selectAssets(
      { info, parameters },
      chosen.map((asset) => info.assets[asset]),
    );
    const part = await runExposures(
      exposuresToOnnx(few.parameters, few.info),
      panel,
      span,
      { start: 0, end: 2 },
      'lags',
    );
    const distance = (row: number) => panel.values[row * SERIES + STATE] - condition.level;
    const expected = (asset: number, row: number, f: number, errors: boolean) => {
      const parts = [0, 1].map((which) => {
        const at = asset * 5 + 2 * f + which;
        const scale = scaler.sd[f] / linear.scaler.sd[2 * f + which];
        return scale * (errors ? Math.sqrt(linear.variances![at]) : linear.coefficients[at]);
      });
      if (form === 'thresholded') return parts[distance(row) > 0 ? 1 : 0];
      return parts[0] + (errors ? Math.abs(distance(row)) : distance(row)) * parts[1];
    };
    for (let row = 0; row < ROWS; row++) {
      for (const f of [0, 1]) {
        const missing = Number.isNaN(panel.values[row * SERIES + f]);
        chosen.forEach((asset, place) => {
          const [value, error] = [expected(asset, row, f, false), expected(asset, row, f, true)];
          // Dates first.
          const read = (from: Float64Array, at: number, count: number) => from[(row * count + at) * 2 + f];
          if (missing) expect(read(whole.values, asset, ASSETS)).toBeNaN();
          else {
            expect(Math.abs(read(whole.values, asset, ASSETS) - value)).toBeLessThan(
              PARITY * Math.max(1, Math.abs(value)),
            );
            expect(Math.abs(read(whole.se!, asset, ASSETS) - error)).toBeLessThan(PARITY * Math.max(1, error));
            expect(read(part.values, place, 2)).toBe(read(whole.values, asset, ASSETS));
          }
        });
      }
    }
  });
});
