import type { Fitted } from '@macrograd/core';
import { fitScaler } from '@macrograd/core';
import type { World } from '../src/index.js';

/** A fit that knows the truth and gives it out per training SD, off by `error` SDs of its own with a known variance. */
export function oracleFit(world: World, trainRows: number, error: (asset: number, row: number) => number): Fitted {
  const { panel, truth } = world;
  const factors = panel.inputs.factors.length;
  const months = panel.axis.dates.length;
  const assets = panel.assets.length;
  const scaler = fitScaler(panel.inputs.values, factors, { start: 0, end: trainRows });
  return {
    method: 'ols',
    predict: () => Promise.reject(new Error('not asked for here')),
    async *jacobian(_inputs, span) {
      const dates = span.end - span.start;
      const values = Float64Array.from({ length: assets * dates * factors }, (_, i) => {
        const j = i % factors;
        const row = span.start + (Math.floor(i / factors) % dates);
        const asset = Math.floor(i / (factors * dates));
        const known = truth.exposure[(asset * months + row) * factors + j] / truth.factorSd[j];
        return (known + error(asset, row)) * scaler.sd[j];
      });
      // The interval of an error of 1 population unit: z_.95 SDs reach just beyond it.
      const variance = values.map((_, i) => (scaler.sd[i % factors] / 1.6) ** 2);
      yield { assets: { start: 0, end: assets }, span, dates, lags: 1, factors, values, variance };
    },
    parameters: () => ({
      method: 'ols',
      scaler,
      columns: [],
      intercept: new Float64Array(0),
      coefficients: new Float64Array(0),
      missingColumns: [],
      missingCoefficients: new Float64Array(0),
    }),
    diagnostics: { status: [], observations: new Int32Array(assets), pValues: new Float64Array(0), facts: {} },
  };
}
