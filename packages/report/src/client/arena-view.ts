import { arenaOption } from '../charts/arena.js';
import { fixed, NONE, percent } from '../format.js';
import { markTheme, methodColour, methodHint, methodName } from '../labels.js';
import type { Maybe, PageData } from '../page-data.js';
import { judgedAssets } from '../source.js';
import { median, winners } from '../statistics.js';
import { MountedChart } from './chart.js';
import { byId, h } from './dom.js';

/** Tests count as decided below this p-value. */
const DECIDED = 0.1;

/** Scores by method: two charts and a table. */
export function mountArena(data: PageData): void {
  const methods = data.methods.filter((method) => data.scores[method]);
  const scored = data.scores.chosen ? [...methods, 'chosen'] : methods;
  const judged = judgedAssets(data);
  const assets = judged.map((asset) => data.assets[asset].name);
  for (const [id, score] of [
    ['r2-chart', 'r2'],
    ['hedge-chart', 'hedge'],
  ] as const) {
    const chart = new MountedChart(byId(id));
    chart.height(60 + 52 * scored.length);
    chart.draw((theme) =>
      arenaOption({
        rows: scored.map((method) => ({
          name: methodName(method),
          colour: methodColour(method, theme),
          scores: judged.map((asset) => data.scores[method][score][asset]),
        })),
        assets,
        theme,
      }),
    );
  }
  byId('method-table').append(head(), h('tbody', {}, ...tableRows(data, methods, scored)));
}

const columns: readonly [string, string][] = [
  ['Method', ''],
  ['Median R\u00b2', 'Out of sample, in %.'],
  [
    'Pooled R\u00b2',
    'Out of sample over all assets together, computed ones included, in %: volatile assets weigh more.',
  ],
  ['Assets won', 'Assets in which no other single method has a higher out-of-sample R\u00b2.'],
  ['R\u00b2 above 0', 'Assets in which the method does better than its training mean.'],
  ['Median hedge', 'Hedge variance reduction in %.'],
  ['Hedge above 0', 'Assets whose variance the hedge reduces.'],
  [
    'Better / worse',
    `Assets in which the Diebold-Mariano test finds the method better or worse than no exposure (p below ${DECIDED}).`,
  ],
  ['Any relation', `Assets in which the Clark-West test finds that the factors tell something (p below ${DECIDED}).`],
];

function head(): HTMLElement {
  const cells = columns.map(([name, hint], i) => {
    const label = hint ? h('span', { class: 'term', tabindex: 0, 'data-tip': hint }, name) : name;
    return h('th', { scope: 'col', class: i > 0 ? 'num' : '' }, label);
  });
  return h('thead', {}, h('tr', {}, ...cells));
}

function tableRows(data: PageData, methods: readonly string[], scored: readonly string[]): HTMLElement[] {
  const judged = judgedAssets(data);
  const pick = (values: readonly Maybe[]) => judged.map((asset) => values[asset]);
  const best = winners(
    methods.map((method) => pick(data.scores[method].r2)),
    judged.length,
  );
  const decided = best.filter((winner) => winner >= 0).length;
  return scored.map((method) => {
    const { pooledR2, ...own } = data.scores[method];
    const [r2, hedge, dmStat, dmP, cwP] = [own.r2, own.hedge, own.dmStat, own.dmP, own.cwP].map(pick);
    const place = methods.indexOf(method);
    const won = best.filter((winner) => winner === place).length;
    const dm = (sign: number) =>
      dmP.filter((p, i) => p !== null && p < DECIDED && Math.sign(dmStat[i] ?? 0) === sign).length;
    // Against itself the benchmark has nothing to test.
    const tested = method !== 'zero' && dmP.some((p) => p !== null);
    const swatch = h('b', { class: 'swatch', style: `background:${methodColour(method, markTheme)}` });
    const num = (text: string, ...more: Node[]) => h('td', { class: 'num' }, ...more, text);
    return h(
      'tr',
      {},
      h(
        'th',
        { scope: 'row' },
        h('span', { class: 'method', 'data-tip': methodHint(method) }, swatch, methodName(method)),
      ),
      num(percent(median(r2))),
      num(percent(pooledR2)),
      place < 0 ? num(NONE) : num(String(won), bar(won / Math.max(decided, 1), methodColour(method, markTheme))),
      num(method === 'zero' ? NONE : above(r2)),
      num(percent(median(hedge))),
      num(method === 'zero' ? NONE : above(hedge)),
      num(tested ? `${dm(betterSign)} / ${dm(-betterSign)}` : NONE),
      num(tested && cwP.some((p) => p !== null) ? String(cwP.filter((p) => p !== null && p < DECIDED).length) : NONE),
    );
  });
}

/** Sign of the Diebold-Mariano statistic where the method beats no exposure. */
const betterSign = 1;

function above(values: readonly Maybe[]): string {
  const known = values.filter((x) => x !== null);
  return known.length === 0 ? NONE : `${known.filter((x) => x > 0).length} of ${known.length}`;
}

function bar(share: number, colour: string): HTMLElement {
  return h('span', { class: 'bar' }, h('span', { style: `width:${fixed(100 * share, 1)}%;background:${colour}` }));
}
