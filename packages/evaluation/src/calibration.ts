import {
  ArgumentError,
  type Estimator,
  type Fitted,
  indexesOfRole,
  type JacobianBlock,
  type Panel,
  type ProgressCallback,
  Random,
  type Span,
} from '@macrograd/core';
import { normalQuantile } from '@macrograd/exposure';

/** Options of {@link calibrateIntervals}. */
export interface CalibrationOptions {
  /** Simulated worlds, one fit each; default 4. */
  readonly worlds?: number;
  /** Rows of a block of residuals; default 12. */
  readonly blockRows?: number;
  /** Coverage aimed at; default .90. */
  readonly level?: number;
  /** Of the fit, of the draws and, counted on, of the fits to simulated returns. */
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressCallback;
}

/** What a method's intervals hold in worlds made by its own fit; arrays are [factor], last all factors together. */
export interface IntervalCalibration {
  /** Share of the simulated truths inside the interval as it is. */
  readonly coverage: Float64Array;
  /** What standard errors are to be multiplied by for the interval to hold the share asked for; NaN without intervals. */
  readonly scale: Float64Array;
  /** Truths looked at. */
  readonly count: number;
}

/**
 * Calibrates a method's intervals on worlds simulated from its own fit (a model-based bootstrap with the dependence of the
 * residuals kept): expected returns of the fit plus its residuals, resampled in circular blocks of rows, all assets
 * together (Politis and Romano 1992), are fitted again, and the exposures of the new fit held against those of the first,
 * which are the truth there. Scale = the quantile of |error| / se over that of the normal.
 *
 * It sees what sampling noise does to the method, residual correlation between assets and over time included. It does not
 * see what the method cannot express: a world made by the fit has no other kind of effect.
 *
 * @example
 * const { scale } = await calibrateIntervals(lstmEstimator(), panel, { start: 0, end: 420 }, { seed: 1 });
 */
export async function calibrateIntervals(
  estimator: Estimator,
  panel: Panel,
  span: Span,
  options: CalibrationOptions,
): Promise<IntervalCalibration> {
  const stop = options.signal ? { signal: options.signal } : {};
  options.onProgress?.(0, 'fitting the data');
  const fitted = await estimator.fit(panel, span, { seed: options.seed, ...stop });
  return calibrateFitted(estimator, fitted, panel, span, options);
}

/** Options of {@link calibratedEstimator}. */
export interface CalibratedEstimatorOptions extends Pick<CalibrationOptions, 'worlds' | 'blockRows' | 'level'> {
  /**
   * Intervals may become narrower too; default false. Where a fit misses part of the truth its own worlds are too easy, and
   * intervals that look wide there are not (docs/methods/evaluation.md).
   */
  readonly narrow?: boolean;
}

/** The method with its intervals scaled as {@link calibrateIntervals} says, factor by factor, in every fit. */
export function calibratedEstimator(estimator: Estimator, options: CalibratedEstimatorOptions = {}): Estimator {
  const { narrow = false, ...own } = options;
  return {
    method: estimator.method,
    async fit(panel, span, fit) {
      const fitted = await estimator.fit(panel, span, fit);
      const { scale } = await calibrateFitted(estimator, fitted, panel, span, { ...fit, ...own });
      return scaleIntervals(fitted, narrow ? scale : scale.map((factor) => Math.max(1, factor)));
    },
  };
}

async function calibrateFitted(
  estimator: Estimator,
  fitted: Fitted,
  panel: Panel,
  span: Span,
  { worlds = 4, blockRows = 12, level = 0.9, seed, signal, onProgress }: CalibrationOptions,
): Promise<IntervalCalibration> {
  if (!(worlds >= 1 && blockRows >= 1)) {
    throw new ArgumentError(`${worlds} worlds in blocks of ${blockRows} rows`, 'give at least 1 of each');
  }
  const stop = signal ? { signal } : {};
  const { values: mean } = await fitted.predict(panel.inputs, span);
  const random = new Random(seed).fork(CALIBRATION_STREAM);
  const factors = indexesOfRole(panel.inputs, 'factor').length;
  const tallies = Array.from({ length: factors + 1 }, () => new RatioTally());
  for (let world = 0; world < worlds; world++) {
    onProgress?.((world + 1) / (worlds + 1), `world ${world + 1} of ${worlds}`);
    const simulated = simulatedReturns(panel, span, mean, blockRows, random);
    const again = await estimator.fit(simulated, span, { seed: seed + 1 + world, ...stop });
    for await (const block of again.jacobian(panel.inputs, span, { form: 'contemporaneous', ...stop })) {
      const request = { form: 'contemporaneous', assets: block.assets, ...stop } as const;
      for await (const truth of fitted.jacobian(panel.inputs, span, request)) addErrors(tallies, block, truth);
    }
  }
  onProgress?.(1, 'done');
  const width = normalQuantile((1 + level) / 2);
  return {
    coverage: Float64Array.from(tallies, (tally) => tally.shareBelow(width)),
    scale: Float64Array.from(tallies, (tally) => tally.quantile(level) / width),
    count: tallies[factors].count,
  };
}

