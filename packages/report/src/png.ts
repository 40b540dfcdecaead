import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { Resvg } from '@resvg/resvg-js';
import type { EChartsOption } from 'echarts';
import { init } from 'echarts';
import { BandReader } from './band-codec.js';
import { arenaOption } from './charts/arena.js';
import { heatmapHeight, heatmapOption } from './charts/heatmap.js';
import { historyOption } from './charts/history.js';
import { lightTheme as theme } from './charts/theme.js';
import { heatmapCells } from './heatmap-cells.js';
import { methodColour, methodName } from './labels.js';
import type { PageData } from './page-data.js';
import { firstMethods, firstSelection } from './selection.js';
import { judgedAssets, overviewMethod } from './source.js';

/** Width in CSS pixels of every picture, and its pixels per CSS pixel. */
const WIDTH = 1100;
const ZOOM = 2;

/** Rows of the heatmap picture: what a page holds. */
const ROWS = 60;

/** Writes heatmap.png, history.png, r2.png and hedge.png into the folder and returns their paths. */
export async function writeCharts(data: PageData, folder: string): Promise<string[]> {
  const pictures: [string, EChartsOption, number][] = [
    ['heatmap', heatmap(data), heatmapHeight(Math.min(ROWS, data.assets.length))],
    ['history', history(data), 420],
    ['r2', arena(data, 'r2'), 380],
    ['hedge', arena(data, 'hedge'), 380],
  ];
  const paths: string[] = [];
  for (const [name, option, height] of pictures) {
    const path = join(folder, `${name}.png`);
    await writeFile(path, rasterise(option, height));
    paths.push(path);
  }
  return paths;
}

function rasterise(option: EChartsOption, height: number): Uint8Array {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption(option);
    const svg = chart.renderToSVGString();
    return new Resvg(svg, { background: theme.surface, fitTo: { mode: 'zoom', value: ZOOM } }).render().asPng();
  } finally {
    // A chart that is not disposed of keeps Node from ending.
    chart.dispose();
  }
}

function heatmap(data: PageData): EChartsOption {
  const rows = data.assets.slice(0, ROWS).map((_, asset) => asset);
  return heatmapOption({
    assets: rows.map((asset) => data.assets[asset].name),
    factors: data.factors.map(({ name }) => name),
    cells: rows.flatMap((asset, row) => heatmapCells(data, overviewMethod(data), asset, row)),
    theme,
  });
}

/** The pair and the methods that the page opens with. */
function history(data: PageData): EChartsOption {
  const { asset, factor } = firstSelection(data);
  const shown = firstMethods(data, asset);
  const blob = data.blobs[asset];
  const reader = blob ? new BandReader(inflateRawSync(Buffer.from(blob, 'base64'))) : undefined;
  const lines = data.seriesKeys.flatMap(({ method, kind }) => {
    const bands = reader ? data.factors.map(() => reader.read(data.dates.length)) : [];
    if (kind !== 'contemporaneous' || !shown.includes(method) || bands.length === 0) return [];
    return [{ name: methodName(method), colour: methodColour(method, theme), band: bands[factor] }];
  });
  const names = asset in data.assets ? `${data.assets[asset].name} on ${data.factors[factor].name}, ` : '';
  const unit = `${names}% per 1 ${data.factors[factor]?.unit ?? 'unit'}`;
  return historyOption({ dates: data.dates, lines, regions: data.regions, unit, theme });
}

function arena(data: PageData, score: 'r2' | 'hedge'): EChartsOption {
  const methods = [...data.methods, 'chosen'].filter((method) => data.scores[method]);
  const judged = judgedAssets(data);
  return arenaOption({
    rows: methods.map((method) => ({
      name: methodName(method),
      colour: methodColour(method, theme),
      scores: judged.map((asset) => data.scores[method][score][asset]),
    })),
    assets: judged.map((asset) => data.assets[asset].name),
    theme,
  });
}
