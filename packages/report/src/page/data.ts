import { METHOD_IDS } from '@macrograd/core';
import type { PageData } from '../page-data.js';
import type { RunResult } from '../result.js';
import { choiceBlocks, pageFactors, scoreBlocks, summaryBlocks } from './headline.js';
import { historyPart } from './history.js';
import { distinct } from './index-of.js';
import { pageStates } from './states.js';

/** Characters of base64 that the exposures through time may take: with the script and the rest the page stays below 5 MB. */
const HISTORY_BUDGET = 3_600_000;

const periods: Readonly<Record<string, string>> = { D: 'day', W: 'week', M: 'month', Q: 'quarter', A: 'year' };

/** Turns the tables of a run into what the page's script reads. */
export function pageData(result: RunResult, historyBudget = HISTORY_BUDGET): PageData {
  const { run, summary, evaluation, chosen } = result;
  const labels = new Map(run.assets.map((asset) => [asset.name, asset.labels]));
  const assets = distinct(summary.columns.asset, chosen.columns.asset);
  const factors = pageFactors(result.factors);
  const statuses = distinct(summary.columns.status);
  const blocks = summaryBlocks(
    summary,
    assets,
    factors.map(({ name }) => name),
    statuses,
  );
  const order = bySignificance(blocks, assets.length, factors.length);
  const { choices, reasons } = choiceBlocks(chosen, assets);
  const states = pageStates(summary);
  return {
    assets: assets.map((name) => ({ name, labels: labels.get(name) ?? [] })),
    factors,
    methods: inArenaOrder(distinct(evaluation.columns.method, summary.columns.method)),
    statuses,
    level: run.screening_level,
    horizon: run.horizon,
    period: periods[run.frequency] ?? 'period',
    choices,
    reasons,
    summary: blocks,
    scores: scoreBlocks(evaluation, assets),
    ...(states && { states }),
    ...historyPart({ exposures: result.exposures, lags: result.lags, assets, factors, order, budget: historyBudget }),
  };
}

/** In the order of the known methods; others follow in the order of the tables. */
function inArenaOrder(methods: readonly string[]): string[] {
  const known: readonly string[] = METHOD_IDS;
  const place = (method: string) => (known.includes(method) ? known.indexOf(method) : known.length);
  return methods.filter((method) => method !== 'chosen').sort((a, b) => place(a) - place(b));
}

/** Assets by their smallest q-value over methods and factors: those worth looking at come first. */
function bySignificance(blocks: PageData['summary'], assets: number, factors: number): number[] {
  const best = Array.from({ length: assets }, (_, asset) => {
    let q = Number.POSITIVE_INFINITY;
    for (const block of Object.values(blocks)) {
      for (let j = 0; j < factors; j++) q = Math.min(q, block.q[asset * factors + j] ?? Number.POSITIVE_INFINITY);
    }
    return q;
  });
  // Infinities are equal, which their difference (NaN) would not say.
  return best.map((_, i) => i).sort((a, b) => (best[a] === best[b] ? a - b : best[a] < best[b] ? -1 : 1));
}
