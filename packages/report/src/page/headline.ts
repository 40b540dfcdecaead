import { NULL_INT, stringAt, type TableData } from '@macrograd/store';
import type { Maybe, PageChoice, PageFactor, PageScores, PageSummary } from '../page-data.js';
import { codesTo, headlineFit, rounded } from './index-of.js';

/** The summary table as one dense [asset][factor] block a method. */
export function summaryBlocks(
  table: TableData<'summary'>,
  assets: readonly string[],
  factors: readonly string[],
  statuses: readonly string[],
): Record<string, PageSummary> {
  const c = table.columns;
  const fit = c.fit.values.indexOf(headlineFit(c.fit));
  const [assetAt, factorAt, statusAt] = [
    codesTo(c.asset, assets),
    codesTo(c.factor, factors),
    codesTo(c.status, statuses),
  ];
  const blocks: Record<string, ReturnType<typeof emptyBlock>> = {};
  for (let row = 0; row < table.rows; row++) {
    if (c.fit.codes[row] !== fit) continue;
    const factor = factorAt[c.factor.codes[row]];
    if (factor < 0) continue;
    const method = stringAt(c.method, row) as string;
    if (method === 'zero') continue;
    blocks[method] ??= emptyBlock(assets.length * factors.length);
    const block = blocks[method];
    const i = assetAt[c.asset.codes[row]] * factors.length + factor;
    block.mean[i] = rounded(c.mean_exposure[row]);
    block.lo[i] = rounded(c.lo[row]);
    block.hi[i] = rounded(c.hi[row]);
    block.latest[i] = rounded(c.latest_exposure[row]);
    block.q[i] = rounded(c.q_value[row]);
    block.selected[i] = c.selected[row] === 1 ? 1 : 0;
    block.peakLag[i] = whole(c.peak_lag[row]);
    block.peakLagLo[i] = whole(c.peak_lag_lo[row]);
    block.peakLagHi[i] = whole(c.peak_lag_hi[row]);
    block.halfLife[i] = rounded(c.half_life[row]);
    block.halfLifeLo[i] = rounded(c.half_life_lo[row]);
    block.halfLifeHi[i] = rounded(c.half_life_hi[row]);
    block.status[i] = statusAt[c.status.codes[row]] ?? -1;
  }
  return Object.fromEntries(Object.entries(blocks).map(([method, block]) => [method, slim(block, statuses)]));
}

/** A whole number, or null. */
function whole(value: number): Maybe {
  return value === NULL_INT ? null : value;
}

/** A block without what says nothing: a universe's page is mostly these arrays. */
function slim(block: ReturnType<typeof emptyBlock>, statuses: readonly string[]): PageSummary {
  const known = (values: Maybe[]) => (values.some((x) => x !== null) ? values : []);
  const ok = statuses.indexOf('ok');
  return {
    ...block,
    latest: block.latest.every((x, i) => x === block.mean[i]) ? [] : block.latest,
    lo: known(block.lo),
    hi: known(block.hi),
    q: known(block.q),
    peakLag: known(block.peakLag),
    peakLagLo: known(block.peakLagLo),
    peakLagHi: known(block.peakLagHi),
    halfLife: known(block.halfLife),
    halfLifeLo: known(block.halfLifeLo),
    halfLifeHi: known(block.halfLifeHi),
    status: block.status.every((status) => status === ok) ? [] : block.status,
  };
}

function emptyBlock(size: number) {
  const missing = (): Maybe[] => new Array<Maybe>(size).fill(null);
  return {
    mean: missing(),
    lo: missing(),
    hi: missing(),
    latest: missing(),
    q: missing(),
    selected: new Array<0 | 1>(size).fill(0),
    peakLag: missing(),
    peakLagLo: missing(),
    peakLagHi: missing(),
    halfLife: missing(),
    halfLifeLo: missing(),
    halfLifeHi: missing(),
    status: new Array<number>(size).fill(-1),
  };
}

/**
 * Scores over the whole out-of-sample span by method, one entry an asset: the rows of fold `all`, and where an asset
 * has none of these the mean over its folds, weighted by their observations (tests can't be averaged and stay null).
 */
