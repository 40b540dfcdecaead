import { fixed, percent } from '../format.js';
import { methodName } from '../labels.js';
import type { Maybe, PageData } from '../page-data.js';
import { headlineMethod, judgedAssets } from '../source.js';
import { median, winners } from '../statistics.js';

/** Three to six plain sentences on what the tables show, computed from them and from nothing else. */
export function whatThisSays(data: PageData): string[] {
  if (data.assets.length === 0 || data.factors.length === 0)
    return ['The result has no assets or no factors to report on.'];
  return [
    significance(data),
    `${strongestFactor(data)}${otherScreens(data)}`.trim(),
    outOfSample(data),
    wins(data),
    lstmAgainstRest(data, 'r2'),
    caveat(data),
  ].filter((sentence) => sentence !== '');
}

/** `3 assets`, `1 asset`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}

/** Values of the judged assets. */
function judged(data: PageData, values: readonly Maybe[]): Maybe[] {
  return judgedAssets(data).map((asset) => values[asset]);
}

/** Selected pairs of one method, computed assets left out: how many, how many negative, and by factor. */
function selectedPairs(data: PageData, method: string) {
  const k = data.factors.length;
  const byFactor = data.factors.map(() => ({ positive: 0, negative: 0 }));
  const assets = new Set<number>();
  for (const asset of judgedAssets(data)) {
    for (let j = 0; j < k; j++) {
      if (!data.summary[method]?.selected[asset * k + j]) continue;
      assets.add(asset);
      byFactor[j][(data.summary[method].mean[asset * k + j] ?? 0) < 0 ? 'negative' : 'positive']++;
    }
  }
  const total = byFactor.reduce((sum, { positive, negative }) => sum + positive + negative, 0);
  return { total, byFactor, assets: assets.size };
}

function significance(data: PageData): string {
  const method = headlineMethod(data);
  if (!method) return 'No method of this run tests its exposures, so that none can be called significant.';
  const universe = judgedAssets(data).length;
  const pairs = universe * data.factors.length;
  const { total, assets } = selectedPairs(data, method);
  const by = method === 'chosen' ? "by each asset's chosen method" : `by the ${methodName(method)}`;
  const rate = `at a false-discovery rate of ${fixed(data.level, 2)}`;
  if (total === 0) {
    return `None of the ${pairs} asset-factor pairs is significant ${by} ${rate}: no link shown can be told from chance.`;
  }
  return `${total} of ${pairs} asset-factor pairs, in ${assets} of ${count(universe, 'asset')}, are significant ${by} ${rate}; for the other ${pairs - total} an exposure is not provable with these data.${openSigns(data, method)}`;
}

/** That a pair may move and its mean sign yet be open: two claims, tested apart. */
function openSigns(data: PageData, method: string): string {
  const { selected, lo, hi } = data.summary[method] ?? { selected: [], lo: [], hi: [] };
  const k = data.factors.length;
  const pairs = judgedAssets(data).flatMap((asset) => data.factors.map((_, j) => asset * k + j));
  const open = pairs.filter((i) => selected[i] === 1 && (lo[i] ?? 1) < 0 && (hi[i] ?? -1) > 0).length;
  if (open === 0) return '';
  return ` Of those that are significant, ${open === 1 ? 'one has' : `${open} have`} a mean exposure whose interval contains 0: that the return moves with the factor is shown, the sign on average is not.`;
}

function strongestFactor(data: PageData): string {
  const { byFactor } = selectedPairs(data, headlineMethod(data));
  const best = byFactor
    .map(({ positive, negative }, i) => ({ i, positive, negative, all: positive + negative }))
    .sort((a, b) => b.all - a.all)[0];
  if (!best || best.all === 0) return '';
  const all = best.all > 1 ? 'all ' : '';
  const sign =
    best.positive === 0
      ? `${all}negative`
      : best.negative === 0
        ? `${all}positive`
        : `${best.positive} positive, ${best.negative} negative`;
  return `The factor with the most significant links is ${data.factors[best.i].name}: ${count(best.all, 'asset')}, ${sign}.`;
}

/** Methods whose exposures have lags or states; their pairs are screened for effects of those kinds too. */
const WIDE_METHODS = ['var', 'distributed_lag', 'spline', 'lstm'];

