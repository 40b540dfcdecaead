import { stringAt, type TableData } from '@macrograd/store';
import { fixed, NONE, probability } from '../format.js';
import { methodName } from '../labels.js';
import type { PageData, PageInteraction, PageStates, PageThreshold } from '../page-data.js';
import { type Html, html, term } from './html.js';
import { headlineFit, rounded } from './index-of.js';

/** Methods whose exposures depend on the state of the economy, the one that is shown first. */
const STATE_METHODS = ['lstm', 'spline'];

/** Lines of a table before the rest folds away. */
const OPEN_LINES = 12;

/** What the run says of thresholds and interactions, by the first method that can see them; undefined without one. */
export function pageStates(table: TableData<'summary'>): PageStates | undefined {
  const c = table.columns;
  const method = STATE_METHODS.find((name) => c.method.values.includes(name));
  if (method === undefined) return undefined;
  const fit = headlineFit(c.fit);
  const rows = Array.from({ length: table.rows }, (_, row) => row).filter(
    (row) => stringAt(c.method, row) === method && stringAt(c.fit, row) === fit,
  );
  const tested = rows.filter((row) => Number.isFinite(c.threshold_p_value[row]));
  if (tested.length === 0) return undefined;
  const place = (row: number) => ({
    asset: stringAt(c.asset, row) as string,
    factor: stringAt(c.factor, row) as string,
  });
  const thresholds = rows
    .filter((row) => Number.isFinite(c.threshold[row]))
    .sort((a, b) => c.threshold_p_value[a] - c.threshold_p_value[b])
    .map((row): PageThreshold => {
      const variable = stringAt(c.threshold_variable, row) as string;
      return {
        ...place(row),
        variable,
        unit: stringAt(c.threshold_unit, row) ?? '',
        level: rounded(c.threshold[row]),
        lo: rounded(c.threshold_lo[row]),
        hi: rounded(c.threshold_hi[row]),
        p: rounded(c.threshold_p_value[row]),
      };
    });
  const interactions = rows.flatMap((row): PageInteraction[] => {
    const partner = stringAt(c.top_interaction, row);
    return partner === null ? [] : [{ ...place(row), partner }];
  });
  return { method, tested: tested.length, thresholds, interactions };
}

/** The section on thresholds and interactions; empty where no method of the run can see them. */
export function statesSection({ states, level }: PageData): Html {
  if (!states) return html``;
  return html`<section id="states"><h2>When it changes</h2>
<p class="lead">Exposures that depend on the state of the economy, by the ${methodName(states.method)}: what is listed passes ${term('discovery control', 'Over all pairs of asset and factor tested, the share of false lines is expected to be at most the level.')} at ${fixed(level, 2)}; what is not listed is not provable with these data.</p>
${thresholds(states)}
${interactions(states)}</section>`;
}

function thresholds({ thresholds: list, tested }: PageStates): Html {
  if (list.length === 0) {
    return html`<p>No change of sign is provable: none of ${tested} exposures can be shown to turn along its factor\u2019s own level or a state.</p>`;
  }
  const rows = list.map(
    ({ asset, factor, variable, unit, level, lo, hi, p }) =>
      html`<tr><td>${asset}</td><td>${factor}</td><td>${variable}</td><td class="num">${fixed(level, 2)}</td><td class="num">${between(lo, hi)}</td><td>${unit}</td><td class="num">${probability(p)}</td></tr>`,
  );
  const head = html`<thead><tr><th>Asset</th><th>Exposure to</th><th>Turns along</th><th class="num">${term('Threshold', 'Level of the series at which the mean exposure is zero.')}</th><th class="num">${term('Interval', 'Levels outside which the exposure has a sure sign on each side; a dash is a side without one.')}</th><th>Unit</th><th class="num">${term('p', 'Of an exposure that does not change along the series; allows for the search for the level.')}</th></tr></thead>`;
  return html`<h3>Thresholds</h3>
<p>${list.length} of ${tested} exposures provably change their sign.</p>
${folded(head, rows)}`;
}

function interactions({ interactions: list, tested }: PageStates): Html {
  if (list.length === 0) {
    return html`<p>No interaction is provable: none of ${tested} exposures can be shown to depend on another series\u2019 level.</p>`;
  }
  const rows = list.map(
    ({ asset, factor, partner }) => html`<tr><td>${asset}</td><td>${factor}</td><td>${partner}</td></tr>`,
  );
  const head = html`<thead><tr><th>Asset</th><th>Exposure to</th><th>Depends on</th></tr></thead>`;
  return html`<h3>Interactions</h3>
<p>${list.length} of ${tested} exposures provably depend on the level of another series.</p>
${folded(head, rows)}`;
}

function folded(head: Html, rows: readonly Html[]): Html {
  const table = (some: readonly Html[]) =>
    html`<div class="scroll"><table class="plain">${head}<tbody>${some}</tbody></table></div>`;
  const rest = rows.slice(OPEN_LINES);
  const more = rest.length > 0 ? html`<details><summary>${rest.length} more</summary>${table(rest)}</details>` : html``;
  return html`${table(rows.slice(0, OPEN_LINES))}${more}`;
}

function between(lo: number | null, hi: number | null): string {
  return lo === null && hi === null ? NONE : `${fixed(lo, 2)} to ${fixed(hi, 2)}`;
}
