import {
  type Estimator,
  type Fitted,
  indexesOfRole,
  type MethodId,
  type ProgressCallback,
  type Span,
} from '@macrograd/core';
import { exposureCube } from '@macrograd/exposure';
import type { ProcessId } from './processes.js';
import { simulateWorld, type World, type WorldOptions } from './world.js';

/** How well one factor's true exposure was recovered. */
export interface FactorRecovery {
  readonly factor: string;
  /** RMSE of the exposure over the SD of the true one, assets and dates pooled: 1 is what knowing the mean alone gives. */
  readonly score: number;
  /** Mean over assets of the correlation over time with the truth; NaN where the truth stands still. */
  readonly withinCorrelation: number;
  /** Share of true exposures inside the 90 % interval; NaN where the method has none. */
  readonly coverage: number;
}

/** Recovery of one method on one world: means over the scored factors, and the factors. */
export interface RecoveryScore {
  readonly score: number;
  readonly withinCorrelation: number;
  readonly coverage: number;
  readonly factors: readonly FactorRecovery[];
}

/** One line of what `macrograd simulate` prints. */
export interface RecoveryRow extends RecoveryScore {
  readonly process: ProcessId;
  readonly seed: number;
  readonly r2: number;
  readonly months: number;
  readonly assets: number;
  readonly method: MethodId;
  readonly kind: 'contemporaneous' | 'cumulative';
}

export interface RecoveryOptions extends WorldOptions {
  readonly estimators: readonly Estimator[];
  /** Share of the months to fit on; the rest is scored. Default .7. */
  readonly trainShare?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressCallback;
}

/** Fits every estimator on the first months of a simulated world and scores its exposures on the rest. */
export async function runRecovery(options: RecoveryOptions): Promise<RecoveryRow[]> {
  const { estimators, trainShare = 0.7, signal, onProgress } = options;
  const world = simulateWorld(options);
  const months = world.panel.axis.dates.length;
  const cut = Math.round(trainShare * months);
  const rows: RecoveryRow[] = [];
  for (const [i, estimator] of estimators.entries()) {
    onProgress?.(i / estimators.length, `${world.process}, seed ${world.seed}: ${estimator.method}`);
    const stop = signal ? { signal } : {};
    const fitted = await estimator.fit(world.panel, { start: 0, end: cut }, { seed: world.seed, ...stop });
    rows.push({
      process: world.process,
      seed: world.seed,
      r2: world.r2,
      months,
      assets: world.panel.assets.length,
      method: estimator.method,
      kind: world.truth.kind,
      ...(await recoveryScore(world, fitted, { start: cut, end: months }, signal)),
    });
  }
  onProgress?.(1, `${world.process}, seed ${world.seed}`);
  return rows;
}

/** Compares a fit's exposures over a span of a world's rows with the truth, both per training SD of the factor. */
export async function recoveryScore(
  world: World,
  fitted: Fitted,
  span: Span,
  signal?: AbortSignal,
): Promise<RecoveryScore> {
  const { truth, panel } = world;
  const factorCount = indexesOfRole(panel.inputs, 'factor').length;
  const months = panel.axis.dates.length;
  const rows = span.end - span.start;
  const { sd } = fitted.parameters().scaler;
  const tallies = truth.scored.map(() => new Tally());
  const request = { form: truth.kind, ...(signal ? { signal } : {}) };
  for await (const cube of exposureCube(fitted, panel.inputs, span, request)) {
    for (let asset = cube.assets.start; asset < cube.assets.end; asset++) {
      truth.scored.forEach((factor, s) => {
        const path = (values: Float64Array, firstRow: number): Float64Array =>
          Float64Array.from({ length: rows }, (_, t) => values[(firstRow + t) * factorCount + factor]);
        const scale = sd[factor] / truth.factorSd[factor];
        const first = (asset - cube.assets.start) * rows;
        tallies[s].add(
          path(truth.exposure, asset * months + span.start).map((x) => x * scale),
          path(cube.exposure, first),
          path(cube.lo, first),
          path(cube.hi, first),
        );
      });
    }
  }
  const factors = truth.scored.map((factor, s) => tallies[s].result(panel.inputs.factors[factor].name));
  return {
    score: average(factors.map((factor) => factor.score)),
    withinCorrelation: average(factors.map((factor) => factor.withinCorrelation)),
    coverage: average(factors.map((factor) => factor.coverage)),
    factors,
  };
}

/** Running sums over assets of one factor's recovery. */
class Tally {
  private count = 0;
  private squaredError = 0;
  private truthSum = 0;
  private truthSquares = 0;
  private bounded = 0;
  private covered = 0;
  private readonly within: number[] = [];

  /** Takes one asset's paths over time. */
  add(truth: Float64Array, estimate: Float64Array, lo: Float64Array, hi: Float64Array): void {
    for (let t = 0; t < truth.length; t++) {
      this.count++;
      this.squaredError += (estimate[t] - truth[t]) ** 2;
      this.truthSum += truth[t];
      this.truthSquares += truth[t] ** 2;
      if (Number.isNaN(lo[t])) continue;
      this.bounded++;
      if (lo[t] <= truth[t] && truth[t] <= hi[t]) this.covered++;
    }
    this.within.push(correlation(truth, estimate));
  }

  result(factor: string): FactorRecovery {
    const variance = this.truthSquares / this.count - (this.truthSum / this.count) ** 2;
    return {
      factor,
      score: Math.sqrt(this.squaredError / this.count / variance),
      withinCorrelation: average(this.within),
      coverage: this.bounded > 0 ? this.covered / this.bounded : Number.NaN,
    };
  }
}

/** Correlation of an estimate with the truth: NaN where the truth stands still, 0 where only the estimate does. */
function correlation(truth: Float64Array, estimate: Float64Array): number {
  const n = truth.length;
  const truthMean = truth.reduce((sum, x) => sum + x, 0) / n;
  const estimateMean = estimate.reduce((sum, x) => sum + x, 0) / n;
  let product = 0;
  let truthSquares = 0;
  let estimateSquares = 0;
  for (let t = 0; t < n; t++) {
    const a = truth[t] - truthMean;
    const b = estimate[t] - estimateMean;
    product += a * b;
    truthSquares += a * a;
    estimateSquares += b * b;
  }
  // Relative to the level, because rounding alone moves a constant by 1e-16 of it.
  if (truthSquares <= 1e-24 * n * truthMean * truthMean) return Number.NaN;
  return estimateSquares > 1e-24 * n * estimateMean * estimateMean
    ? product / Math.sqrt(truthSquares * estimateSquares)
    : 0;
}

/** Mean of the values that exist; NaN of none. */
function average(values: readonly number[]): number {
  const present = values.filter((x) => !Number.isNaN(x));
  return present.reduce((sum, x) => sum + x, 0) / present.length;
}
