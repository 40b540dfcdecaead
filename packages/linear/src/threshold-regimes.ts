import { type OlsRegression, olsRegression, type RegressionPanel, type Thresholds } from '@macrograd/kernel';
import type { CoefficientBlock } from './coefficients.js';

/** Rows that a regime of an asset needs beyond its regressors. */
const SPARE_ROWS = 4;

/** Where each asset's regression splits. */
export interface Splits {
  /** [asset], number of the candidate; -1 = nowhere. */
  readonly variable: Int32Array;
  /** [asset], in the candidate's unit; 0 without one. */
  readonly threshold: Float64Array;
}

/** Regressions of both regimes, one asset after the other. */
export interface RegimeFits {
  readonly lower: CoefficientBlock;
  readonly upper: CoefficientBlock;
  /** [asset][regressor], F statistic of "zero in both regimes". */
  readonly statistics: Float64Array;
  /** [asset], rows less regressors of both regimes; NaN without a split. */
  readonly degrees: Float64Array;
  /** Assets with too few rows on one side, which lost their split. */
  readonly unseen: ReadonlySet<number>;
}

/** Splits that are worth a regime of their own; the last entry of `found` holds for all assets when `pooled`. */
export function acceptedSplits(found: Thresholds, assets: number, pooled: boolean, level: number): Splits {
  const at = (asset: number) => (pooled ? found.threshold.length - 1 : asset);
  const accepted = (asset: number) => found.pValue[at(asset)] <= level;
  const each = (value: (asset: number) => number) => Array.from({ length: assets }, (_, asset) => value(asset));
  return {
    variable: Int32Array.from(each((asset) => (accepted(asset) ? found.variable[at(asset)] : -1))),
    threshold: Float64Array.from(each((asset) => (accepted(asset) ? found.threshold[at(asset)] : 0))),
  };
}

/**
 * Least squares of every asset on both regimes side by side, so that a HAC covariance sees the true order of the rows.
 * Splits of assets with too few rows on one side are undone in `splits`.
 */
export async function fitRegimes(
  panel: RegressionPanel,
  values: Float64Array,
  splits: Splits,
  regression: Parameters<typeof olsRegression>[1],
): Promise<RegimeFits> {
  const { assets, columns: k, rows } = panel;
  const block = (): CoefficientBlock => ({
    coefficients: new Float64Array(assets * k).fill(Number.NaN),
    variances: new Float64Array(assets * k).fill(Number.NaN),
  });
  const [lower, upper] = [block(), block()];
  const statistics = new Float64Array(assets * k).fill(Number.NaN);
  const degrees = new Float64Array(assets).fill(Number.NaN);
  const unseen = new Set<number>();
  for (const members of sameSplit(splits)) {
    const [variable, threshold] = [splits.variable[members[0]], splits.threshold[members[0]]];
    const q = values.subarray(variable * rows, (variable + 1) * rows);
    const kept = members.filter((asset) => {
      if (enoughRows(panel, asset, q, threshold)) return true;
      unseen.add(asset);
      splits.variable[asset] = -1;
      splits.threshold[asset] = 0;
      return false;
    });
    if (kept.length === 0) continue;
    const fit = await olsRegression(sideBySide(panel, kept, q, threshold), regression);
    kept.forEach((asset, local) => {
      degrees[asset] = fit.observations[local] - fit.rank[local];
      copyRegime(fit, local, 0, lower, asset, k);
      copyRegime(fit, local, k, upper, asset, k);
      for (let j = 0; j < k; j++) statistics[asset * k + j] = bothZero(fit, local, j, k);
    });
  }
  return { lower, upper, statistics, degrees, unseen };
}

/** Assets that split, by where they do. */
function sameSplit({ variable, threshold }: Splits): number[][] {
  const groups = new Map<string, number[]>();
  variable.forEach((own, asset) => {
    if (own < 0) return;
    const key = `${own}/${threshold[asset]}`;
    groups.set(key, [...(groups.get(key) ?? []), asset]);
  });
  return [...groups.values()];
}

function enoughRows(panel: RegressionPanel, asset: number, q: Float64Array, threshold: number): boolean {
  const counts = [0, 0];
  for (let row = 0; row < panel.rows; row++) {
    if (Number.isNaN(q[row]) || Number.isNaN(panel.returns[row * panel.assets + asset])) continue;
    counts[q[row] > threshold ? 1 : 0]++;
  }
  return Math.min(...counts) >= panel.columns + SPARE_ROWS;
}

/** Regressors of the lower regime, then those of the upper one, each 0 in the other; no rows without the variable. */
function sideBySide(panel: RegressionPanel, members: readonly number[], q: Float64Array, threshold: number) {
  const { rows, columns: k, assets } = panel;
  const design = new Float64Array(rows * 2 * k);
  const returns = new Float64Array(rows * members.length);
  for (let row = 0; row < rows; row++) {
    const start = row * 2 * k;
    if (Number.isNaN(q[row])) design.fill(Number.NaN, start, start + 2 * k);
    else design.set(panel.design.subarray(row * k, (row + 1) * k), start + (q[row] > threshold ? k : 0));
    members.forEach((asset, local) => {
      returns[row * members.length + local] = panel.returns[row * assets + asset];
    });
  }
  return { design, returns, rows, columns: 2 * k, assets: members.length };
}

function copyRegime(fit: OlsRegression, local: number, first: number, out: CoefficientBlock, asset: number, k: number) {
  for (let j = 0; j < k; j++) {
    const at = local * 2 * k + first + j;
    out.coefficients[asset * k + j] = fit.coefficients[at];
    out.variances[asset * k + j] = fit.covariance[at * 2 * k + first + j];
  }
}

/** F statistic of a regressor that is 0 in both regimes; of one regime alone where the other has none. */
function bothZero(fit: OlsRegression, local: number, j: number, k: number): number {
  const b = [j, k + j].map((column) => fit.coefficients[local * 2 * k + column]);
  const v = (row: number, column: number) => fit.covariance[(local * 2 * k + row) * 2 * k + column];
  const alone = [j, k + j].map((column, side) => b[side] ** 2 / v(column, column));
  if (Number.isNaN(b[0]) || Number.isNaN(b[1])) return Number.isNaN(b[0]) ? alone[1] / 2 : alone[0] / 2;
  const [a, c, d] = [v(j, j), v(j, k + j), v(k + j, k + j)];
  return (b[0] ** 2 * d - 2 * b[0] * b[1] * c + b[1] ** 2 * a) / (a * d - c * c) / 2;
}
