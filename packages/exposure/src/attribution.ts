import { type FactorPanel, type Fitted, indexesOfRole, type Span, sliceFactors } from '@macrograd/core';

export interface AttributionOptions {
  /** Points of the path from the baseline to the inputs; default 32. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

/** What each factor added to one date's expected return, against the factors at their training means. */
export interface Attribution {
  /** [asset][factor], decimal return, summed over lags. */
  readonly contribution: Float64Array;
  /** [asset], expected return at the inputs less that at the baseline. */
  readonly total: Float64Array;
  /** Largest difference over assets between `total` and the contributions' sum, over the largest `total`. */
  readonly incompleteness: number;
}

/**
 * Integrated gradients (Sundararajan, Taly and Yan 2017) of one row's expected returns: the Jacobian averaged along the
 * straight path from all factors at their training means to the inputs, times the distance. Their sum is the difference
 * of the two predictions (completeness), so that `incompleteness` checks Jacobian and prediction of any method against
 * each other. States and controls stay as observed.
 *
 * @example
 * const { contribution, incompleteness } = await integratedGradients(fitted, panel.inputs, 599);
 */
export async function integratedGradients(
  fitted: Fitted,
  inputs: FactorPanel,
  row: number,
  options: AttributionOptions = {},
): Promise<Attribution> {
  const { steps = 32, signal } = options;
  const { mean, sd } = fitted.parameters().scaler;
  const columns = indexesOfRole(inputs, 'factor');
  const series = inputs.factors.length;
  const k = columns.length;
  const own = sliceFactors(inputs, { start: 0, end: row + 1 });
  const at: Span = { start: row, end: row + 1 };
  const along = (share: number): FactorPanel => {
    const values = own.values.slice();
    for (let t = 0; t <= row; t++) {
      for (const column of columns) {
        const i = t * series + column;
        values[i] = mean[column] + share * (values[i] - mean[column]);
      }
    }
    return { ...own, values };
  };
  const [end, start] = [await fitted.predict(along(1), at), await fitted.predict(along(0), at)];
  const total = end.values.map((value, asset) => value - start.values[asset]);
  const contribution = new Float64Array(total.length * k);
  for (let step = 0; step < steps; step++) {
    // Midpoints: exact for a quadratic, error of the order of 1 / steps^2.
    const path = along((step + 0.5) / steps);
    for await (const block of fitted.jacobian(path, at, { form: 'lags', ...(signal ? { signal } : {}) })) {
      block.values.forEach((slope, i) => {
        const factor = i % k;
        const lag = Math.floor(i / k) % block.lags;
        const asset = block.assets.start + Math.floor(i / (k * block.lags));
        const column = columns[factor];
        const value = row - lag < 0 ? Number.NaN : own.values[(row - lag) * series + column];
        const distance = (value - mean[column]) / sd[column];
        if (!Number.isNaN(slope * distance)) contribution[asset * k + factor] += (slope * distance) / steps;
      });
    }
  }
  return { contribution, total, incompleteness: incompleteness(total, contribution, k) };
}

function incompleteness(total: Float64Array, contribution: Float64Array, k: number): number {
  let largest = 0;
  let worst = 0;
  total.forEach((value, asset) => {
    const sum = contribution.subarray(asset * k, (asset + 1) * k).reduce((a, b) => a + b, 0);
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs(value - sum));
  });
  return largest > 0 ? worst / largest : 0;
}
