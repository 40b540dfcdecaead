import { type Fitted, indexesOfRole, type Panel, type Span, type StatusNote } from '@macrograd/core';
import { twoSidedPValues } from '@macrograd/kernel';

/** Fewest training returns of an asset that is fitted. */
export const MIN_ASSET_OBSERVATIONS = 24;

/** Status of each asset from its number of training returns. */
export function assetStatus(observations: ArrayLike<number>): StatusNote[] {
  return Array.from(observations, (count): StatusNote => {
    if (count >= MIN_ASSET_OBSERVATIONS) return { status: 'ok', remedy: '' };
    if (count === 0) return { status: 'no_data', remedy: 'give returns that overlap the training span' };
    const remedy = `${count} training returns; give at least ${MIN_ASSET_OBSERVATIONS} or leave the asset out`;
    return { status: 'too_few_observations', remedy };
  });
}

/**
 * Two-sided normal p-values [asset][factor] of a zero cumulative exposure on average over the training span, against its
 * posterior variance. It says nothing of effects that cancel over lags or over dates.
 */
export async function averagePValues(fitted: Fitted, panel: Panel, span: Span): Promise<Float64Array> {
  const factors = indexesOfRole(panel.inputs, 'factor').length;
  const statistics = new Float64Array(panel.assets.length * factors);
  const blocks = fitted.jacobian(panel.inputs, span, { form: 'cumulative', average: true });
  for await (const { assets, values, variance } of blocks) {
    values.forEach((value, i) => {
      statistics[assets.start * factors + i] = value / Math.sqrt(variance[i]);
    });
  }
  // Infinitely many degrees of freedom: the normal.
  return twoSidedPValues(statistics, new Float64Array(statistics.length).fill(Number.POSITIVE_INFINITY));
}
