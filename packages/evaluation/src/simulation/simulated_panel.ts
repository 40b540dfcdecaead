import type { FactorPanel, Panel } from '@macrograd/core';

/** A panel of assets A0, A1, ... whose names sort as their numbers do; returns `[row][asset]`, of the factors' own rows. */
export function simulatedPanel(inputs: FactorPanel, returns: Float64Array, assets: number): Panel {
  const digits = String(assets - 1).length;
  return {
    axis: inputs.axis,
    inputs,
    assets: Array.from({ length: assets }, (_, asset) => ({
      name: `A${String(asset).padStart(digits, '0')}`,
      source: 'simulated',
      labels: ['simulated'],
    })),
    returns,
    horizon: 0,
  };
}

/** Population variance. */
export function variance(values: Float64Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
}
