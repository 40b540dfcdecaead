import type { FactorPanel, LinearParameters, RegimeCoefficients, ThresholdParameters } from '@macrograd/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  exposuresToOnnx,
  INPUT_NAME,
  modelToOnnx,
  OUTPUT_NAME,
  runExposures,
  selectAssets,
  verifyOnnx,
  windowLength,
} from '../src/index.js';
import { linearReturns } from './reference.js';
import { factorPanel, infoOf, linearParameters } from './synthetic.js';

// float32 carries 6e-8 a value; sums over a handful of columns stay two orders below this.
const PARITY = 1e-5;
const ROWS = 60;
const shape = { series: 5, assets: 4 };

/** Assets with thresholds on two series; the third has none. */
function thresholdParameters(delay: number): ThresholdParameters {
  const [single, lower, upper] = [31, 32, 33].map((seed) => linearParameters(shape, [3, 1, 4], [4], seed));
  const spread = <P extends LinearParameters>(own: P) => ({ ...own, variances: own.coefficients.map((b) => b * b) });
  const part = (own: LinearParameters): RegimeCoefficients => {
    const { intercept, coefficients, missingCoefficients } = own;
    const take = (values: Float64Array, from: Float64Array) => {
      const width = values.length / shape.assets;
      return values.map((value, at) => (Math.floor(at / width) === 2 ? from[at] : value));
    };
    const chosen = take(coefficients, single.coefficients);
    return {
      intercept: take(intercept, single.intercept),
      coefficients: chosen,
      variances: chosen.map((b) => b * b),
      missingCoefficients: take(missingCoefficients, single.missingCoefficients),
    };
  };
  return {
    ...spread(single),
    method: 'threshold',
    variable: Int32Array.of(0, 4, -1, 0),
    threshold: Float64Array.of(0.3, -0.5, 0, -0.2),
    delay,
    lower: part(lower),
    upper: part(upper),
  };
}

function regimeOf(parameters: ThresholdParameters, inputs: FactorPanel, row: number, asset: number) {
  const { variable, threshold, delay } = parameters;
  const q = row < delay ? Number.NaN : inputs.values[(row - delay) * shape.series + Math.max(0, variable[asset])];
  if (variable[asset] < 0 || Number.isNaN(q)) return parameters;
  return q > threshold[asset] ? parameters.upper : parameters.lower;
}

describe.each([0, 2])('an exported threshold regression read %i rows before', (delay) => {
  const parameters = thresholdParameters(delay);
  const inputs = factorPanel(ROWS, shape.series, [4], 9);
  const info = infoOf(shape.series, shape.assets);

  it('gives the returns of its regimes, also where the series is missing', async () => {
    const bytes = modelToOnnx(parameters, info);
    expect(windowLength(parameters)).toBe(1 + delay);
    const values = Array.from({ length: ROWS }, (_, row) =>
      Array.from({ length: shape.assets }, (_, asset) => {
        const own = { ...parameters, ...regimeOf(parameters, inputs, row, asset), method: 'ols' as const };
        return linearReturns(own, inputs, row)[asset];
      }),
    );
    const expected = {
      span: { start: 0, end: ROWS },
      assets: { start: 0, end: shape.assets },
      values: Float64Array.from(values.flat()),
    };
    const { compared } = await verifyOnnx(bytes, inputs, expected, PARITY);
    expect(compared).toBe(ROWS * shape.assets);
  });

  it('takes windows shorter than it looks back: the same as missing steps in front', async () => {
    const session = await InferenceSession.create(modelToOnnx(parameters, info));
    const last = Float32Array.from(inputs.values.subarray((ROWS - 1) * shape.series));
    const padded = new Float32Array((1 + delay) * shape.series).fill(Number.NaN);
    padded.set(last, delay * shape.series);
    const run = async (window: Float32Array, time: number) => {
      const results = await session.run({ [INPUT_NAME]: new Tensor('float32', window, [1, time, shape.series]) });
      return [...(results[OUTPUT_NAME].data as Float32Array)];
    };
    expect(await run(last, 1)).toEqual(await run(padded, 1 + delay));
    await session.release();
  });

  it('has the exposures and standard errors of the regime, for chosen assets too', async () => {
    const rows = { start: 20, end: 40 };
    const check = async (own: ThresholdParameters, names: typeof info, places: readonly number[]) => {
      const bytes = exposuresToOnnx(own, names);
      const assets = { start: 0, end: places.length };
      const result = await runExposures(bytes, inputs, rows, assets, 'contemporaneous');
      const expected = Array.from({ length: 20 }, (_, row) =>
        places.flatMap((asset) =>
          [1, 2, 3, 4].map((column) => {
            const place = parameters.columns.indexOf(column);
            if (place < 0 || Number.isNaN(inputs.values[(20 + row) * shape.series + column])) return Number.NaN;
            const regime = regimeOf(parameters, inputs, 20 + row, asset);
            return Math.fround(regime.coefficients[asset * 3 + place]);
          }),
        ),
      ).flat();
      expect([...result.values]).toEqual(expected);
      expect([...(result.se ?? [])]).toEqual(expected.map((b) => Math.abs(b)));
    };
    await check(parameters, info, [0, 1, 2, 3]);
    const some = selectAssets({ info, parameters }, [info.assets[3], info.assets[1]]);
    await check(some.parameters as ThresholdParameters, some.info, [3, 1]);
  });
});
