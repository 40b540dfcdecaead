import { invertPositiveDefinite } from '@macrograd/core';
import type { RegressionPanel } from '@macrograd/kernel';

/**
 * Variances of ridge coefficients, [asset][column], and their degrees of freedom: with b ~ N(0, s^2 / (n alpha)) on the
 * penalised columns, ridge is the posterior mean and s^2 (X'X + n alpha D)^-1 the posterior covariance, D the identity
 * on those columns and 0 elsewhere. s^2 = e'e / (n - tr H), H the matrix that maps returns to fitted values.
 *
 * Wider than the sampling covariance, because it covers the pull to zero (Nychka 1988).
 */
export function ridgePosterior(
  panel: RegressionPanel,
  coefficients: Float64Array,
  penalised: readonly boolean[],
  alpha: number,
): { variances: Float64Array; degrees: Float64Array } {
  const { assets, columns: k } = panel;
  const variances = new Float64Array(assets * k).fill(Number.NaN);
  const degrees = variances.slice();
  const posteriors = new Map<string, ReturnType<typeof posteriorOf>>();
  for (let asset = 0; asset < assets; asset++) {
    const observed = observedRows(panel, asset);
    const key = observed.join();
    const known = posteriors.get(key) ?? posteriorOf(panel, observed, penalised, alpha);
    posteriors.set(key, known);
    if (!known) continue;
    const own = coefficients.subarray(asset * k, (asset + 1) * k);
    const free = observed.length - known.used;
    const noise = residualSquares(panel, asset, observed, own) / free;
    for (let j = 0; j < k; j++) {
      variances[asset * k + j] = noise * known.inverse[j * k + j];
      degrees[asset * k + j] = free;
    }
  }
  return { variances, degrees };
}

/** (X'X + n alpha D)^-1 and tr H = tr (X'X + n alpha D)^-1 X'X; undefined where that is not positive definite. */
function posteriorOf(
  { design, columns: k }: RegressionPanel,
  rows: readonly number[],
  penalised: readonly boolean[],
  alpha: number,
) {
  const gram = new Float64Array(k * k);
  for (const row of rows) {
    const x = design.subarray(row * k, (row + 1) * k);
    for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) gram[i * k + j] += x[i] * x[j];
  }
  const sum = gram.slice();
  for (let j = 0; j < k; j++) if (penalised[j]) sum[j * k + j] += rows.length * alpha;
  const inverse = invertPositiveDefinite(sum, k);
  if (!inverse) return undefined;
  const used = gram.reduce((trace, value, at) => trace + value * inverse[at], 0);
  return used < rows.length ? { inverse, used } : undefined;
}

function observedRows({ returns, rows, assets }: RegressionPanel, asset: number): number[] {
  return Array.from({ length: rows }, (_, row) => row).filter((row) => !Number.isNaN(returns[row * assets + asset]));
}

function residualSquares(panel: RegressionPanel, asset: number, rows: readonly number[], own: Float64Array): number {
  const { design, returns, assets, columns: k } = panel;
  let sum = 0;
  for (const row of rows) {
    let rest = returns[row * assets + asset];
    for (let j = 0; j < k; j++) rest -= own[j] * design[row * k + j];
    sum += rest * rest;
  }
  return sum;
}
