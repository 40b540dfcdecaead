import { ArgumentError, Random } from '@macrograd/core';

/** Options of {@link modelConfidenceSet}. */
export interface ConfidenceSetOptions {
  /** Periods of a block, so that dependence within it is kept; default the cube root of the periods, rounded up. */
  readonly blockLength?: number;
  /** Default 1,000. */
  readonly replications?: number;
  /** Default 1. */
  readonly seed?: number;
}

/**
 * Model confidence set of Hansen, Lunde and Nason (2011): p-values, one a method, such that the methods with a p-value of
 * at least alpha hold the best one with probability 1 - alpha. From the worst on, a method is dropped while the largest
 * t-statistic of a mean loss against the mean of those left is significant; a method's p-value is the largest until it
 * goes. Variances and the null come from a circular block bootstrap. Methods that lose alike to the bit stay together.
 *
 * @param losses One array a method, one loss a period, all of one length.
 * @example
 * modelConfidenceSet([ols, lstm, zero].map((errors) => errors.map((e) => e * e))); // [.02, 1, .31]: ols is out at .1
 */
export function modelConfidenceSet(losses: readonly Float64Array[], options: ConfidenceSetOptions = {}): Float64Array {
  const periods = losses[0]?.length ?? 0;
  if (periods === 0 || losses.some((own) => own.length !== periods)) {
    throw new ArgumentError('the losses of the methods differ in number, or there are none', 'give one a period each');
  }
  const { blockLength = Math.ceil(Math.cbrt(periods)), replications = 1000, seed = 1 } = options;
  const means = losses.map((own) => own.reduce((sum, x) => sum + x, 0) / periods);
  const draws = bootstrapMeans(losses, blockLength, replications, new Random(seed));
  const pValues = new Float64Array(losses.length).fill(1);
  let left = losses.map((_, method) => method);
  let largest = 0;
  while (left.length > 1) {
    const { worst, pValue } = testEquality(left, means, draws);
    // Nothing tells those left apart.
    if (worst < 0) break;
    largest = Math.max(largest, pValue);
    pValues[worst] = largest;
    left = left.filter((method) => method !== worst);
  }
  return pValues;
}

/** [replication][method]: mean losses of resampled periods, less those of the sample. */
function bootstrapMeans(
  losses: readonly Float64Array[],
  blockLength: number,
  replications: number,
  random: Random,
): Float64Array[] {
  const periods = losses[0].length;
  const blocks = Math.ceil(periods / blockLength);
  // Running sums, so that a block costs two look-ups; the sample is wrapped around its end.
  const sums = losses.map((own) => {
    const out = new Float64Array(periods + blockLength + 1);
    for (let t = 0; t < periods + blockLength; t++) out[t + 1] = out[t] + own[t % periods];
    return out;
  });
  const means = sums.map((own) => own[periods] / periods);
  return Array.from({ length: replications }, () => {
    const starts = Array.from({ length: blocks }, () => random.integer(periods));
    return Float64Array.from(sums, (own, method) => {
      const total = starts.reduce((sum, start, block) => {
        const length = Math.min(blockLength, periods - block * blockLength);
        return sum + own[start + length] - own[start];
      }, 0);
      return total / periods - means[method];
    });
  });
}

/** The method that loses most against the mean of `left`, and the p-value that all of them lose alike. */
function testEquality(left: readonly number[], means: readonly number[], draws: readonly Float64Array[]) {
  const centre = (of: ArrayLike<number>) => left.reduce((sum, method) => sum + of[method], 0) / left.length;
  const deviations = draws.map((draw) => {
    const middle = centre(draw);
    return left.map((method) => draw[method] - middle);
  });
  const errors = left.map((_, i) => Math.sqrt(deviations.reduce((sum, own) => sum + own[i] ** 2, 0) / draws.length));
  const middle = centre(means);
  const statistic = (deviation: number, i: number) => (errors[i] > 0 ? deviation / errors[i] : 0);
  const statistics = left.map((method, i) => statistic(means[method] - middle, i));
  const highest = Math.max(...statistics);
  if (!(highest > 0)) return { worst: -1, pValue: 1 };
  const above = deviations.filter((own) => Math.max(...own.map(statistic)) > highest).length;
  return { worst: left[statistics.indexOf(highest)], pValue: above / draws.length };
}
