import type { AssetRange, Estimator, Fitted, Panel, Span } from '@macrograd/core';
import { fPValues } from '@macrograd/kernel';
import { designMatrix, fitDesign } from './design.js';
import { conditionNumber } from './training.js';

/** Assets whose residuals are looked at: evenly spread blocks of so many, this many blocks at most. */
const ASSETS_PER_BLOCK = 32;
const MOST_BLOCKS = 8;

/** Fewest residuals of an asset that say something. */
const ENOUGH = 24;

/** Lags of the Ljung-Box test: half a year of months. */
const LAGS = 6;

/** 5 % critical value of the largest |cumulative sum| of residuals (Ploberger and Kraemer 1992): of a Brownian bridge. */
const CUSUM_CRITICAL = 1.358;

const LEVEL = 0.05;

/** Stands for infinite degrees of freedom: a chi-squared over its own is then an F to six digits. */
const MANY_DEGREES = 1e6;

/**
 * Adds to an estimator's facts what its residuals in training say: `residual_autocorrelation` (first-order, median over
 * assets), `autocorrelated_share` (of assets, Ljung-Box over six lags at 5 %) and `unstable_share` (CUSUM at 5 %: the
 * mean of the residuals moves). Of exposures that move through the training span these are residuals at the row's own
 * exposure. `condition_number` is added where the estimator has none of a system of its own: that of the constant,
 * factors, controls and marks.
 *
 * @example
 * const { diagnostics } = await withResidualChecks(lstmEstimator()).fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * diagnostics.facts.residual_autocorrelation;
 */
export function withResidualChecks(estimator: Estimator): Estimator {
  return {
    method: estimator.method,
    fit: async (panel, span, options) => {
      const fitted = await estimator.fit(panel, span, options);
      // Nobody has seen this fit yet.
      Object.assign(fitted.diagnostics.facts, await residualFacts(fitted, panel, span));
      // `zero` solves nothing.
      if (!('condition_number' in fitted.diagnostics.facts) && fitted.method !== 'zero') {
        Object.assign(fitted.diagnostics.facts, { condition_number: await sharedCondition(panel, span) });
      }
      return fitted;
    },
  };
}

async function sharedCondition(panel: Panel, span: Span): Promise<number> {
  const rule = fitDesign(panel, span);
  const design = designMatrix(rule, panel.inputs, span);
  return conditionNumber({ design, rows: span.end - span.start, columns: rule.width });
}

/** No entry where no asset has enough residuals. */
async function residualFacts(fitted: Fitted, panel: Panel, span: Span): Promise<Record<string, number>> {
  const found: { first: number; portmanteau: number; cusum: number }[] = [];
  for (const assets of sampled(panel.assets.length)) {
    const { values } = await fitted.predict(panel.inputs, span, assets);
    const count = assets.end - assets.start;
    for (let asset = 0; asset < count; asset++) {
      const residuals = new Float64Array(span.end - span.start);
      residuals.forEach((_, row) => {
        const actual = panel.returns[(span.start + row) * panel.assets.length + assets.start + asset];
        residuals[row] = actual - values[row * count + asset];
      });
      const seen = residuals.filter((value) => !Number.isNaN(value));
      if (seen.length >= ENOUGH) found.push(checksOf(seen));
    }
  }
  if (found.length === 0) return {};
  const portmanteaus = Float64Array.from(found, ({ portmanteau }) => portmanteau / LAGS);
  const pValues = fPValues(
    portmanteaus,
    portmanteaus.map(() => LAGS),
    portmanteaus.map(() => MANY_DEGREES),
  );
  const share = (holds: (asset: number) => boolean) => found.filter((_, asset) => holds(asset)).length / found.length;
  const firsts = Float64Array.from(found, ({ first }) => first).sort();
  return {
    residual_autocorrelation: firsts[Math.floor(firsts.length / 2)],
    autocorrelated_share: share((asset) => pValues[asset] < LEVEL),
    unstable_share: share((asset) => found[asset].cusum > CUSUM_CRITICAL),
  };
}

function sampled(assets: number): AssetRange[] {
  const blocks = Math.min(MOST_BLOCKS, Math.ceil(assets / ASSETS_PER_BLOCK));
  return Array.from({ length: blocks }, (_, block) => {
    const start =
      blocks * ASSETS_PER_BLOCK >= assets ? block * ASSETS_PER_BLOCK : Math.floor((block * assets) / blocks);
    return { start, end: Math.min(start + ASSETS_PER_BLOCK, assets) };
  });
}

/** First autocorrelation, Ljung and Box's (1978) Q, and largest |cumulative sum| over s sqrt(n), of centred residuals. */
function checksOf(residuals: Float64Array) {
  const n = residuals.length;
  const mean = residuals.reduce((sum, value) => sum + value, 0) / n;
  const e = residuals.map((value) => value - mean);
  const square = e.reduce((sum, value) => sum + value * value, 0);
  if (square === 0) return { first: 0, portmanteau: 0, cusum: 0 };
  let portmanteau = 0;
  let first = 0;
  for (let lag = 1; lag <= LAGS; lag++) {
    let product = 0;
    for (let t = lag; t < n; t++) product += e[t] * e[t - lag];
    const correlation = product / square;
    if (lag === 1) first = correlation;
    portmanteau += (n * (n + 2) * correlation ** 2) / (n - lag);
  }
  let [sum, largest] = [0, 0];
  for (const value of e) {
    sum += value;
    largest = Math.max(largest, Math.abs(sum));
  }
  return { first, portmanteau, cusum: largest / Math.sqrt(square) };
}
