import { fixed, intervalPercent, percent, present, probability, signedPercent } from '../format.js';
import { markTheme, methodColour, methodHint, methodName, statusName } from '../labels.js';
import type { PageData } from '../page-data.js';
import { chosenNone, isSignificant, sourceBlock, sourceMethod } from '../source.js';
import { byId, h, select } from './dom.js';
import type { SelectionStore } from './selection.js';
import { whisker } from './whisker.js';

/** Factors listed for an asset when none is picked, and assets listed before "show all". */
const STRONGEST = 3;
const FIRST_ASSETS = 15;

interface View {
  search: string;
  factor: number;
  method: string;
  significant: boolean;
  sort: SortKey;
  descending: boolean;
  limit: number;
}

type SortKey = 'asset' | 'r2' | 'hedge' | 'exposure' | 'q';

interface Row {
  readonly asset: number;
  /** Factor indexes shown, strongest first. */
  readonly factors: readonly number[];
}

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

function sortedRows(data: PageData, view: View): Row[] {
  const rows = data.assets.flatMap(({ name, labels }, asset): Row[] => {
    if (view.search && !`${name} ${labels.join(' ')}`.toLowerCase().includes(view.search)) return [];
    const factors = factorsOf(data, view, asset);
    return factors.length === 0 && (view.significant || view.factor >= 0) ? [] : [{ asset, factors }];
  });
  const key = (row: Row): number | string | null => sortValue(data, view, row);
  const strength = (row: Row) => leadingSize(data, view, row);
  const direction = view.descending ? -1 : 1;
  return rows.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return x === y ? a.asset - b.asset : x === null ? 1 : -1;
    // Equal q-values are common far out in the tail: the larger exposure goes first.
    return (x < y ? -1 : x > y ? 1 : 0) * direction || strength(b) - strength(a) || a.asset - b.asset;
  });
}

function factorsOf(data: PageData, view: View, asset: number): number[] {
  const block = sourceBlock(data, asset, view.method);
  if (!block) return [];
  const base = asset * data.factors.length;
  const wanted = view.factor < 0 ? data.factors.map((_, j) => j) : [view.factor];
  const known = wanted.filter(
    (j) => present(block.mean[base + j]) && (!view.significant || isSignificant(data, asset, j, view.method)),
  );
  const size = (j: number) => Math.abs(block.mean[base + j] ?? 0);
  const q = (j: number) => block.q[base + j] ?? 1;
  return known.sort((a, b) => q(a) - q(b) || size(b) - size(a)).slice(0, STRONGEST);
}

function sortValue(data: PageData, view: View, { asset, factors }: Row): number | string | null {
  if (view.sort === 'asset') return data.assets[asset].name.toLowerCase();
  const scores = data.scores[view.method];
  if (view.sort === 'r2') return scores?.r2[asset] ?? null;
  if (view.sort === 'hedge') return scores?.hedge[asset] ?? null;
  if (factors.length === 0) return null;
  if (view.sort === 'exposure') return leadingSize(data, view, { asset, factors });
  const q = sourceBlock(data, asset, view.method)?.q[asset * data.factors.length + factors[0]] ?? null;
  if (q === null) return null;
  // Estimates that are not relied upon come after those that are, and exposures known beforehand last.
  const unused = view.method === 'chosen' && chosenNone(data, asset);
  return q + (unused ? 1 : 0) + (data.assets[asset].labels.includes('computed') ? 2 : 0);
}

/** Absolute exposure per SD of a row's first factor. */
function leadingSize(data: PageData, view: View, { asset, factors }: Row): number {
  const block = sourceBlock(data, asset, view.method);
  return factors.length === 0 ? 0 : Math.abs(block?.mean[asset * data.factors.length + factors[0]] ?? 0);
}

