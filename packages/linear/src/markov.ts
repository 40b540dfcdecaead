import {
  ArgumentError,
  type AssetRange,
  type Diagnostics,
  type Estimator,
  type FitOptions,
  type Fitted,
  type Panel,
  type Span,
  type StatusNote,
} from '@macrograd/core';
import { type MarkovRegression, markovRegression, olsRegression, twoSidedPValues } from '@macrograd/kernel';
import type { CoefficientBlock } from './coefficients.js';
import { diagnose, largestFinite, statistics } from './diagnose.js';
import { LinearFitted } from './fitted.js';
import { withResidualChecks } from './residual-checks.js';
import { defaultMinObservations, runOptions, training } from './training.js';

/** Options of {@link markovEstimator}. */
export interface MarkovEstimatorOptions {
  /** 2 (default) or 3. */
  readonly regimes?: number;
  /** Whether the noise switches with the coefficients; default true. */
  readonly switchingNoise?: boolean;
  /** Default `filter`: probabilities given data up to the row; `smoother`: all training data, so that they use the future. */
  readonly reading?: 'filter' | 'smoother';
  /** Starting points of the search; default 6. */
  readonly starts?: number;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/**
 * Regression whose coefficients and noise switch with a hidden Markov chain, asset by asset, by maximum likelihood
 * (Hamilton 1989). An exposure is the mean over the regimes under their probabilities at the row; after the training span
 * the last ones hold. Formulae and sources: docs/methods/markov.md.
 *
 * @example
 * const fitted = await markovEstimator().fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * fitted.diagnostics.facts.turbulent_share; // of the rows, mean over assets
 */
export function markovEstimator(options: MarkovEstimatorOptions = {}): Estimator {
  const { regimes = 2 } = options;
  if (regimes !== 2 && regimes !== 3) throw new ArgumentError(`regimes is ${regimes}`, 'give 2 or 3');
  return withResidualChecks({
    method: 'markov',
    fit: (panel, span, fit) => fitMarkov(panel, span, fit, { ...options, regimes }),
  });
}

async function fitMarkov(
  panel: Panel,
  span: Span,
  fit: FitOptions,
  options: MarkovEstimatorOptions & { regimes: number },
): Promise<Fitted> {
  const { rule, panel: rows, dates, observations } = training(panel, span, fit, 'markov');
  const { regimes } = options;
  const minObservations = options.minObservations ?? defaultMinObservations(rule);
  const single = await olsRegression(rows, { ...runOptions(fit), covariance: 'hac', minObservations });
  const found = await markovRegression(rows, {
    ...runOptions(fit),
    regimes,
    switchingNoise: options.switchingNoise ?? true,
    starts: options.starts ?? 6,
    seed: fit.seed,
    minObservations: Math.max(minObservations, regimes * (rule.width + 2)),
  });
  const smoothed = options.reading === 'smoother';
  const mixture = new Mixture(found, smoothed ? found.smoothed : found.filtered, regimes, rows.rows, rule.width);
  const fallback = (asset: number, j: number) => {
    const at = asset * rule.width + j;
    return [single.coefficients[at], single.covariance[at * rule.width + j]] as const;
  };
  const path = async (wanted: Span, assets: AssetRange) => mixture.block(wanted, assets, fallback);
  const all = { start: 0, end: rows.assets };
  const last = await path({ start: Math.max(0, rows.rows - 1), end: rows.rows }, all);
  const normal = new Float64Array(last.coefficients.length).fill(Number.POSITIVE_INFINITY);
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients: last.coefficients,
    pValues: twoSidedPValues(statistics(last.coefficients, last.variances), normal),
    observations,
    minObservations,
    facts: {
      regressors: rule.width,
      condition_number: largestFinite(single.condition),
      uses_future: smoothed ? 1 : 0,
      ...factsOf(found, regimes, rows.rows),
    },
  });
  return new LinearFitted({
    method: 'markov',
    rule,
    source: { last, path },
    assets: rows.assets,
    trainingDates: dates,
    diagnostics: { ...diagnostics, status: withDoubts(diagnostics, found) },
  });
}

/** Coefficients averaged over regimes by their probabilities. */
class Mixture {
  constructor(
    private readonly found: MarkovRegression,
    /** [asset][row][regime]. */
    private readonly probabilities: Float64Array,
    private readonly regimes: number,
    private readonly rows: number,
    private readonly width: number,
  ) {}

  /**
   * Mean and variance of the coefficient of a regime drawn with its probability: between regimes and within. Assets
   * without regimes have the regression without them (`fallback`).
   */
  block(
    rows: Span,
    assets: AssetRange,
    fallback: (asset: number, j: number) => readonly [number, number],
  ): CoefficientBlock {
    const count = rows.end - rows.start;
    const size = (assets.end - assets.start) * count * this.width;
    const coefficients = new Float64Array(size).fill(Number.NaN);
    const variances = coefficients.slice();
    for (let at = 0; at < size; at++) {
      const j = at % this.width;
      const row = rows.start + (Math.floor(at / this.width) % count);
      const asset = assets.start + Math.floor(at / (this.width * count));
      const hasRegimes = !Number.isNaN(this.found.logLikelihood[asset]) && this.found.converged[asset] === 1;
      [coefficients[at], variances[at]] = hasRegimes ? this.mean(asset, row, j) : fallback(asset, j);
    }
    return { coefficients, variances };
  }

  private mean(asset: number, row: number, j: number): readonly [number, number] {
    let [mean, square] = [0, 0];
    for (let regime = 0; regime < this.regimes; regime++) {
      const p = this.probabilities[(asset * this.rows + row) * this.regimes + regime];
      const at = (asset * this.regimes + regime) * this.width + j;
      const [b, v] = [this.found.coefficients[at], this.found.variances[at]];
      mean += p * b;
      square += p * (v + b * b);
    }
    return [mean, Math.max(0, square - mean * mean)];
  }
}

function factsOf(found: MarkovRegression, regimes: number, rows: number): Record<string, number> {
  const assets = Array.from(found.logLikelihood.keys()).filter((asset) => found.converged[asset] === 1);
  const mean = (value: (asset: number) => number) =>
    assets.reduce((sum, asset) => sum + value(asset), 0) / assets.length;
  const last = regimes - 1;
  return {
    log_likelihood: assets.reduce((sum, asset) => sum + found.logLikelihood[asset], 0),
    assets_with_regimes: assets.length,
    turbulent_share: mean((asset) => {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += found.smoothed[(asset * rows + row) * regimes + last];
      return sum / rows;
    }),
    noise_ratio: mean((asset) => Math.sqrt(found.noise[asset * regimes + last] / found.noise[asset * regimes])),
    calm_stays: mean((asset) => found.transition[asset * regimes * regimes]),
    turbulent_stays: mean((asset) => found.transition[(asset + 1) * regimes * regimes - 1]),
  };
}

function withDoubts({ status }: Diagnostics, found: MarkovRegression): StatusNote[] {
  return status.map((note, asset): StatusNote => {
    if (note.status !== 'ok' || found.converged[asset] === 1) return note;
    if (Number.isNaN(found.logLikelihood[asset])) {
      return { status: 'regime_barely_seen', remedy: 'too few returns for regimes: exposures are those without them' };
    }
    return {
      status: 'not_converged',
      remedy: 'no regimes that hold their share of the rows: exposures are those without them; try fewer factors',
    };
  });
}
