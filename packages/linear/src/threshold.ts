import {
  ArgumentError,
  type Diagnostics,
  type Estimator,
  type FitOptions,
  type Panel,
  type Span,
  type StatusNote,
} from '@macrograd/core';
import { fPValues, olsRegression, type RegressionPanel, type Thresholds, thresholdSearch } from '@macrograd/kernel';
import type { CoefficientBlock } from './coefficients.js';
import { diagnose, largestFinite } from './diagnose.js';
import { overlapLags } from './ols.js';
import { withResidualChecks } from './residual-checks.js';
import { type Candidates, thresholdCandidates } from './threshold-candidates.js';
import { ThresholdFitted } from './threshold-fitted.js';
import { shrunkRegimes } from './threshold-heads.js';
import { acceptedSplits, fitRegimes, type RegimeFits, type Splits } from './threshold-regimes.js';
import { defaultMinObservations, runOptions, type Training, training } from './training.js';

/** Fewer assets than this have no cross-section to speak of. */
const LEAST_CROSS_SECTION = 4;

/** Assets whose returns decide on a common threshold; more hardly move it, and each costs a bootstrap. */
const POOLED_ASSETS = 200;

/** Thresholds that are tried for all candidates together, and for each of them at least. */
const ALL_THRESHOLDS = 600;
const LEAST_THRESHOLDS = 25;

/** Options of {@link thresholdEstimator}. */
export interface ThresholdEstimatorOptions {
  /** Names of the series that may cross a threshold; default the states, or the factors where there is no state. */
  readonly variables?: readonly string[];
  /** Rows by which they are read before the return's own; default 0. */
  readonly delay?: number;
  /** Default `pooled`: one threshold for all assets; `asset`: each asset its own. */
  readonly scope?: 'pooled' | 'asset';
  /**
   * Default `cross_section`, with a common threshold and four assets or more: the coefficients of both regimes under one
   * prior estimated from all assets; `none`: least squares.
   */
  readonly shrinkage?: 'cross_section' | 'none';
  /** Share of the rows that each regime keeps at least; default .15. */
  readonly trimming?: number;
  /** Largest p-value at which a threshold is kept; 1 keeps every one. Default .05. */
  readonly level?: number;
  /** Bootstrap samples; default 299. */
  readonly replications?: number;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/**
 * Regression whose coefficients change where a series crosses a threshold, if a bootstrap test says that they do; else
 * static least squares (Hansen 1996, 2000). Formulae and sources: docs/methods/threshold.md.
 *
 * @example
 * const fitted = await thresholdEstimator({ variables: ['INFLATION'] }).fit(panel, { start: 0, end: 420 }, { seed: 1 });
 * fitted.diagnostics.facts.threshold_p_value;
 */
export function thresholdEstimator(options: ThresholdEstimatorOptions = {}): Estimator {
  const { delay = 0, level = 0.05 } = options;
  if (!(Number.isInteger(delay) && delay >= 0)) throw new ArgumentError(`delay is ${delay}`, 'give 0 rows or more');
  if (!(level > 0 && level <= 1)) throw new ArgumentError(`level is ${level}`, 'give a p-value in (0, 1]');
  return withResidualChecks({
    method: 'threshold',
    fit: (panel, span, fit) => fitThreshold(panel, span, fit, { ...options, delay, level }),
  });
}

type Settings = ThresholdEstimatorOptions & { readonly delay: number; readonly level: number };

async function fitThreshold(panel: Panel, span: Span, fit: FitOptions, options: Settings): Promise<ThresholdFitted> {
  const own = training(panel, span, fit, 'threshold');
  const minObservations = options.minObservations ?? defaultMinObservations(own.rule);
  const lags = overlapLags(panel.horizon, own.panel.rows);
  const regression = {
    ...runOptions(fit),
    covariance: 'hac' as const,
    minObservations,
    ...(lags === undefined ? {} : { lags }),
  };
  const whole = await olsRegression(own.panel, regression);
  const k = own.rule.width;
  const single: CoefficientBlock = {
    coefficients: whole.coefficients,
    variances: whole.coefficients.map((_, at) => whole.covariance[at * k + (at % k)]),
  };
  const candidates = thresholdCandidates(panel, span, options.variables, options.delay);
  const pooled = (options.scope ?? 'pooled') === 'pooled';
  const found = await search(own, candidates, pooled, minObservations, fit, options);
  const splits = acceptedSplits(found, own.panel.assets, pooled, options.level);
  const regimes = await fitRegimes(own.panel, candidates.values, splits, regression);
  const shrunk =
    pooled && own.panel.assets >= LEAST_CROSS_SECTION && (options.shrinkage ?? 'cross_section') === 'cross_section'
      ? await commonRegimes(own.panel, candidates, splits, minObservations, fit)
      : undefined;
  const facts = { condition_number: largestFinite(whole.condition), ...factsOf(found, splits, candidates, own.panel) };
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule: own.rule,
    coefficients: single.coefficients,
    pValues: jointPValues(whole.pValues, regimes, k),
    observations: own.observations,
    minObservations,
    facts: { regressors: k, ...facts },
  });
  return new ThresholdFitted({
    rule: own.rule,
    assets: own.panel.assets,
    trainingDates: own.dates,
    diagnostics: { ...diagnostics, status: withUnseen(diagnostics, regimes.unseen) },
    single,
    lower: shrunk?.lower ?? regimes.lower,
    upper: shrunk?.upper ?? regimes.upper,
    variable: splits.variable.map((variable) => (variable < 0 ? -1 : candidates.columns[variable])),
    threshold: splits.threshold,
    delay: options.delay,
    found: { ...found, columns: candidates.columns, pooled },
  });
}