/** Largest end of an interval in % per SD that the whiskers have room for: the 95th percentile. */
function exposureScale(data: PageData, view: View, rows: readonly Row[]): number {
  const ends = rows.flatMap(({ asset, factors }) => {
    const block = sourceBlock(data, asset, view.method);
    return factors.map((j) => {
      const i = asset * data.factors.length + j;
      return Math.max(Math.abs(block?.lo[i] ?? block?.mean[i] ?? 0), Math.abs(block?.hi[i] ?? 0));
    });
  });
  ends.sort((a, b) => a - b);
  return ends[Math.floor(0.95 * (ends.length - 1))] || 1;
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
    key: 'q',
    name: 'q',
    numeric: true,
    hint: 'Smallest false-discovery rate at which the pair would be reported. Estimates that are not relied upon and computed assets come last.',
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

function assetRows(data: PageData, view: View, row: Row, scale: number, selection: SelectionStore): HTMLElement {
  const { asset, factors } = row;
  const span = { rowspan: Math.max(1, factors.length) };
  const scores = data.scores[view.method];
  const lead = [
    h(
      'th',
      { scope: 'row', ...span },
      data.assets[asset].name,
      ...data.assets[asset].labels.map((label) => h('em', { class: 'tag' }, label)),
    ),
    h('td', span, ...methodCell(data, view, asset)),
    h('td', { class: 'num', ...span }, percent(scores?.r2[asset])),
    h('td', { class: 'num', ...span }, percent(scores?.hedge[asset])),
  ];
  if (factors.length === 0) {
    const none = h('td', { colspan: 6, class: 'empty' }, 'no estimate');
    return h('tbody', {}, h('tr', {}, ...lead, none));
  }
  const unused = view.method === 'chosen' && chosenNone(data, asset);
  const lines = factors.map((factor, line) => {
    const cells = exposureCells(data, view, asset, factor, scale);
    const tr = h('tr', { class: unused ? 'pick unused' : 'pick' }, ...(line === 0 ? lead : []), ...cells);
    tr.addEventListener('click', () => selection.set({ asset, factor }));
    return tr;
  });
  return h('tbody', {}, ...lines);
}

function methodCell(data: PageData, view: View, asset: number): HTMLElement[] {
  const choices = view.method === 'chosen' ? data.choices[asset] : [{ method: view.method, weight: 1 }];
  const names = choices.map(({ method, weight }) => {
    const dot = h('b', { class: 'swatch', style: `background:${methodColour(method, markTheme)}` });
    const share = weight < 0.995 ? ` ${fixed(100 * weight, 0)} %` : '';
    const hint = view.method === 'chosen' && data.reasons[asset] ? data.reasons[asset] : methodHint(method);
    return h('span', { class: 'method', 'data-tip': hint }, dot, `${methodName(method)}${share}`);
  });
  if (view.method === 'chosen' && chosenNone(data, asset)) {
    const source = methodName(sourceMethod(data, asset, 'chosen'));
    names.push(h('span', { class: 'aside' }, `${source} shown, not used`));
  }
  return names;
}

/** Colour class of a number; what rounds to 0 has none. */
function side(value: number): string {
  return Math.abs(value) < 0.00005 ? '' : value < 0 ? 'negative' : 'positive';
}

function exposureCells(data: PageData, view: View, asset: number, factor: number, scale: number): HTMLElement[] {
  const block = sourceBlock(data, asset, view.method);
  const i = asset * data.factors.length + factor;
  if (!block) return [];
  const { name, unit, sd } = data.factors[factor];
  const perUnit = sd ? 1 / sd : 1;
  const value = (block.mean[i] ?? 0) * perUnit;
  const [lo, hi] = [block.lo[i], block.hi[i]].map((x) => (present(x) ? x * perUnit : null));
  const significant = isSignificant(data, asset, factor, view.method);
  const straddles = significant && present(lo) && present(hi) && lo < 0 && hi > 0;
  const status = data.statuses[block.status[i]] ?? 'ok';
  const mark = h('b', {
    class: significant ? 'mark on' : 'mark',
    'data-tip': straddles
      ? 'significant by the method\u2019s own test, though the interval of the mean exposure contains 0'
      : significant
        ? 'significant'
        : 'not significant',
  });
  const remark = status === 'ok' ? [] : [h('em', { class: 'tag warn' }, statusName(status))];
  return [
    h('td', { class: 'factor' }, mark, name, ...remark),
    h('td', { class: `num ${side(value)}` }, signedPercent(value)),
    h('td', { class: 'num' }, intervalPercent(lo, hi)),
    h('td', { class: 'unit' }, `% per 1 ${unit}`),
    h('td', {}, whisker(block.mean[i], block.lo[i], block.hi[i], scale, significant)),
    h('td', { class: 'num' }, probability(block.q[i])),
  ];
}
