import { ArgumentError } from '@macrograd/core';
import { type ImpulseResponses, olsRegression, type RunOptions, type SeriesMatrix } from '@macrograd/kernel';

/** Options of {@link localProjections}. */
export interface LocalProjectionOptions extends RunOptions {
  /** Last horizon, in rows after the shock. */
  readonly horizon: number;
  /** Lags of the series that are held fixed. */
  readonly lags: number;
  /** [series][shock], what each shock moves at once; default: one unit of one series, the others held. */
  readonly impulse?: Float64Array;
}

/**
 * Responses of returns [row][asset] by a regression for each horizon (Jorda 2005): r_{t+h} on a constant, the series at t
 * and `lags` lags of them; the response is the coefficients at t times the impulse, with HAC variances that reach at
 * least h rows. Asks nothing of the dynamics in between, and is noisier than a vector autoregression.
 *
 * @example
 * const { values } = await localProjections(series, returns, 50, { horizon: 12, lags: 2 });
 */
export async function localProjections(
  series: SeriesMatrix,
  returns: Float64Array,
  assets: number,
  options: LocalProjectionOptions,
): Promise<ImpulseResponses> {
  const { rows, series: k } = series;
  const { horizon, lags } = options;
  if (returns.length !== rows * assets) {
    throw new ArgumentError(`${returns.length} returns for ${rows} rows of ${assets} assets`);
  }
  const impulse = options.impulse ?? Float64Array.from({ length: k * k }, (_, at) => (at % (k + 1) === 0 ? 1 : 0));
  const shocks = impulse.length / k;
  const columns = 1 + k * (1 + lags);
  const steps = horizon + 1;
  const values = new Float64Array(assets * steps * shocks);
  const variances = new Float64Array(values.length);
  for (let h = 0; h <= horizon; h++) {
    const count = rows - lags - h;
    if (count <= columns)
      throw new ArgumentError(`${count} rows are left at horizon ${h}`, 'give fewer lags or series');
    const fit = await olsRegression(
      {
        design: projectionDesign(series, lags, count),
        returns: returns.slice((lags + h) * assets),
        rows: count,
        columns,
        assets,
      },
      { ...options, covariance: 'hac', lags: Math.max(h, Math.floor(4 * (count / 100) ** (2 / 9))) },
    );
    for (let asset = 0; asset < assets; asset++) {
      for (let shock = 0; shock < shocks; shock++) {
        const at = (asset * steps + h) * shocks + shock;
        for (let i = 0; i < k; i++) {
          const weight = impulse[i * shocks + shock];
          values[at] += weight * fit.coefficients[asset * columns + 1 + i];
          for (let j = 0; j < k; j++) {
            const covariance = fit.covariance[(asset * columns + 1 + i) * columns + 1 + j];
            variances[at] += weight * impulse[j * shocks + shock] * covariance;
          }
        }
      }
    }
  }
  return { values, variances };
}

/** [1, series at t, series at t - 1, ...] for `count` rows from the first that has all lags. */
function projectionDesign({ values, series: k }: SeriesMatrix, lags: number, count: number): Float64Array {
  const columns = 1 + k * (1 + lags);
  const design = new Float64Array(count * columns);
  for (let row = 0; row < count; row++) {
    design[row * columns] = 1;
    for (let lag = 0; lag <= lags; lag++) {
      const t = lags + row - lag;
      design.set(values.subarray(t * k, (t + 1) * k), row * columns + 1 + lag * k);
    }
  }
  return design;
}