/** Both regimes of a common threshold under one prior; undefined where no asset splits. */
async function commonRegimes(
  panel: RegressionPanel,
  candidates: Candidates,
  { variable, threshold }: Splits,
  minObservations: number,
  fit: FitOptions,
) {
  const asset = variable.findIndex((own) => own >= 0);
  if (asset < 0) return undefined;
  const q = candidates.values.subarray(variable[asset] * panel.rows, (variable[asset] + 1) * panel.rows);
  return shrunkRegimes(panel, q, threshold[asset], { ...runOptions(fit), minObservations });
}

/** Thresholds of the assets that decide; none where there is no candidate. */
async function search(
  own: Training,
  candidates: Candidates,
  pooled: boolean,
  minObservations: number,
  fit: FitOptions,
  options: Settings,
): Promise<Thresholds> {
  if (candidates.columns.length === 0) return nothingFound(own.panel.assets);
  return thresholdSearch(pooled ? deciding(own, minObservations) : own.panel, {
    ...runOptions(fit),
    variables: candidates.values,
    candidates: Math.max(LEAST_THRESHOLDS, Math.floor(ALL_THRESHOLDS / candidates.columns.length)),
    trimming: options.trimming ?? 0.15,
    replications: options.replications ?? 299,
    seed: fit.seed,
    minObservations: Math.max(minObservations, 2 * own.rule.width + 2),
  });
}

function nothingFound(assets: number): Thresholds {
  const none = new Float64Array(assets + 1).fill(Number.NaN);
  const variable = new Uint32Array(assets + 1);
  const regions = Array.from(none, () => []);
  return { variable, threshold: none, lower: none, upper: none, regions, statistic: none, pValue: none };
}

/** Evenly spaced assets among those with enough returns. */
function deciding({ panel, observations }: Training, minObservations: number): RegressionPanel {
  const able = Array.from(observations.keys()).filter((asset) => observations[asset] >= minObservations);
  if (able.length <= POOLED_ASSETS) return panel;
  const chosen = Array.from({ length: POOLED_ASSETS }, (_, i) => able[Math.floor((i * able.length) / POOLED_ASSETS)]);
  const returns = new Float64Array(panel.rows * chosen.length);
  for (let row = 0; row < panel.rows; row++) {
    chosen.forEach((asset, local) => {
      returns[row * chosen.length + local] = panel.returns[row * panel.assets + asset];
    });
  }
  return { ...panel, returns, assets: chosen.length };
}

/** Of "no exposure in either regime"; the single regression's where there is no threshold. [asset][regressor]. */
function jointPValues(whole: Float64Array, { statistics, degrees }: RegimeFits, k: number): Float64Array {
  const joint = fPValues(
    statistics,
    statistics.map(() => 2),
    statistics.map((_, at) => degrees[Math.floor(at / k)]),
  );
  return whole.map((value, at) => (Number.isNaN(degrees[Math.floor(at / k)]) ? value : joint[at]));
}

function factsOf(found: Thresholds, splits: Splits, candidates: Candidates, panel: RegressionPanel) {
  const last = found.threshold.length - 1;
  const threshold = found.threshold[last];
  const q = candidates.values.subarray(found.variable[last] * panel.rows, (found.variable[last] + 1) * panel.rows);
  const seen = q.filter((value) => !Number.isNaN(value));
  return {
    threshold,
    threshold_lo: found.lower[last],
    threshold_hi: found.upper[last],
    /** Parts of the region that these two ends span: more than 1 where another threshold fits nearly as well. */
    threshold_parts: found.regions[last].length,
    threshold_p_value: found.pValue[last],
    threshold_statistic: found.statistic[last],
    /** Column of the inputs that the common threshold is on. */
    threshold_column: candidates.columns[found.variable[last]] ?? -1,
    share_above: seen.filter((value) => value > threshold).length / Math.max(1, seen.length),
    assets_with_threshold: splits.variable.filter((variable) => variable >= 0).length,
  };
}

function withUnseen({ status }: Diagnostics, unseen: ReadonlySet<number>): StatusNote[] {
  const remedy = 'too few returns on one side of the threshold: exposures are those without one';
  return status.map((note, asset) =>
    unseen.has(asset) && note.status === 'ok' ? { status: 'regime_barely_seen', remedy } : note,
  );
}
