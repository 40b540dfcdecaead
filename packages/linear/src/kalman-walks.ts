import type { AssetRange, Span } from '@macrograd/core';
import {
  type KalmanModel,
  type KalmanNoise,
  type KalmanPath,
  type KalmanSearch,
  type KalmanVariances,
  kalmanPath,
  kalmanVariances,
  kalmanVariancesEach,
  type RegressionPanel,
} from '@macrograd/kernel';
import type { CoefficientBlock } from './coefficients.js';
import { type KalmanForm, partsOf, searches, widened } from './kalman-forms.js';

/** Fewer assets than this have no cross-section to speak of. */
const LEAST_CROSS_SECTION = 4;

/** What {@link estimateWalks} needs to know. */
export interface WalkSettings {
  readonly pooling: 'cross_section' | 'variances' | 'none';
  readonly form: KalmanForm;
  readonly noise: KalmanNoise;
  readonly reading: 'filter' | 'smoother';
  readonly covarianceForm: 'covariance' | 'square_root';
  readonly varianceRows: number;
  readonly minObservations: number;
  readonly signal?: AbortSignal;
}

/** Moving coefficients of all assets. */
export interface Walks {
  /** States as of training rows, made on demand. */
  readonly path: (rows: Span, assets: AssetRange, signal?: AbortSignal) => Promise<CoefficientBlock>;
  readonly facts: Readonly<Record<string, number>>;
}

type Reader = (rows: Span, assets: AssetRange, signal?: AbortSignal) => Promise<KalmanPath>;

/** Estimates the variances; the states are read from the result. `free` regressors (constant, marks) do not move. */
export async function estimateWalks(
  panel: RegressionPanel,
  free: readonly number[],
  settings: WalkSettings,
): Promise<Walks> {
  if (settings.pooling === 'cross_section' && panel.assets >= LEAST_CROSS_SECTION) {
    return crossSection(panel, free, settings);
  }
  const candidates = searches(settings.form, panel.columns, free, { start: 'diffuse', shared: false });
  if (settings.pooling !== 'none') {
    const found = await likeliest(panel, candidates, settings);
    const path = reader(panel, [found.model], settings);
    return { path, facts: { ...factsOf([found]), ...(await shapeFacts(path, panel, settings)) } };
  }
  const found = await eachOnItsOwn(panel, candidates, settings);
  // An asset without variances of its own has too few returns for a path; the model it is read with is of no account.
  const models = found.map((own) => own?.model ?? candidates[0].model);
  const path = reader(panel, models, settings);
  const known = found.filter((own) => own !== undefined);
  return { path, facts: { ...factsOf(known), ...(await shapeFacts(path, panel, settings)) } };
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
  const { form } = settings;
  // One series says little about K variances: its factors share one for the steps and one for the start, unless its
  // own movement is what is asked for.
  const together = searches(form, panel.columns, free, { start: 'prior', shared: form !== 'common' });
  const apart = searches(form, panel.columns, free, { start: 'prior', shared: false });
  const common = await likeliest(market, together, settings);
  const own = await likeliest(deviations, apart, settings);
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
  const last = { start: Math.max(0, panel.rows - 1), end: panel.rows };
  const noise = [await readMarket(last, { start: 0, end: 1 }), await readOwn(last, { start: 0, end: panel.assets })];
  const steps = [common, own].map(({ model }, at) => sum(model.stepVariance) * middle(noise[at].noise));
  return {
    path,
    facts: {
      ...factsOf([common, own]),
      /** Of the variance of all steps of an asset's coefficients: what all assets move by together. */
      common_share: steps[0] / (steps[0] + steps[1]),
      ...shapesOf(noise[1], settings),
    },
  };
}

async function likeliest(panel: RegressionPanel, candidates: readonly KalmanSearch[], settings: WalkSettings) {
  const early = trained(panel, settings);
  let best: KalmanVariances | undefined;
  for (const search of candidates) {
    const found = await kalmanVariances(early, search, stopOf(settings));
    if (best === undefined || found.logLikelihood > best.logLikelihood) best = found;
  }
  if (best === undefined) throw new RangeError('no search to choose from');
  return best;
}

async function eachOnItsOwn(panel: RegressionPanel, candidates: readonly KalmanSearch[], settings: WalkSettings) {
  const early = trained(panel, settings);
  let best = new Array<KalmanVariances | undefined>(panel.assets).fill(undefined);
  for (const search of candidates) {
    const found = await kalmanVariancesEach(early, search, stopOf(settings));
    best = best.map((own, asset) => {
      const other = found[asset];
      return own && other && own.logLikelihood >= other.logLikelihood ? own : (other ?? own);
    });
  }
  return best;
}

/** The rows that variances are estimated from, with the columns that the form needs. */
function trained(panel: RegressionPanel, { varianceRows: rows, form }: WalkSettings): RegressionPanel {
  const early = {
    ...panel,
    rows,
    design: panel.design.subarray(0, rows * panel.columns),
    returns: panel.returns.subarray(0, rows * panel.assets),
  };
  return widened(early, form);
}

function stopOf({ signal }: WalkSettings): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

function reader(panel: RegressionPanel, models: readonly KalmanModel[], settings: WalkSettings): Reader {
  const { reading, minObservations, noise: disturbance, covarianceForm: form } = settings;
  const wide = widened(panel, settings.form);
  const options = { reading, minObservations, disturbance, form, parts: partsOf(settings.form) };
  return (rows, assets, signal) =>
    kalmanPath(wide, models, { ...options, ...(signal ? { signal } : {}) }, { rows, assets });
}

function factsOf(found: readonly KalmanVariances[]): Record<string, number> {
  const steps = found.flatMap(({ model }) => [...model.stepVariance]);
  const persistence = found[0]?.model.transition?.[found[0].model.transition.length - 1] ?? 1;
  return {
    log_likelihood: found.reduce((total, { logLikelihood }) => total + logLikelihood, 0),
    moving: steps.filter((variance) => variance > 0).length / Math.max(1, found.length),
    largest_step_sd: Math.sqrt(Math.max(0, ...steps)),
    persistence,
    evaluations: found.reduce((total, { evaluations }) => total + evaluations, 0),
    converged: found.every(({ converged }) => converged) ? 1 : 0,
  };
}

async function shapeFacts(path: Reader, panel: RegressionPanel, settings: WalkSettings) {
  if (settings.noise === 'gaussian') return {};
  const last = { start: Math.max(0, panel.rows - 1), end: panel.rows };
  return shapesOf(await path(last, { start: 0, end: panel.assets }), settings);
}

function shapesOf({ shape }: KalmanPath, { noise }: WalkSettings): Record<string, number> {
  if (noise === 'gaussian') return {};
  return noise === 'student_t' ? { degrees_of_freedom: middle(shape) } : { volatility_step: middle(shape) };
}

/** Median of what is known. */
function middle(values: Float64Array): number {
  const known = values.filter((value) => !Number.isNaN(value)).sort();
  return known.length === 0 ? Number.NaN : known[Math.floor(known.length / 2)];
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** [row]: mean over the assets observed; NaN where none is. */
function meanReturns({ returns, rows, assets }: RegressionPanel): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    const seen = returns.subarray(row * assets, (row + 1) * assets).filter((value) => !Number.isNaN(value));
    return seen.reduce((total, value) => total + value, 0) / seen.length;
  });
}