/** Stream of the random numbers that make worlds, apart from those of fits. */
const CALIBRATION_STREAM = 77;

/** The panel with returns of the span made anew: fitted mean plus residuals of drawn rows, missing where they were. */
function simulatedReturns(panel: Panel, span: Span, mean: Float64Array, blockRows: number, random: Random): Panel {
  const assets = panel.assets.length;
  const rows = span.end - span.start;
  const from = span.start * assets;
  const residual = mean.map((value, i) => panel.returns[from + i] - value);
  const returns = panel.returns.slice();
  let source = 0;
  for (let t = 0; t < rows; t++) {
    source = t % blockRows === 0 ? random.integer(rows) : (source + 1) % rows;
    for (let asset = 0; asset < assets; asset++) {
      const i = t * assets + asset;
      if (Number.isNaN(residual[i])) continue;
      // Where the drawn row has no return of this asset, its own row stands in.
      const drawn = residual[source * assets + asset];
      returns[from + i] = mean[i] + (Number.isNaN(drawn) ? residual[i] : drawn);
    }
  }
  return { ...panel, returns };
}

/** Adds |error| / se of a block against the truth of some of its assets, by factor and of all. */
function addErrors(tallies: readonly RatioTally[], block: JacobianBlock, truth: JacobianBlock): void {
  const { factors } = block;
  const from = (truth.assets.start - block.assets.start) * block.dates * factors;
  truth.values.forEach((value, i) => {
    const ratio = Math.abs(block.values[from + i] - value) / Math.sqrt(block.variance[from + i]);
    tallies[i % factors].add(ratio);
    tallies[factors].add(ratio);
  });
}

/** Ratios counted in narrow bins, so that millions take no memory. */
class RatioTally {
  count = 0;
  private readonly bins = new Uint32Array(BINS);

  add(ratio: number): void {
    if (Number.isNaN(ratio)) return;
    this.count++;
    this.bins[Math.min(BINS - 1, Math.floor(ratio / BIN_WIDTH))]++;
  }

  /** Share of the ratios below a bound. */
  shareBelow(bound: number): number {
    const whole = this.bins.subarray(0, Math.round(bound / BIN_WIDTH));
    return whole.reduce((sum, n) => sum + n, 0) / this.count;
  }

  /** Upper end of the bin that holds the quantile; NaN of no ratios. */
  quantile(level: number): number {
    let below = 0;
    for (let bin = 0; bin < BINS && this.count > 0; bin++) {
      below += this.bins[bin];
      if (below >= level * this.count) return (bin + 1) * BIN_WIDTH;
    }
    return Number.NaN;
  }
}

/** Standard errors: width of a bin, and number of bins, to 20. */
const BIN_WIDTH = 0.005;
const BINS = 4000;

/** The fit with standard errors times a scale by factor; NaN leaves a factor's as they are. */
export function scaleIntervals(fitted: Fitted, scale: Float64Array): Fitted {
  return {
    method: fitted.method,
    diagnostics: fitted.diagnostics,
    predict: (inputs, span, assets) => fitted.predict(inputs, span, assets),
    parameters: () => fitted.parameters(),
    async *jacobian(inputs, span, options) {
      for await (const block of fitted.jacobian(inputs, span, options)) {
        const { factors } = block;
        const factorOf = (i: number) => scale[i % factors];
        yield {
          ...block,
          variance: block.variance.map((v, i) => (Number.isNaN(factorOf(i)) ? v : v * factorOf(i) ** 2)),
        };
      }
    },
  };
}