/** What the screen finds whatever was chosen: methods of a kind share their tests, so that one of each kind tells all. */
function otherScreens(data: PageData): string {
  const screened = data.methods.filter(
    (method) => method !== headlineMethod(data) && data.summary[method]?.q.some((q) => q !== null),
  );
  const found = (method: string | undefined) => (method === undefined ? undefined : selectedPairs(data, method).total);
  const linear = found(screened.find((method) => !WIDE_METHODS.includes(method)));
  const wide = found(screened.find((method) => WIDE_METHODS.includes(method)));
  const parts = [
    ...(linear === undefined ? [] : [`${count(linear, 'linear link')} within the ${data.period}`]),
    ...(wide === undefined ? [] : [`${wide} of any kind, delayed and state-dependent ones included`]),
  ];
  return parts.length > 0 ? ` Whatever method is chosen, the screen of the data finds ${parts.join(' and ')}.` : '';
}

function outOfSample(data: PageData): string {
  const block = data.scores.chosen;
  if (!block) return '';
  const r2 = judged(data, block.r2);
  const middle = median(r2);
  if (middle === null) return '';
  const what =
    data.horizon === 0
      ? 'attribution given the factors that came'
      : `a forecast ${count(data.horizon, data.period)} ahead`;
  const verdict = middle > 0.0005 ? 'explain some of the returns' : 'explain nothing beyond the mean return';
  const hedged = hedgeClause(median(judged(data, block.hedge)));
  return `Out of sample the chosen exposures ${verdict} of the median asset: R\u00b2 ${percent(middle)} % (${what}), above 0 for ${shareAbove(r2)}.${hedged}`;
}

function hedgeClause(reduction: Maybe): string {
  if (reduction === null) return '';
  const size = percent(Math.abs(reduction));
  if (Number(size) === 0) return " Hedging with them leaves the median asset's variance as it is.";
  return ` Hedging with them ${reduction > 0 ? 'takes' : 'adds'} ${size} % ${reduction > 0 ? 'off' : 'to'} the variance of the median asset.`;
}

function shareAbove(values: readonly Maybe[]): string {
  const known = values.filter((x) => x !== null);
  return `${known.filter((x) => x > 0).length} of ${count(known.length, 'asset')}`;
}

function wins(data: PageData): string {
  const methods = data.methods.filter((method) => data.scores[method]);
  if (methods.length < 2) return '';
  const best = winners(
    methods.map((method) => judged(data, data.scores[method].r2)),
    judgedAssets(data).length,
  );
  const counted = methods
    .map((method, i) => ({ method, won: best.filter((winner) => winner === i).length }))
    .filter(({ won }) => won > 0)
    .sort((a, b) => b.won - a.won);
  const names = counted.map(({ method, won }) => `${methodName(method)} ${won}`);
  const rest = methods.length - counted.length;
  const others = rest === 0 ? '' : `; the other ${count(rest, 'method')} in none`;
  return `Best out-of-sample R\u00b2, in number of assets: ${names.join(', ')}${others}.`;
}

/** Whether the LSTM beats its hardest traditional rival on a score, in how many assets, and against nothing at all. */
export function lstmAgainstRest(data: PageData, score: 'r2' | 'hedge'): string {
  const lstm = data.scores.lstm && judged(data, data.scores.lstm[score]);
  const rivals = data.methods.filter((method) => method !== 'lstm' && method !== 'zero' && data.scores[method]);
  if (!lstm) return '';
  const against = rivals
    .map((rival) => {
      const other = judged(data, data.scores[rival][score]);
      const pairs = lstm.flatMap((x, i) => {
        const y = other[i];
        return x === null || y === null ? [] : [x > y];
      });
      return { rival, ahead: pairs.filter(Boolean).length, all: pairs.length };
    })
    .filter(({ all }) => all > 0)
    .sort((a, b) => a.ahead / a.all - b.ahead / b.all);
  if (against.length === 0) return '';
  const [{ rival, ahead, all }] = against;
  const verb = 2 * ahead > all ? 'is ahead of' : 2 * ahead === all ? 'is level with' : 'loses to';
  const name = score === 'r2' ? 'R\u00b2' : 'hedge variance reduction';
  const nothing = lstm.filter((x) => x !== null && x <= 0).length;
  return `By ${name} the LSTM ${verb} ${methodName(rival)}, its hardest traditional rival: better in ${ahead} of ${count(all, 'asset')}. In ${nothing === lstm.length ? `all ${nothing}` : nothing} it does no better than claiming no exposure.`;
}

function caveat(data: PageData): string {
  const labelled = (label: string) => data.assets.filter(({ labels }) => labels.includes(label)).length;
  const [survivors, computed] = [labelled('survivor'), labelled('computed')];
  const flatter =
    survivors === 0
      ? ''
      : `${survivors} of the ${count(data.assets.length, 'asset')} are companies that survived to the end of the sample: averages over them flatter.`;
  const known =
    computed === 0
      ? ''
      : ` ${count(computed, 'computed asset')}, whose exposures are known beforehand, ${computed === 1 ? 'is' : 'are'} left out of these counts.`;
  return `${flatter}${known}`.trim();
}
