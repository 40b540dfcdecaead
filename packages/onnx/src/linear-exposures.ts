import type { LinearParameters } from '@macrograd/core';
import { addOutputs, type ExposureGraph } from './exposure-outputs.js';

/** Exposures of a linear method, the same at every date: its coefficients. They lie at lag 0 alone. */
export function addLinearExposures(wanted: ExposureGraph, parameters: LinearParameters): void {
  const { graph, assets, targets, forms } = wanted;
  const { columns, coefficients, variances, scaler, intercept } = parameters;
  const table = (name: string, value: (at: number) => number) => {
    const values = Float64Array.from({ length: intercept.length * targets.length }, (_, i) => {
      const place = columns.indexOf(targets[i % targets.length]);
      return place < 0 ? Number.NaN : value(Math.floor(i / targets.length) * columns.length + place);
    });
    const all = graph.weights(name, [intercept.length, targets.length], values);
    const selected = graph.node('Gather', [all, assets], `selected_${name}`, { axis: 0 });
    return graph.node('Unsqueeze', [selected, graph.ints('axis_0', [0])], `${name}_row`);
  };
  // A coefficient that could not be estimated is 0 for predictions and has no variance: no exposure.
  const known = (at: number) => (variances && Number.isNaN(variances[at]) ? Number.NaN : coefficients[at]);
  const exposure = table('exposures', known);
  const se = variances && table('standard_errors', (at) => Math.sqrt(variances[at]));
  for (const form of forms) addOutputs(wanted, form, 1, { exposure, ...(se && { se }) }, scaler);
}
