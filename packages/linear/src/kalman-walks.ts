import { type AssetRange, CancelledError, type Span } from '@macrograd/core';
import {
  diffuseModel,
  type KalmanModel,
  type KalmanVariances,
  kalmanPath,
  kalmanVariances,
  type RegressionPanel,
} from '@macrograd/kernel';
import type { CoefficientBlock } from './coefficients.js';

/** Fewer assets than this have no cross-section to speak of. */
const LEAST_CROSS_SECTION = 4;

/** What {@link estimateWalks} needs to know. */
export interface WalkSettings {
  readonly pooling: 'cross_section' | 'variances' | 'none';
  readonly reading: 'filter' | 'smoother';
  readonly varianceRows: number;
  readonly minObservations: number;
  readonly signal?: AbortSignal;
}

/** Random-walk coefficients of all assets. */
export interface Walks {
  /** States as of training rows, made on demand. */
  readonly path: (rows: Span, assets: AssetRange, signal?: AbortSignal) => Promise<CoefficientBlock>;
  readonly facts: Readonly<Record<string, number>>;
}

/** Estimates the variances; the states are read from the result. `free` regressors (constant, marks) do not move. */
export async function estimateWalks(
  panel: RegressionPanel,
  free: readonly number[],
  settings: WalkSettings,
): Promise<Walks> {
  if (settings.pooling === 'cross_section' && panel.assets >= LEAST_CROSS_SECTION) {
    return crossSection(panel, free, settings);
  }
  const search = freeStart(panel.columns, free);
  if (settings.pooling !== 'none') {
    const found = await variances(panel, search, settings);
    return { path: reader(panel, [found.model], settings), facts: factsOf([found], free) };
  }
  const found: KalmanVariances[] = [];
  for (let asset = 0; asset < panel.assets; asset++) {
    if (settings.signal?.aborted) throw new CancelledError('estimating variances');
    found.push(await variances(oneAsset(panel, asset), search, settings));
  }
  const models = found.map(({ model }) => model);
  return { path: reader(panel, models, settings), facts: factsOf(found, free) };
}

/**
 * Mean over assets and deviations from it. With sqrt(N) times the mean and the N - 1 deviations independent, the states
 * add up, and so do their variances.
 */
async function crossSection(panel: RegressionPanel, free: readonly number[], settings: WalkSettings): Promise<Walks> {
  const mean = meanReturns(panel);
  const market = { ...panel, returns: mean, assets: 1 };
  const deviations = {
    ...panel,
    returns: panel.returns.map((value, at) => value - mean[Math.floor(at / panel.assets)]),
  };
  const moving = (column: number) => !free.includes(column);
  const columns = Array.from({ length: panel.columns }, (_, column) => column);
  const start: KalmanModel = {
    ...diffuseModel(new Float64Array(panel.columns)),
    initialVariance: Float64Array.from(columns, (column) => (moving(column) ? 1 : Number.POSITIVE_INFINITY)),
  };
  // One series says little about K variances: its factors share one for the steps and one for the start.
  const together = {
    model: start,
    stepParameter: columns.map((column) => (moving(column) ? 0 : -1)),
    initialParameter: columns.map((column) => (moving(column) ? 1 : -1)),
  };
  let next = 0;
  const stepParameter = columns.map((column) => (moving(column) ? next++ : -1));
  const initialParameter = columns.map((column) => (moving(column) ? next++ : -1));
  const common = await variances(market, together, settings);
  const own = await variances(deviations, { model: start, stepParameter, initialParameter }, settings);
  const readMarket = reader(market, [common.model], { ...settings, minObservations: panel.columns + 1 });
  const readOwn = reader(deviations, [own.model], settings);
  const path = async (rows: Span, assets: AssetRange, signal?: AbortSignal): Promise<CoefficientBlock> => {
    const base = await readMarket(rows, { start: 0, end: 1 }, signal);
    const block = await readOwn(rows, assets, signal);
    for (let at = 0; at < block.coefficients.length; at++) {
      block.coefficients[at] += base.coefficients[at % base.coefficients.length];
      block.variances[at] += base.variances[at % base.variances.length];
    }
    return block;
  };
  return { path, facts: factsOf([common, own], free) };
}

/** Nothing is known at the start; every moving regressor has a step variance of its own. */
function freeStart(columns: number, free: readonly number[]) {
  let next = 0;
  return {
    model: diffuseModel(new Float64Array(columns)),
    stepParameter: Array.from({ length: columns }, (_, column) => (free.includes(column) ? -1 : next++)),
    initialParameter: new Array<number>(columns).fill(-1),
  };
}

function variances(panel: RegressionPanel, search: Parameters<typeof kalmanVariances>[1], settings: WalkSettings) {
  const rows = settings.varianceRows;
  const early = {
    ...panel,
    rows,
    design: panel.design.subarray(0, rows * panel.columns),
    returns: panel.returns.subarray(0, rows * panel.assets),
  };
  return kalmanVariances(early, search, settings.signal ? { signal: settings.signal } : {});
}

function reader(panel: RegressionPanel, models: readonly KalmanModel[], settings: WalkSettings): Walks['path'] {
  const { reading, minObservations } = settings;
  return (rows, assets, signal) =>
    kalmanPath(panel, models, { reading, minObservations, ...(signal ? { signal } : {}) }, { rows, assets });
}

function factsOf(found: readonly KalmanVariances[], free: readonly number[]): Record<string, number> {
  const steps = found.flatMap(({ model }) => [...model.stepVariance].filter((_, column) => !free.includes(column)));
  return {
    log_likelihood: found.reduce((sum, { logLikelihood }) => sum + logLikelihood, 0),
    moving: steps.filter((variance) => variance > 0).length / Math.max(1, found.length),
    largest_step_sd: Math.sqrt(Math.max(0, ...steps)),
    evaluations: found.reduce((sum, { evaluations }) => sum + evaluations, 0),
    converged: found.every(({ converged }) => converged) ? 1 : 0,
  };
}

/** [row]: mean over the assets observed; NaN where none is. */
function meanReturns({ returns, rows, assets }: RegressionPanel): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    const seen = returns.subarray(row * assets, (row + 1) * assets).filter((value) => !Number.isNaN(value));
    return seen.reduce((sum, value) => sum + value, 0) / seen.length;
  });
}

function oneAsset(panel: RegressionPanel, asset: number): RegressionPanel {
  const returns = Float64Array.from({ length: panel.rows }, (_, row) => panel.returns[row * panel.assets + asset]);
  return { ...panel, returns, assets: 1 };
}
