import { methodName } from '../labels.js';
import type { PageData } from '../page-data.js';
import { assetRows } from './asset-cells.js';
import { exposureScale, type SortKey, sortedRows, type View } from './asset-order.js';
import { byId, h, select } from './dom.js';
import type { SelectionStore } from './selection.js';

/** Assets listed before "show all". */
const FIRST_ASSETS = 15;

/** The headline table: searchable, sortable, by factor. */
export function mountAssetTable(data: PageData, selection: SelectionStore): void {
  const view: View = {
    search: '',
    factor: -1,
    method: 'chosen',
    significant: false,
    sort: 'q',
    descending: false,
    limit: FIRST_ASSETS,
  };
  const redraw = (patch: Partial<View>) => {
    Object.assign(view, patch);
    draw(data, view, selection, redraw);
  };
  byId('asset-controls').append(...controls(data, view, redraw));
  redraw({});
}

function controls(data: PageData, view: View, redraw: (patch: Partial<View>) => void): HTMLElement[] {
  const search = h('input', { type: 'search', placeholder: 'Find an asset', 'aria-label': 'Find an asset' });
  search.addEventListener('input', () => redraw({ search: search.value.toLowerCase() }));
  const only = h('input', { type: 'checkbox' });
  only.addEventListener('change', () => redraw({ significant: only.checked }));
  const factors = [
    { value: '-1', name: 'the strongest' },
    ...data.factors.map(({ name }, i) => ({ value: String(i), name })),
  ];
  return [
    h('label', { class: 'field' }, h('span', {}, 'Search'), search),
    select('Factor', factors, '-1', (value) => redraw({ factor: Number(value) })).element,
    select('Method', methodChoices(data), view.method, (method) => redraw({ method })).element,
    h('label', { class: 'check' }, only, 'significant only'),
  ];
}

/** The chosen method and every method with a summary, for a select. */
export function methodChoices(data: PageData): { value: string; name: string }[] {
  const single = data.methods.filter((method) => method !== 'zero' && data.summary[method]);
  return ['chosen', ...single].map((method) => ({ value: method, name: methodName(method) }));
}

function draw(data: PageData, view: View, selection: SelectionStore, redraw: (patch: Partial<View>) => void): void {
  const rows = sortedRows(data, view);
  const shown = rows.slice(0, view.limit);
  const scale = exposureScale(data, view, rows);
  const table = byId('asset-table');
  const body = shown.map((row) => assetRows(data, view, row, scale, selection));
  table.replaceChildren(head(view, redraw), ...body);
  if (rows.length === 0)
    table.append(h('tbody', {}, h('tr', {}, h('td', { colspan: columns.length, class: 'empty' }, 'No asset fits.'))));
  const more = byId('asset-more');
  more.replaceChildren();
  if (rows.length > shown.length) {
    const button = h('button', { type: 'button' }, `Show all ${rows.length} assets`);
    button.addEventListener('click', () => redraw({ limit: Number.POSITIVE_INFINITY }));
    more.append(button);
  }
}

const columns: readonly { key?: SortKey; name: string; numeric?: boolean; hint?: string }[] = [
  { key: 'asset', name: 'Asset' },
  { name: 'Method', hint: 'The method chosen with what was known before each fold, or the one picked above.' },
  {
    key: 'r2',
    name: 'R\u00b2',
    numeric: true,
    hint: 'Out-of-sample R\u00b2 in %, of what was chosen before each fold: below 0 is worse than no exposure.',
  },
  { key: 'hedge', name: 'Hedge', numeric: true, hint: 'Hedge variance reduction in %, out of sample.' },
  { name: 'Factor' },
  {
    key: 'exposure',
    name: 'Exposure',
    numeric: true,
    hint: 'Mean exposure in % per one unit; sorted by its size per SD.',
  },
  { name: 'Interval', numeric: true, hint: 'Interval of the exposure in the same unit.' },
  {
    name: 'Unit',
    hint: 'Return in % for a move of the factor by one unit; pp is percentage points, log-% is 100 times a change in logs.',
  },
  {
    name: 'per SD',
    hint: 'The same exposure and interval per one SD of the factor, on one scale for all rows; the line is 0.',
  },
  {
    name: 'Sign',
    hint: 'Of the mean exposure, where its interval leaves 0 out; ? where it does not. A shrunk method draws intervals towards 0, so that a significant pair may have an open sign.',
  },
  {
    key: 'q',
    name: 'Moves: q',
    numeric: true,
    hint: 'Does the return move with the factor at all? Smallest false-discovery rate at which the pair would be reported, by a test of the data and not of this method. Estimates that are not relied upon and computed assets come last.',
  },
];

function head(view: View, redraw: (patch: Partial<View>) => void): HTMLElement {
  const cells = columns.map(({ key, name, numeric, hint }) => {
    const tip = hint ? { 'data-tip': hint } : {};
    const sorted = key === view.sort;
    const order: Record<string, string> = sorted ? { 'aria-sort': view.descending ? 'descending' : 'ascending' } : {};
    const cell = h('th', { scope: 'col', class: numeric ? 'num' : '', ...order, ...(key ? {} : tip) });
    if (!key) {
      cell.append(name);
      return cell;
    }
    const button = h(
      'button',
      { type: 'button', ...tip },
      name,
      h('i', {}, sorted ? (view.descending ? '\u2193' : '\u2191') : ''),
    );
    const first = key === 'r2' || key === 'hedge' || key === 'exposure';
    button.addEventListener('click', () => redraw({ sort: key, descending: sorted ? !view.descending : first }));
    cell.append(button);
    return cell;
  });
  return h('thead', {}, h('tr', {}, ...cells));
}
