import type { FactorPanel, Fitted, JacobianBlock, Role } from '@macrograd/core';

/** Inputs with invented values: factors A (SD 2 in training), B (SD .5), then a state. */
export function fakeInputs(rows: number, roles: readonly Role[] = ['factor', 'factor', 'state']): FactorPanel {
  const names = ['A', 'B', 'S'];
  const values = Float64Array.from({ length: rows * roles.length }, (_, i) => Math.sin(i));
  return {
    axis: { frequency: 'M', dates: Int32Array.from({ length: rows }, (_, t) => 1000 + t) },
    factors: roles.map((role, j) => ({
      name: names[j],
      role,
      unit: 'pp',
      transform: 'diff',
      releaseLag: 0,
      source: 'invented',
    })),
    values,
  };
}

export const ASSETS = 3;
export const FACTORS = 2;
export const LAGS = 4;
export const TRAINING_SD = [2, 0.5, 1];

/** Exposure of an asset at a row, lag and factor: every index shows in the value. */
export function fakeJacobian(asset: number, row: number, lag: number, factor: number): number {
  return (asset + 1) * 100 + row + (factor + 1) * 0.1 * (lag - 1.5);
}

/** Variance of a single value, and of a mean over dates. */
export const VARIANCE = { single: 4, average: 1 };

/**
 * A fit whose Jacobian is a formula, given out in two blocks of assets; factor B is missing in the rows listed. Asset 1
 * was not converged; asset 2 has no p-values of its own.
 */
export function fakeFit(missingRows: readonly number[] = []): Fitted {
  return {
    method: 'lstm',
    diagnostics: {
      status: [
        { status: 'ok', remedy: '' },
        { status: 'not_converged', remedy: 'train longer' },
        { status: 'ok', remedy: '' },
      ],
      observations: new Int32Array(ASSETS),
      pValues: Float64Array.of(0.001, 0.5, 0.002, 0.6, Number.NaN, Number.NaN),
      facts: {},
    },
    parameters: () => ({
      method: 'ols',
      scaler: { mean: new Float64Array(3), sd: Float64Array.from(TRAINING_SD), count: new Int32Array(3) },
      columns: [0, 1],
      intercept: new Float64Array(ASSETS),
      coefficients: new Float64Array(ASSETS * FACTORS),
      missingColumns: [],
      missingCoefficients: new Float64Array(0),
    }),
    predict: () => Promise.reject(new Error('not asked for here')),
    async *jacobian(_inputs, span, options = {}): AsyncGenerator<JacobianBlock> {
      const { form = 'lags', average = false, assets = { start: 0, end: ASSETS } } = options;
      for (const block of [
        { start: assets.start, end: Math.min(2, assets.end) },
        { start: Math.max(2, assets.start), end: assets.end },
      ]) {
        if (block.start >= block.end) continue;
        const lags = form === 'lags' ? LAGS : 1;
        const rows = average ? 1 : span.end - span.start;
        const values: number[] = [];
        for (let asset = block.start; asset < block.end; asset++) {
          for (let t = 0; t < rows; t++) {
            for (let lag = 0; lag < lags; lag++) {
              for (let j = 0; j < FACTORS; j++) {
                const row = average ? (span.start + span.end - 1) / 2 : span.start + t;
                const missing = j === 1 && !average && missingRows.includes(row);
                const sum = [0, 1, 2, 3].reduce((total, k) => total + fakeJacobian(asset, row, k, j), 0);
                values.push(missing ? Number.NaN : form === 'cumulative' ? sum : fakeJacobian(asset, row, lag, j));
              }
            }
          }
        }
        const variance = average ? VARIANCE.average : VARIANCE.single;
        yield {
          assets: block,
          span,
          dates: rows,
          lags,
          factors: FACTORS,
          values: Float64Array.from(values),
          variance: Float64Array.from(values, (x) => (Number.isNaN(x) ? Number.NaN : variance)),
        };
      }
    },
  };
}
