import type { HeatmapCell } from './charts/heatmap.js';
import { intervalPercent, present, probability, signedPercent } from './format.js';
import { methodName } from './labels.js';
import type { PageData } from './page-data.js';
import { chosenNone, isSignificant, sourceBlock, sourceMethod } from './source.js';

/** Cells of one asset's row for a method; none where there is no estimate. */
export function heatmapCells(data: PageData, method: string, asset: number, row: number): HeatmapCell[] {
  const block = sourceBlock(data, asset, method);
  if (!block) return [];
  const source = sourceMethod(data, asset, method);
  const faded = method === 'chosen' && chosenNone(data, asset);
  const note = faded ? ['No exposure was chosen for this asset.'] : [];
  return data.factors.flatMap(({ unit, sd }, factor): HeatmapCell[] => {
    const i = asset * data.factors.length + factor;
    const mean = block.mean[i];
    if (!present(mean)) return [];
    const lines = [
      `${methodName(source)}: ${signedPercent(mean)} % per SD`,
      `interval ${intervalPercent(block.lo[i], block.hi[i])} % per SD`,
      `${signedPercent(mean / (sd ?? 1))} % per 1 ${unit}`,
      `latest ${signedPercent(block.latest[i] ?? mean)} % per SD`,
      `q ${probability(block.q[i])}`,
      ...note,
    ];
    return [
      { asset: row, factor, value: 100 * mean, significant: isSignificant(data, asset, factor, method), faded, lines },
    ];
  });
}
