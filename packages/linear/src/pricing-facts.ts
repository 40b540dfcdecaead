import { MacrogradError } from '@macrograd/core';
import { grsTest, type RegressionPanel } from '@macrograd/kernel';
import type { DesignRule } from './design.js';

/**
 * Gibbons, Ross and Shanken's (1989) test that all intercepts are zero, of the assets without a missing return on the rows where
 * every factor is observed: it says that factors price assets only where factors are returns of portfolios. Nothing where there
 * are no more rows than assets and factors together, or one asset is a portfolio of others.
 */
export function grsFacts(rule: DesignRule, panel: RegressionPanel): Record<string, number> {
  const k = rule.width - 1 - rule.marks.length;
  const columns = rule.columns.filter((_, j) => rule.positions[j] >= 0);
  const cell = (row: number, j: number) => panel.design[row * rule.width + j];
  const complete = (row: number) =>
    Array.from({ length: rule.width }, (_, j) => cell(row, j)).every((x, j) => (j > k ? x === 0 : !Number.isNaN(x)));
  const rows = Array.from({ length: panel.rows }, (_, row) => row).filter(complete);
  const value = (row: number, asset: number) => panel.returns[row * panel.assets + asset];
  const assets = Array.from({ length: panel.assets }, (_, asset) => asset).filter((asset) =>
    rows.every((row) => !Number.isNaN(value(row, asset))),
  );
  if (assets.length === 0 || k === 0 || rows.length <= assets.length + k) return {};
  // In the factors' own units, as their means count.
  const { mean, sd } = rule.scaler;
  const factors = Float64Array.from({ length: rows.length * k }, (_, at) => {
    const column = columns[at % k];
    return mean[column] + sd[column] * cell(rows[Math.floor(at / k)], 1 + (at % k));
  });
  const returns = Float64Array.from({ length: rows.length * assets.length }, (_, at) =>
    value(rows[Math.floor(at / assets.length)], assets[at % assets.length]),
  );
  try {
    const test = grsTest({ returns, factors, rows: rows.length, assets: assets.length, factorCount: k });
    return { grs_f: test.f, grs_p: test.pValue, grs_assets: assets.length };
  } catch (error) {
    if (error instanceof MacrogradError) return {};
    throw error;
  }
}
