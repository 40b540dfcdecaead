import { type FactorPanel, lstmOfAsset, type PerAssetLstmParameters, type ReturnMatrix } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { exposureForms, exposuresToOnnx, modelToOnnx, runExposures, selectAssets, verifyOnnx } from '../src/index.js';
import { lstmReturns } from './reference.js';
import { factorPanel, infoOf, ordinary, perAssetParameters, type Shape } from './synthetic.js';

// float32 through up to 36 steps; as of the exports of pooled encoders.
const PARITY = 1e-5;
// Weights in half precision carry 11 bits.
const FLOAT16_PARITY = 5e-3;

const shapes: readonly (readonly [string, Shape])[] = [
  ['three members, lookback 36, flags, a state', ordinary],
  ['lookback 1', { ...ordinary, lookbacks: [1, 1] }],
  ['one member, one hidden unit', { ...ordinary, hiddenSize: 1, lookbacks: [3] }],
  ['one asset', { ...ordinary, assets: 1, lookbacks: [5, 5] }],
];

function expectedReturns(parameters: PerAssetLstmParameters, inputs: FactorPanel): ReturnMatrix {
  const [rows, assets] = [inputs.axis.dates.length, parameters.returnMean.length];
  const each = Array.from({ length: assets }, (_, asset) => lstmOfAsset(parameters, asset));
  const values = Array.from({ length: rows }, (_, row) => each.flatMap((own) => lstmReturns(own, inputs, row)));
  return { span: { start: 0, end: rows }, assets: { start: 0, end: assets }, values: Float64Array.from(values.flat()) };
}

describe('the networks of all assets in one graph', () => {
  it.each(shapes)('give the returns of their definition: %s', async (_, shape) => {
    const parameters = perAssetParameters(shape, 41);
    const inputs = factorPanel(50, shape.series, shape.flagged, 5);
    const info = infoOf(shape.series, shape.assets);
    const expected = expectedReturns(parameters, inputs);
    const { compared } = await verifyOnnx(modelToOnnx(parameters, info), inputs, expected, PARITY);
    expect(compared).toBe(50 * shape.assets);
    await verifyOnnx(modelToOnnx(parameters, info, { weights: 'float16' }), inputs, expected, FLOAT16_PARITY);
  });

  it.each(shapes)('give each asset the exposures of a file of its own: %s', async (_, shape) => {
    const parameters = perAssetParameters(shape, 42);
    const info = infoOf(shape.series, shape.assets);
    const inputs = factorPanel(50, shape.series, shape.flagged, 6);
    const span = { start: 40, end: 50 };
    const all = exposuresToOnnx(parameters, info);
    for (const asset of new Set([0, shape.assets - 1])) {
      const alone = exposuresToOnnx(lstmOfAsset(parameters, asset), { ...info, assets: [info.assets[asset]] });
      for (const form of exposureForms) {
        // The selection of one asset runs one network.
        const got = await runExposures(all, inputs, span, { start: asset, end: asset + 1 }, form);
        const want = await runExposures(alone, inputs, span, { start: 0, end: 1 }, form);
        const largest = Math.max(...want.values.filter(Number.isFinite).map(Math.abs));
        expect(largest).toBeGreaterThan(0);
        expect(got.values.length).toBe(want.values.length);
        expect(got.se?.length).toBe(want.se?.length);
        const pairs = [[got.values, want.values], ...(got.se && want.se ? [[got.se, want.se]] : [])];
        for (const [a, b] of pairs) {
          b.forEach((value, i) => {
            expect(Number.isNaN(a[i])).toBe(Number.isNaN(value));
            if (!Number.isNaN(value)) expect(Math.abs(a[i] - value) / largest).toBeLessThan(PARITY);
          });
        }
      }
    }
  });

  it('are cut down to chosen assets', async () => {
    const parameters = perAssetParameters(ordinary, 43);
    const info = infoOf(ordinary.series, ordinary.assets);
    const inputs = factorPanel(40, ordinary.series, ordinary.flagged, 7);
    const some = selectAssets({ info, parameters }, [info.assets[5], info.assets[2]]);
    const whole = expectedReturns(parameters, inputs).values;
    const cut = expectedReturns(some.parameters, inputs);
    cut.values.forEach((value, i) => {
      expect(value).toBe(whole[Math.floor(i / 2) * ordinary.assets + (i % 2 === 0 ? 5 : 2)]);
    });
    await verifyOnnx(modelToOnnx(some.parameters, some.info), inputs, cut, PARITY);
  });
});
