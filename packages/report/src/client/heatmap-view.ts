import { heatmapHeight, heatmapOption } from '../charts/heatmap.js';
import { heatmapCells } from '../heatmap-cells.js';
import type { PageData } from '../page-data.js';
import { overviewMethod, sourceBlock } from '../source.js';
import { methodChoices } from './asset-table.js';
import { MountedChart } from './chart.js';
import { byId, select } from './dom.js';
import type { SelectionStore } from './selection.js';

/** Rows shown before "all": more would be slow to draw and hard to read. */
const FIRST_ROWS = 60;

/** The heatmap with its method, order and number of rows. */
export function mountHeatmap(data: PageData, selection: SelectionStore): void {
  const view = {
    method: overviewMethod(data),
    order: data.assets.length > FIRST_ROWS ? 'size' : 'table',
    rows: FIRST_ROWS,
  };
  let order: number[] = [];
  const chart = new MountedChart(byId('heatmap-chart'), (value) => {
    if (!Array.isArray(value)) return;
    selection.set({ asset: order[Number(value[1])], factor: Number(value[0]) });
    byId('history').scrollIntoView({ behavior: 'smooth' });
  });
  const redraw = () => {
    order = rowOrder(data, view.method, view.order).slice(0, view.rows);
    const cells = order.flatMap((asset, row) => heatmapCells(data, view.method, asset, row));
    chart.height(heatmapHeight(order.length));
    const names = order.map((asset) => data.assets[asset].name);
    chart.draw((theme) =>
      heatmapOption({ assets: names, factors: data.factors.map(({ name }) => name), cells, theme }),
    );
  };
  const orders = [
    { value: 'table', name: 'as given' },
    { value: 'size', name: 'largest exposures first' },
    ...data.factors.map(({ name }, i) => ({ value: String(i), name: `by ${name}` })),
  ];
  const controls = [
    select('Method', methodChoices(data), view.method, (method) => {
      view.method = method;
      redraw();
    }).element,
    select('Order', orders, view.order, (value) => {
      view.order = value;
      redraw();
    }).element,
  ];
  if (data.assets.length > FIRST_ROWS) {
    const choices = [
      { value: String(FIRST_ROWS), name: `first ${FIRST_ROWS}` },
      { value: String(data.assets.length), name: `all ${data.assets.length}` },
    ];
    controls.push(
      select('Rows', choices, choices[0].value, (value) => {
        view.rows = Number(value);
        redraw();
      }).element,
    );
  }
  byId('heatmap-controls').append(...controls);
  redraw();
}

function rowOrder(data: PageData, method: string, order: string): number[] {
  const k = data.factors.length;
  const assets = data.assets.map((_, asset) => asset);
  if (order === 'table') return assets;
  const value = (asset: number) => {
    const block = sourceBlock(data, asset, method);
    if (!block) return Number.NEGATIVE_INFINITY;
    if (order !== 'size') return block.mean[asset * k + Number(order)] ?? Number.NEGATIVE_INFINITY;
    return Math.max(...data.factors.map((_, j) => Math.abs(block.mean[asset * k + j] ?? 0)));
  };
  return assets.sort((a, b) => value(b) - value(a) || a - b);
}
