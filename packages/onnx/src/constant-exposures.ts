import type { JacobianForm } from '@macrograd/core';
import type { ExposureEdges, ExposureGraph } from './exposure-outputs.js';

/** What one cell (lag, target) of an asset's exposures holds. */
type CellValue = (asset: number, cell: number) => number;

/** Exposures that are the same at every date, as tables of which the selected assets' rows are taken. */
export function constantExposures(
  { graph, assets, assetCount }: ExposureGraph,
  form: JacobianForm,
  cells: number,
  { value, se }: { readonly value: CellValue; readonly se?: CellValue },
): ExposureEdges {
  const table = (name: string, of: CellValue) => {
    const values = Float64Array.from({ length: assetCount * cells }, (_, i) => of(Math.floor(i / cells), i % cells));
    const all = graph.weights(`${form}.${name}_of_all`, [assetCount, cells], values);
    const selected = graph.node('Gather', [all, assets], `${form}.${name}_of_selected`, { axis: 0 });
    return graph.node('Unsqueeze', [selected, graph.ints('axis_0', [0])], `${form}.constant_${name}`);
  };
  return { exposure: table('exposure', value), ...(se && { se: table('se', se) }) };
}
