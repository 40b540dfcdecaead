import type { PageData } from '../page-data.js';
import { firstSelection } from '../selection.js';
import { mountArena } from './arena-view.js';
import { mountAssetTable } from './asset-table.js';
import { byId } from './dom.js';
import { mountHeatmap } from './heatmap-view.js';
import { mountHistory } from './history-view.js';
import { mountLags } from './lag-view.js';
import { SelectionStore } from './selection.js';
import { startTips } from './tips.js';

const data = JSON.parse(byId('page-data').textContent ?? '{}') as PageData;

startTips();
if (data.assets.length > 0 && data.factors.length > 0) {
  const selection = new SelectionStore(firstSelection(data));
  mountAssetTable(data, selection);
  mountHeatmap(data, selection);
  mountHistory(data, selection);
  mountLags(data, selection);
  mountArena(data);
} else {
  for (const chart of document.querySelectorAll('.chart')) chart.remove();
}
