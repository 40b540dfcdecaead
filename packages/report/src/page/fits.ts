import { stringAt, type TableData } from '@macrograd/store';
import { fixed, percent } from '../format.js';
import { methodName, statusName } from '../labels.js';
import { type Html, html, term } from './html.js';

/** Condition number from which factors can hardly be told apart (Belsley, Kuh and Welsch 1980). */
const ILL_CONDITIONED = 30;

/** Share of assets that fail a 5 % test from which it is no accident: four times what chance gives. */
const MANY = 0.2;

interface Fit {
  readonly method: string;
  readonly status: string;
  readonly condition: number;
  readonly autocorrelation: number;
  readonly autocorrelated: number;
  readonly unstable: number;
}

/** Whose residuals are the returns: what is left over there is nobody's fault. */
const NO_EXPOSURE = 'zero';

/** What the fits on the whole span say of themselves: sentences where something is wrong, and a table that folds away. */
export function fitsPart(table: TableData<'diagnostics'> | undefined): Html {
  const fits = table === undefined ? [] : finalFits(table);
  if (fits.length === 0) return html``;
  const concerns = concernsOf(fits);
  const list =
    concerns.length > 0 ? html`<ul class="advice">${concerns.map((text) => html`<li>${text}</li>`)}</ul>` : '';
  return html`${list}<details id="fits"><summary>Diagnostics of the fits on the whole span</summary>
<div class="scroll"><table class="plain named"><thead><tr><th>Method</th><th class="num">${term('Condition', 'Condition number of the regressors, columns scaled to unit length. Above 30 the factors can hardly be told apart.')}</th><th class="num">${term('Autocorrelation', 'First-order autocorrelation of the training residuals, median over assets.')}</th><th class="num">${term('Autocorrelated, %', 'Assets whose residuals are autocorrelated (Ljung-Box over six lags at 5 %).')}</th><th class="num">${term('Unstable, %', 'Assets whose residuals drift away from zero through the span (CUSUM at 5 %).')}</th><th>Status</th></tr></thead><tbody>${fits.map(fitRow)}</tbody></table></div></details>`;
}

function finalFits({ rows, columns }: TableData<'diagnostics'>): Fit[] {
  return Array.from({ length: rows }, (_, row) => row)
    .filter((row) => stringAt(columns.asset, row) === 'all' && stringAt(columns.fit, row) === 'final')
    .map((row) => ({
      method: stringAt(columns.method, row) ?? '',
      status: stringAt(columns.status, row) ?? '',
      condition: columns.condition_number[row],
      autocorrelation: columns.residual_autocorrelation[row],
      autocorrelated: columns.autocorrelated_share[row],
      unstable: columns.unstable_share[row],
    }));
}

function concernsOf(fits: readonly Fit[]): string[] {
  const named = (isOff: (fit: Fit) => boolean, value: (fit: Fit) => string, text: string) => {
    const off = fits.filter((fit) => fit.method !== NO_EXPOSURE && isOff(fit));
    return off.length === 0
      ? []
      : [`${text}: ${off.map((fit) => `${methodName(fit.method)} (${value(fit)})`).join(', ')}`];
  };
  return [
    ...named(
      ({ condition }) => condition > ILL_CONDITIONED,
      ({ condition }) => fixed(condition, 0),
      'Regressors that can hardly be told apart, so that single exposures are uncertain, by condition number',
    ),
    ...named(
      ({ autocorrelated }) => autocorrelated > MANY,
      ({ autocorrelated }) => `${percent(autocorrelated)} % of assets`,
      'What is left over is autocorrelated: effects come late, or intervals that take noise as independent are too narrow',
    ),
    ...named(
      ({ unstable }) => unstable > MANY,
      ({ unstable }) => `${percent(unstable)} % of assets`,
      'What is left over drifts: the mean return has moved for reasons outside the factors',
    ),
  ];
}

function fitRow({ method, status, condition, autocorrelation, autocorrelated, unstable }: Fit): Html {
  const marked = (text: string, isOff: boolean) => (isOff ? html`<b class="suspect">${text}</b>` : text);
  const share = (value: number) => marked(percent(value), value > MANY && method !== NO_EXPOSURE);
  return html`<tr><th>${methodName(method)}</th><td class="num">${marked(fixed(condition, 1), condition > ILL_CONDITIONED)}</td><td class="num">${fixed(autocorrelation, 2)}</td><td class="num">${share(autocorrelated)}</td><td class="num">${share(unstable)}</td><td>${statusName(status)}</td></tr>`;
}
