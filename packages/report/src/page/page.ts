import type { CheckRecord, ConditionRecord, NetworkRecord, RunRecord, TableData } from '@macrograd/store';
import { fixed } from '../format.js';
import { methodName } from '../labels.js';
import type { PageData } from '../page-data.js';
import { billSection, dataSection } from './data-sections.js';
import { driftSentence } from './drift.js';
import { fitsPart } from './fits.js';
import { embeddedJson, Html, html, term } from './html.js';
import { methodNotes } from './notes.js';
import { count, lstmAgainstRest, whatThisSays } from './says.js';
import { statesSection } from './states.js';

/** Script and style sheet that are inlined. */
export interface ClientFiles {
  readonly script: string;
  readonly style: string;
}

/** The whole document: nothing in it is loaded from elsewhere. */
export function pageHtml(
  run: RunRecord,
  data: PageData,
  client: ClientFiles,
  diagnostics?: TableData<'diagnostics'>,
): string {
  const sections = [
    header(run, data),
    says(run, data),
    warnings(run.warnings),
    table(data, run),
    heatmap(data),
    history(data),
    lags(data, run.network),
    statesSection(data),
    arena(run, data, fitsPart(diagnostics)),
    billSection(run.look_ahead_bill, data.period),
    checks(run.checks),
    dataSection(run.data_sheet),
    notes(run, data),
  ];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${run.name} \u00b7 macro exposures</title>
<link rel="icon" href="data:,">
<style>${new Html(client.style)}</style>
</head>
<body>
${navigation(run, data)}
<main>
${sections}
</main>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="page-data">${embeddedJson(data)}</script>
<script>${new Html(client.script)}</script>
</body>
</html>
`.text;
}

function navigation(run: RunRecord, data: PageData): Html {
  const links: [string, string][] = [
    ['says', 'Summary'],
    ['assets', 'Assets'],
    ['heatmap', 'Heatmap'],
    ['history', 'Through time'],
    ['lags', 'Lags'],
    ...optional(data.states !== undefined, 'states', 'States'),
    ['methods', 'Methods'],
    ...optional(run.look_ahead_bill !== undefined, 'bill', 'Look-ahead bill'),
    ...optional(run.checks.length > 0, 'checks', 'Checks'),
    ...optional(run.data_sheet !== undefined, 'data', 'Data'),
    ['notes', 'Notes'],
  ];
  return html`<nav aria-label="Sections"><div>${links.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}</div></nav>`;
}

function optional(isThere: boolean, id: string, name: string): [string, string][] {
  return isThere ? [[id, name]] : [];
}

const frequencies: Readonly<Record<string, string>> = {
  D: 'daily',
  W: 'weekly',
  M: 'monthly',
  Q: 'quarterly',
  A: 'yearly',
};

function header(run: RunRecord, data: PageData): Html {
  const start = run.span.start || data.dates[0] || '';
  const end = run.span.end || data.dates.at(-1) || '';
  const timing =
    run.timing === 'available'
      ? term(
          'as known then',
          'Factors are dated by when they were published: release lags are kept, so that nothing is used before it was known.',
        )
      : term(
          'by reference period',
          'Factors are dated by the period that they describe, not by when they were published: this explains returns, it could not be traded on.',
        );
  const aim =
    data.horizon === 0
      ? term(
          'attribution',
          'Horizon 0: the return of the factor\u2019s own period is explained with the factors of that period. Nothing is forecast.',
        )
      : term(
          `forecast, ${count(data.horizon, data.period)}`,
          'The return over the periods after the factors were known.',
        );
  const facts: [string, Html | string][] = [
    ['Span', start ? `${start.slice(0, 7)} to ${end.slice(0, 7)}` : 'not recorded'],
    ['Frequency', frequencies[run.frequency] ?? data.period],
    ['Universe', `${count(data.assets.length, 'asset')}, ${count(data.factors.length, 'factor')}`],
    ['Dating', timing],
    ['Reading', aim],
    ['Run', run.finished.slice(0, 10)],
    ...(run.versions.macrograd ? [['macrograd', run.versions.macrograd] as [string, string]] : []),
  ];
  return html`<header>
<p class="eyebrow">Macro exposures</p>
<h1>${run.name}</h1>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

function says(run: RunRecord, data: PageData): Html {
  return html`<section id="says"><h2>What this says</h2>
<ul class="says">${[...whatThisSays(data), ...driftSentence(run.drift ?? [], run.interval_coverage)].map((sentence) => html`<li>${sentence}</li>`)}</ul></section>`;
}

/** Warnings above this many fold away behind a line that counts them. */
const OPEN_WARNINGS = 4;

function warnings(list: readonly string[]): Html {
  if (list.length === 0) return html``;
  const items = (some: readonly string[]) => html`<ul>${some.map((warning) => html`<li>${warning}</li>`)}</ul>`;
  const rest = list.slice(OPEN_WARNINGS);
  const more = rest.length > 0 ? html`<details><summary>${rest.length} more</summary>${items(rest)}</details>` : html``;
  return html`<section id="warnings" class="warnings" role="note"><h2>Before you rely on it</h2>${items(list.slice(0, OPEN_WARNINGS))}${more}</section>`;
}

function table(data: PageData, run: RunRecord): Html {
  return html`<section id="assets"><h2>Assets</h2>
<p class="lead">The ${term('chosen method', 'For each asset, the method or mix of methods chosen with what was known before each fold; it may be no exposure at all.')} of every asset, how well it did out of sample, and its strongest exposures in % per one unit of the factor with ${Math.round(100 * run.interval_coverage)} % interval. A filled dot marks significance at q \u2264 ${fixed(data.level, 2)}.</p>
<div class="controls" id="asset-controls"></div>
<div class="scroll"><table class="bodies" id="asset-table"></table></div>
<div class="more" id="asset-more"></div>
<noscript><p>The table and the charts of this page need JavaScript, which runs from this file alone.</p></noscript></section>`;
}

function heatmap(data: PageData): Html {
  return html`<section id="heatmap"><h2>Every asset, every factor</h2>
<p class="lead">Mean exposure in % per one SD of the factor, from the fit on the whole span. Framed, bold cells are significant at q \u2264 ${fixed(data.level, 2)}; empty cells have no estimate; in pale rows no exposure was chosen and the estimate stands for comparison. A click on a cell opens it below.</p>
<div class="controls" id="heatmap-controls"></div>
<div class="scroll"><div class="chart wide" id="heatmap-chart" role="img" aria-label="Heatmap of exposures, assets by factors"></div></div></section>`;
}

function history(data: PageData): Html {
  const kept = data.blobs.filter((blob) => blob !== null).length;
  const cap =
    kept < data.assets.length
      ? html`<p class="lead">To keep this page small, charts through time and by lag are held for ${kept} of ${count(data.assets.length, 'asset')}: those with the smallest q-values. The tables of the run have them all.</p>`
      : html``;
  return html`<section id="history"><h2>Exposure through time</h2>
<p class="lead">Each date is read with the fit made before its fold began; vertical lines are where folds begin. On shaded dates the model has seen what it explains.</p>${cap}
<div class="controls" id="history-controls"></div>
<p class="reading" id="history-reading" aria-live="polite"></p>
<div class="chart" id="history-chart" role="img" aria-label="Exposure through time"></div></section>`;
}

function lags(data: PageData, network: NetworkRecord | undefined): Html {
  return html`<section id="lags"><h2>How fast it works</h2>
<p class="lead">The response to a move of the factor so many ${data.period}s before, for the asset and factor selected above: ${term('per lag', 'The effect on this period\u2019s return of the factor as it stood k periods before, all else held fixed.')} with interval, and added up.${memory(data, network)}</p>
<p class="reading" id="lag-reading" aria-live="polite"></p>
<div class="pair"><figure><figcaption>Per lag</figcaption><div class="chart short" id="lag-chart" role="img" aria-label="Exposure by lag"></div></figure>
<figure><figcaption>Added up</figcaption><div class="chart short" id="cumulative-chart" role="img" aria-label="Cumulative exposure by lag"></div></figure></div></section>`;
}

/** How far back the network looks, beside what it makes of it. */
function memory({ period }: PageData, network: NetworkRecord | undefined): Html {
  if (network === undefined) return html``;
  const filters = network.lag_filters > 0 ? `; lag filters beside it reach ${network.lag_filters} ${period}s` : '';
  if (network.lookback === 1) {
    return html` The LSTM\u2019s network looks at the ${period}\u2019s own factors alone${filters}.`;
  }
  return html` The LSTM\u2019s ${term('effective memory', 'Read from its forget gates: past periods, each counted with the share that is left of it in the units, weighted by what they contribute. It bounds how far back the network can look.')} is ${fixed(network.effective_memory, 1)} ${period}s of a window of ${network.lookback}${filters}.`;
}

function arena({ conditions = [] }: RunRecord, data: PageData, fits: Html): Html {
  const kind = data.horizon === 0 ? 'attribution' : 'forecast';
  return html`<section id="methods"><h2>${data.scores.lstm ? 'The LSTM against the rest' : 'The methods against each other'}</h2>
<p class="lead">Scores on dates that no fit had seen; each dot is an asset, the box holds the middle half, the bar is the median. Left of 0 is worse than no exposure at all. Assets off the scale sit on its edge; computed assets are left out.</p>
<p class="reading">${lstmAgainstRest(data, 'r2')} ${lstmAgainstRest(data, 'hedge')}</p>
<div class="pair"><figure><figcaption>${term('Out-of-sample R\u00b2', 'Share of the squared return explained beyond the training mean.')} (${kind})</figcaption><div class="chart middle" id="r2-chart" role="img" aria-label="Out-of-sample R squared by method"></div></figure>
<figure><figcaption>${term('Hedge variance reduction', 'Share of the return\u2019s variance that goes away when the exposures known the period before are hedged.')}</figcaption><div class="chart middle" id="hedge-chart" role="img" aria-label="Hedge variance reduction by method"></div></figure></div>
<div class="scroll"><table class="plain" id="method-table"></table></div>${conditions.map(conditionLine)}${fits}</section>`;
}

function conditionLine({ method, state, level, unit }: ConditionRecord): Html {
  const how =
    level === null
      ? `an exposure moves in a line with ${state}`
      : `one exposure where ${state} is at or below ${level} ${unit}, another where it is above`;
  return html`<p class="reading">${methodName(method)} is conditioned: ${how}.</p>`;
}

/** How run.json writes the unit of a decimal return; the page shows % throughout. */
const DECIMAL = 'decimal return per';

function scale(check: CheckRecord): number {
  return check.unit.startsWith(DECIMAL) ? 100 : 1;
}

function checks(list: readonly CheckRecord[]): Html {
  if (list.length === 0) return html``;
  const passed = list.filter((check) => check.passed).length;
  const verdict = passed === list.length ? 'All of them come out.' : `${passed} of ${list.length} come out.`;
  const rows = list.map(
    (check) =>
      html`<tr><td>${check.name}</td><td class="num">${fixed(scale(check) * check.expected, 2)}</td><td class="num">${fixed(scale(check) * check.measured, 2)}</td><td class="num">\u00b1 ${fixed(scale(check) * check.tolerance, 2)}</td><td>${check.unit.replace(DECIMAL, '% per')}</td><td><span class="verdict ${check.passed ? 'good' : 'bad'}">${check.passed ? '\u2713 as expected' : '\u2717 off'}</span></td></tr>`,
  );
  return html`<section id="checks"><h2>Known answers</h2>
<p class="lead">Assets computed from the series themselves have exposures that theory gives. ${verdict}</p>
<div class="scroll"><table class="plain"><thead><tr><th>Check</th><th class="num">Expected</th><th class="num">Measured</th><th class="num">Margin</th><th>Unit</th><th>Verdict</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

function notes(run: RunRecord, data: PageData): Html {
  const factors = data.factors.map(
    (factor) =>
      html`<tr><td>${factor.name}</td><td>${factor.transform}</td><td>${factor.unit}</td><td class="num">${fixed(factor.sd, 3)}</td><td class="num">${factor.releaseLag}</td><td>${factor.source}</td></tr>`,
  );
  const facts = [
    `seed ${run.seed}`,
    `instruction set ${run.isa}`,
    ...Object.entries(run.versions).map(([name, version]) => `${name} ${version}`),
  ];
  return html`<section id="notes"><h2>Notes</h2>
<dl class="notes">${methodNotes(data, run.interval_coverage).map(({ term: name, text }) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>
<h3>Factors</h3>
<div class="scroll"><table class="plain"><thead><tr><th>Factor</th><th>Transform</th><th>Unit</th><th class="num">SD</th><th class="num">Release lag</th><th>Source</th></tr></thead><tbody>${factors}</tbody></table></div>
<footer>Made with ${facts.join(', ')}. This file is complete: it loads nothing.
</footer></section>`;
}
