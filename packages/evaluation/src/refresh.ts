import { ArgumentError, type Estimator, type FitOptions, type Panel } from '@macrograd/core';
import type { Fold } from './folds.js';
import { type FoldForecast, forecastFold } from './forecast.js';

/**
 * Applies a method to the test rows of a fold and fits it anew every `every` rows on what is known by then: a cheap method
 * is not bound to the fold's one fit. The training mean, against which it is scored, stays the fold's.
 *
 * Rows between training and test (purge) stay left out in front of every part. The last part may be shorter.
 *
 * @example
 * // Betas that are refreshed every two weeks of weekly data.
 * await forecastRefreshed(ewmOlsEstimator({ halfLife: 104 }), panel, fold, 2, { seed: 1 });
 */
export async function forecastRefreshed(
  estimator: Estimator,
  panel: Panel,
  fold: Fold,
  every: number,
  options: FitOptions,
): Promise<FoldForecast> {
  const parts: FoldForecast[] = [];
  for (const part of refreshedFolds(fold, every)) {
    const fitted = await estimator.fit(panel, part.train, options);
    parts.push(await forecastFold(fitted, panel, part, options.signal ? { signal: options.signal } : {}));
  }
  const [first] = parts;
  const joined = (field: 'realised' | 'predicted' | 'hedged') => {
    const out = new Float64Array(parts.reduce((sum, part) => sum + part[field].length, 0));
    let at = 0;
    for (const part of parts) {
      out.set(part[field], at);
      at += part[field].length;
    }
    return out;
  };
  // The first part trains on the fold's own training rows, so that its training mean is the fold's.
  return { ...first, fold, realised: joined('realised'), predicted: joined('predicted'), hedged: joined('hedged') };
}

/** Parts of a fold of `every` test rows, each trained on the rows before it. */
function refreshedFolds({ index, train, test }: Fold, every: number): Fold[] {
  if (!(Number.isInteger(every) && every >= 1)) {
    throw new ArgumentError(`a fit cannot be refreshed every ${every} rows`, 'give a whole number from 1');
  }
  const purge = test.start - train.end;
  const parts: Fold[] = [];
  for (let start = test.start; start < test.end; start += every) {
    parts.push({
      index,
      train: { start: train.start, end: start - purge },
      test: { start, end: Math.min(start + every, test.end) },
    });
  }
  return parts;
}
