import { fitScaler } from '@macrograd/core';
import { type PooledHeads, pooledHeads, type RegressionPanel } from '@macrograd/kernel';
import type { CoefficientBlock } from './coefficients.js';

/** Stands for the SD of a feature that does not move in training and so carries nothing. */
const NEVER = 1e300;

/** The two regimes' coefficients, [asset][regressor] of the design. */
export interface ShrunkRegimes {
  readonly lower: CoefficientBlock;
  readonly upper: CoefficientBlock;
}

/**
 * Coefficients of both sides of a common threshold under one prior over the assets: heads on the regressors, on their
 * products with "above", and on "above" itself, so that the change at the threshold is shrunk to the assets' mean change
 * and to none. `q` [row] is the series.
 */
export async function shrunkRegimes(
  panel: RegressionPanel,
  q: Float64Array,
  threshold: number,
  options: { readonly minObservations: number; readonly signal?: AbortSignal },
): Promise<ShrunkRegimes> {
  const { rows, assets, columns } = panel;
  const slopes = columns - 1;
  const width = 2 * slopes + 1;
  const raw = regimeFeatures(panel, q, threshold);
  const whole = { start: 0, end: rows };
  const { mean, sd: spread } = fitScaler(raw, width, whole);
  const sd = spread.map((value) => (value > 0 ? value : NEVER));
  const scaler = fitScaler(panel.returns, assets, whole);
  const heads = await pooledHeads(
    {
      design: raw.map((value, at) => (value - mean[at % width]) / sd[at % width]),
      returns: panel.returns.map((value, at) => (value - scaler.mean[at % assets]) / scaler.sd[at % assets]),
      rows,
      columns: width,
      assets,
    },
    { ...options, block: Array.from({ length: width }, (_, at) => Math.floor(at / slopes)) },
  );
  const out = { lower: emptyBlock(assets, columns), upper: emptyBlock(assets, columns) };
  for (let asset = 0; asset < assets; asset++) {
    if (heads.pattern[asset] < 0) continue;
    const own = { heads, asset, width, sd, scale: scaler.sd[asset] };
    // Features are centred: what their means add belongs to the constant.
    const centre = mean.reduce((sum, value, at) => sum + combine(own, [at]).value * value, 0);
    const constant = scaler.mean[asset] + heads.offsets[asset] * scaler.sd[asset] - centre;
    out.lower.coefficients[asset * columns] = constant;
    out.upper.coefficients[asset * columns] = constant + combine(own, [width - 1]).value;
    for (let j = 0; j < slopes; j++) {
      const at = asset * columns + 1 + j;
      const [below, above] = [combine(own, [j]), combine(own, [j, slopes + j])];
      [out.lower.coefficients[at], out.lower.variances[at]] = [below.value, below.variance];
      [out.upper.coefficients[at], out.upper.variances[at]] = [above.value, above.variance];
    }
  }
  return out;
}

/** [row][regressors but the constant, the same times "above", "above"]; NaN where the series is missing. */
function regimeFeatures({ design, rows, columns }: RegressionPanel, q: Float64Array, threshold: number): Float64Array {
  const slopes = columns - 1;
  const width = 2 * slopes + 1;
  const out = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const above = Number.isNaN(q[row]) ? Number.NaN : Number(q[row] > threshold);
    for (let j = 0; j < slopes; j++) {
      const x = design[row * columns + 1 + j];
      out[row * width + j] = Number.isNaN(above) ? Number.NaN : x;
      out[row * width + slopes + j] = x * above;
    }
    out[row * width + width - 1] = above;
  }
  return out;
}

/** Sum of an asset's heads on some features, in decimals per unit of them, and its posterior variance. */
function combine(
  {
    heads,
    asset,
    width,
    sd,
    scale,
  }: {
    readonly heads: PooledHeads;
    readonly asset: number;
    readonly width: number;
    readonly sd: Float64Array;
    readonly scale: number;
  },
  features: readonly number[],
): { value: number; variance: number } {
  let [value, variance] = [0, 0];
  for (const a of features) {
    value += (scale * heads.heads[asset * width + a]) / sd[a];
    for (const b of features) {
      const place = (heads.pattern[asset] * width + a) * width + b;
      variance += (scale ** 2 * heads.covariance[place]) / (sd[a] * sd[b]);
    }
  }
  return { value, variance };
}

function emptyBlock(assets: number, columns: number): CoefficientBlock {
  return {
    coefficients: new Float64Array(assets * columns).fill(Number.NaN),
    variances: new Float64Array(assets * columns).fill(Number.NaN),
  };
}
