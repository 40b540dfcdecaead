import { type FactorPanel, formatIsoDate, type Panel } from '@macrograd/core';

/** Dates of a panel, ISO. */
export const panelDates = (panel: Panel) => Array.from(panel.axis.dates, formatIsoDate);

/** Column of a macro series by name. */
export function factorColumn(panel: Panel, name: string): number[] {
  return factorColumnOf(panel.inputs, name);
}

/** Column of a macro series by name, of factors alone. */
export function factorColumnOf({ axis, factors, values }: FactorPanel, name: string): number[] {
  const j = factors.findIndex((factor) => factor.name === name);
  return Array.from(axis.dates, (_, row) => values[row * factors.length + j]);
}

/** Returns of an asset by name. */
export function assetColumn(panel: Panel, name: string): number[] {
  const i = panel.assets.findIndex((asset) => asset.name === name);
  return Array.from(panel.axis.dates, (_, row) => panel.returns[row * panel.assets.length + i]);
}

/** Slope and R2 of y on x with an intercept, over the rows that have both. */
export function regress(y: readonly number[], x: readonly number[]): { slope: number; r2: number; n: number } {
  const rows = [...y.keys()].filter((row) => Number.isFinite(y[row] + x[row]));
  const mean = (values: readonly number[]) => rows.reduce((sum, row) => sum + values[row], 0) / rows.length;
  const [my, mx] = [mean(y), mean(x)];
  const sum = (f: (row: number) => number) => rows.reduce((total, row) => total + f(row), 0);
  const sxy = sum((row) => (x[row] - mx) * (y[row] - my));
  const sxx = sum((row) => (x[row] - mx) ** 2);
  const syy = sum((row) => (y[row] - my) ** 2);
  return { slope: sxy / sxx, r2: sxy ** 2 / (sxx * syy), n: rows.length };
}
