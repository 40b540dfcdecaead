import { fixed, intervalPercent, percent, present, probability, signedPercent } from '../format.js';
import { markTheme, methodColour, methodHint, methodName, statusName } from '../labels.js';
import type { Maybe, PageData } from '../page-data.js';
import { chosenNone, isSignificant, sourceBlock, sourceMethod } from '../source.js';
import type { Row, View } from './asset-order.js';
import { h } from './dom.js';
import type { SelectionStore } from './selection.js';
import { whisker } from './whisker.js';

/** The rows of one asset: one a factor, the asset's own cells spanning them. */
export function assetRows(data: PageData, view: View, row: Row, scale: number, selection: SelectionStore): HTMLElement {
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
    const none = h('td', { colspan: 7, class: 'empty' }, 'no estimate');
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

/** What the dot beside a factor says. */
function verdict(data: PageData, view: View, asset: number, factor: number, significant: boolean): string {
  const block = sourceBlock(data, asset, view.method);
  const i = asset * data.factors.length + factor;
  if (view.method === 'chosen' && chosenNone(data, asset)) {
    const source = methodName(sourceMethod(data, asset, view.method));
    const found = block?.selected[i] === 1 ? `significant by the ${source} alone` : `not significant by the ${source}`;
    return `${found}; no exposure was chosen, so it is not relied upon`;
  }
  if (!significant) return 'not significant';
  const [lo, hi] = [block?.lo[i] ?? 0, block?.hi[i] ?? 0];
  return lo < 0 && hi > 0
    ? 'significant by the method\u2019s own test, though the interval of the mean exposure contains 0'
    : 'significant';
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
  const status = data.statuses[block.status[i]] ?? 'ok';
  const mark = h('b', {
    class: significant ? 'mark on' : 'mark',
    'data-tip': verdict(data, view, asset, factor, significant),
  });
  const remark = status === 'ok' ? [] : [h('em', { class: 'tag warn' }, statusName(status))];
  return [
    h('td', { class: 'factor' }, mark, name, ...remark),
    h('td', { class: `num ${side(value)}` }, signedPercent(value)),
    h('td', { class: 'num' }, intervalPercent(lo, hi)),
    h('td', { class: 'unit' }, `% per 1 ${unit}`),
    h('td', {}, whisker(block.mean[i], block.lo[i], block.hi[i], scale, significant)),
    h('td', { class: 'sign' }, signOf(lo, hi)),
    h('td', { class: 'num' }, probability(block.q[i])),
  ];
}

/** Sign of a mean exposure as far as its interval proves one; ? where it contains 0, a dash without an interval. */
function signOf(lo: Maybe, hi: Maybe): string {
  if (!present(lo) || !present(hi)) return '\u2013';
  return lo > 0 ? '+' : hi < 0 ? '\u2212' : '?';
}