export function scoreBlocks(table: TableData<'evaluation'>, assets: readonly string[]): Record<string, PageScores> {
  const c = table.columns;
  const all = c.fold.values.indexOf('all');
  const assetAt = codesTo(c.asset, assets);
  const blocks: Record<string, ReturnType<typeof emptyScores>> = {};
  for (let row = 0; row < table.rows; row++) {
    const method = stringAt(c.method, row) as string;
    blocks[method] ??= emptyScores(assets.length);
    const block = blocks[method];
    const i = assetAt[c.asset.codes[row]];
    if (i < 0) {
      // The universe as a whole: a row that carries no asset's name.
      if (c.fold.codes[row] === all) block.pooledR2 = rounded(c.r2_oos[row]);
    } else if (all < 0) {
      addWeighted(block.r2, block.r2Weight, i, c.r2_oos[row], c.n[row]);
      addWeighted(block.hedge, block.hedgeWeight, i, c.hedge_variance_reduction[row], c.n[row]);
    } else if (c.fold.codes[row] === all) {
      block.r2[i] = rounded(c.r2_oos[row]);
      block.hedge[i] = rounded(c.hedge_variance_reduction[row]);
      block.dmStat[i] = rounded(c.dm_stat[row]);
      block.dmP[i] = rounded(c.dm_p_value[row]);
      block.cwP[i] = rounded(c.cw_p_value[row]);
    }
  }
  return Object.fromEntries(
    Object.entries(blocks).map(([method, { r2Weight: _, hedgeWeight: __, ...scores }]) => [method, scores]),
  );
}

function emptyScores(size: number) {
  const missing = (): Maybe[] => new Array<Maybe>(size).fill(null);
  const weights = () => new Float64Array(size);
  return {
    r2: missing(),
    hedge: missing(),
    dmStat: missing(),
    dmP: missing(),
    cwP: missing(),
    pooledR2: null as Maybe,
    r2Weight: weights(),
    hedgeWeight: weights(),
  };
}

function addWeighted(sums: Maybe[], weights: Float64Array, i: number, value: number, weight: number): void {
  if (!Number.isFinite(value)) return;
  const total = weights[i] + weight;
  sums[i] = rounded(((sums[i] ?? 0) * weights[i] + value * weight) / total);
  weights[i] = total;
}

/** Method or mix chosen for each asset by the headline fit, heaviest first, and the reason in words. */
export function choiceBlocks(
  table: TableData<'chosen'>,
  assets: readonly string[],
): { choices: PageChoice[][]; reasons: string[] } {
  const c = table.columns;
  const fit = c.fit.values.indexOf(headlineFit(c.fit));
  const assetAt = codesTo(c.asset, assets);
  const choices: PageChoice[][] = assets.map(() => []);
  const reasons = assets.map(() => '');
  for (let row = 0; row < table.rows; row++) {
    if (c.fit.codes[row] !== fit || !(c.weight[row] > 0)) continue;
    const i = assetAt[c.asset.codes[row]];
    choices[i].push({ method: stringAt(c.method, row) as string, weight: rounded(c.weight[row]) ?? 1 });
    reasons[i] ||= stringAt(c.reason, row) as string;
  }
  for (const choice of choices) choice.sort((a, b) => b.weight - a.weight);
  return { choices, reasons };
}

/** Factors proper (no states, no controls) of the headline fit, in the order of the table. */
export function pageFactors(table: TableData<'factors'>): PageFactor[] {
  const c = table.columns;
  const fit = c.fit.values.indexOf(headlineFit(c.fit));
  const factors: PageFactor[] = [];
  for (let row = 0; row < table.rows; row++) {
    if (c.fit.codes[row] !== fit || stringAt(c.role, row) !== 'factor') continue;
    factors.push({
      name: stringAt(c.factor, row) as string,
      unit: stringAt(c.unit, row) as string,
      transform: stringAt(c.transform, row) as string,
      sd: rounded(c.sd[row]),
      releaseLag: c.release_lag[row],
      source: stringAt(c.source, row) as string,
    });
  }
  return factors;
}
