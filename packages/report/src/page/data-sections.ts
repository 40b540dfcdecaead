import type { AssetCoverageRecord, BillRecord, DataSheetRecord, SeriesRecord } from '@macrograd/store';
import { fixed, NONE, probability, signedPercent } from '../format.js';
import { methodName } from '../labels.js';
import { type Html, html, term } from './html.js';
import { count } from './says.js';

/** p-value below which a test's line is set off. */
const SUSPECT = 0.05;

/** Variance inflation from which a factor is hardly told apart (Marquardt 1970). */
const INFLATED = 10;

/** What the data are like: tests, coverage, what becomes of gaps, and advice. Nothing for results without a data sheet. */
export function dataSection(sheet: DataSheetRecord | undefined): Html {
  if (sheet === undefined) return html``;
  const advice =
    sheet.advice.length === 0
      ? html`<p class="reading">Nothing in these tests asks for a change.</p>`
      : html`<ul class="advice">${sheet.advice.map((line) => html`<li>${line}</li>`)}</ul>`;
  return html`<section id="data"><h2>The data</h2>
<p class="lead">What tests say of every series after its transform, over its longest stretch without a gap. ${conditionText(sheet)} Bold numbers ask for a look.</p>
${advice}
<div class="scroll"><table class="plain named"><thead><tr><th>Series</th><th>Role</th><th>Transform</th><th>Unit</th><th>Observed</th><th class="num">Rows</th><th class="num">Gaps</th><th class="num">${term('Unit root', 'p-value of the augmented Dickey-Fuller test. Large: the series may wander without a mean to come back to.')}</th><th class="num">${term('Stationary', 'p-value of the KPSS test, between .01 and .10. Small: the level is not stable.')}</th><th>${term('Break', 'Likeliest date of a change of level and memory (Andrews\u2019 sup-F test), where it is significant at 5 %.')}</th><th class="num">${term('VIF', 'Variance inflation: how many times the variance of an exposure is multiplied by the other factors moving along.')}</th><th>Missing rows</th></tr></thead><tbody>${sheet.series.map(seriesRow)}</tbody></table></div>
<h3>Assets by coverage</h3>
<div class="scroll"><table class="plain"><thead><tr><th>First</th><th>Last</th><th class="num">Gaps</th><th class="num">Assets</th><th>Among them</th></tr></thead><tbody>${sheet.assets.map(assetRow)}</tbody></table></div></section>`;
}

function conditionText({ condition_number: condition, series }: DataSheetRecord): string {
  if (series.filter(({ role }) => role === 'factor').length < 2) return '';
  if (condition === null) return 'The factors give one another exactly, or have too few rows in common.';
  return `The condition number of the factors is ${fixed(condition, 1)}; above 30 they can hardly be told apart.`;
}

function seriesRow(one: SeriesRecord): Html {
  const mayWander = (one.unit_root_p ?? 0) > SUSPECT && (one.stationary_p ?? 1) < SUSPECT && one.role === 'factor';
  const isInflated = (one.variance_inflation ?? 0) > INFLATED;
  const span = one.first === null || one.last === null ? NONE : `${month(one.first)} to ${month(one.last)}`;
  return html`<tr><th>${one.name}</th><td>${one.role}</td><td>${one.transform}</td><td class="when">${one.unit}</td><td class="when">${span}</td><td class="num">${one.observed}</td><td class="num">${one.gaps === 0 ? NONE : one.gaps}</td><td class="num">${marked(probability(one.unit_root_p), mayWander)}</td><td class="num">${marked(probability(one.stationary_p), mayWander)}</td><td class="when">${one.break_at === null ? NONE : month(one.break_at)}</td><td class="num">${marked(fixed(one.variance_inflation, 1), isInflated)}</td><td>${one.gap_policy}</td></tr>`;
}

function assetRow({ first, last, gaps, assets, examples }: AssetCoverageRecord): Html {
  const more = assets > examples.length ? `, \u2026` : '';
  return html`<tr><td class="when">${first ?? NONE}</td><td class="when">${last ?? NONE}</td><td class="num">${gaps === 0 ? NONE : gaps}</td><td class="num">${assets}</td><td>${examples.join(', ')}${more}</td></tr>`;
}

/** Forecasts on figures that nobody had beside those on what was known. Nothing where the run has no bill. */
export function billSection(bill: BillRecord | undefined, period: string): Html {
  if (bill === undefined) return html``;
  const rows = bill.methods.map(
    ({ method, revised, lagged, real_time, by_dates, by_revisions, total }) =>
      html`<tr><th>${methodName(method)}</th>${[revised, lagged, real_time].map((value) => html`<td class="num">${signedPercent(value)}</td>`)}${[by_dates, by_revisions].map((value) => html`<td class="num">${points(value)}</td>`)}<td class="num"><strong>${points(total)}</strong></td></tr>`,
  );
  const revisions = bill.revisions.map(
    ({ factor, rows: n, correlation, relative }) =>
      html`<tr><th>${factor}</th><td class="num">${n}</td><td class="num">${fixed(correlation, 3)}</td><td class="num">${fixed(relative, 2)}</td></tr>`,
  );
  return html`<section id="bill"><h2>What looking ahead would earn</h2>
<p class="lead">Out-of-sample R\u00b2 over all assets, in %, of forecasts ${count(bill.horizon, period)} ahead: on today\u2019s figures dated by the period that they describe, on today\u2019s figures at the dates on which their first versions were known, and on what was known. Only the third could have been had.</p>
<div class="scroll"><table class="plain named"><thead><tr><th>Method</th><th class="num">${term('Revised', 'Today\u2019s figures, dated by the period that they describe: nobody knew them then.')}</th><th class="num">${term('Revised, lagged', 'Today\u2019s figures at the dates of publication: the dates are right, the revisions are foreseen.')}</th><th class="num">As known</th><th class="num">By dates</th><th class="num">By revisions</th><th class="num">Looking ahead</th></tr></thead><tbody>${rows}</tbody></table></div>
<h3>Revisions</h3>
<p class="lead">How far today\u2019s figures lie from those known at the time, for the same periods and after the transform: their correlation, and the size of the difference in SDs of today\u2019s figures.</p>
<div class="scroll"><table class="plain named"><thead><tr><th>Factor</th><th class="num">Rows</th><th class="num">Correlation</th><th class="num">Difference</th></tr></thead><tbody>${revisions}</tbody></table></div></section>`;
}

/** Difference of two R2 in points of per cent. */
function points(value: number | null): string {
  return value === 0 ? '0' : signedPercent(value);
}

function marked(text: string, isSuspect: boolean): Html | string {
  return isSuspect ? html`<b class="suspect">${text}</b>` : text;
}

function month(date: string): string {
  return date.slice(0, 'YYYY-MM'.length);
}
