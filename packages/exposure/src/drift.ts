import { ArgumentError, type FactorPanel, type Fitted } from '@macrograd/core';
import { exposureCube } from './cube.js';
import { halfWidthFactor, unitDivisors } from './scale.js';

/** What a fit says of all pairs at one date, [asset][factor], decimal return per one unit of the factor. */
export interface ExposureReading {
  readonly exposure: Float64Array;
  /** NaN where the method has none. */
  readonly se: Float64Array;
}

/** How far two fits' exposures of the same pairs at the same date lie apart. */
export interface ExposureDrift {
  /** Pairs that both fits know with an error. */
  readonly pairs: number;
  /** Share of them whose later interval excludes the earlier value; NaN without pairs. */
  readonly outside: number;
  /** Root mean square of the change over the later standard error; NaN without pairs. */
  readonly change: number;
}

/** Contemporaneous exposures of a fit at one row, for {@link exposureDrift}. */
export async function readExposures(
  fitted: Fitted,
  inputs: FactorPanel,
  row: number,
  signal?: AbortSignal,
): Promise<ExposureReading> {
  const assets = fitted.diagnostics.status.length;
  const factors = inputs.factors.filter(({ role }) => role === 'factor').length;
  const sd = unitDivisors(fitted, inputs);
  const exposure = new Float64Array(assets * factors).fill(Number.NaN);
  const se = exposure.slice();
  for await (const cube of exposureCube(fitted, inputs, { start: row, end: row + 1 }, signal ? { signal } : {})) {
    exposure.set(cube.unitExposure, cube.assets.start * factors);
    se.set(
      cube.se.map((error, i) => error / sd[i % factors]),
      cube.assets.start * factors,
    );
  }
  return { exposure, se };
}

/**
 * Drift from one fit to another: with other seeds of the same rows, or with the rows that came in between.
 *
 * Neither is a test of the truth: two fits share most of their data, and both may be wrong together. Exposures that stay
 * within their own intervals are what intervals promise at least; if the later fit were the truth and the earlier one an
 * honest estimate of it, `outside` would be 1 - level and `change` 1.
 *
 * @example
 * const before = await readExposures(first, panel.inputs, row);
 * exposureDrift(before, await readExposures(second, panel.inputs, row)).outside;
 */
export function exposureDrift(earlier: ExposureReading, later: ExposureReading, level = 0.9): ExposureDrift {
  if (earlier.exposure.length !== later.exposure.length) {
    const text = `${earlier.exposure.length} and ${later.exposure.length} pairs of assets and factors`;
    throw new ArgumentError(text, 'read both fits on the same assets and inputs');
  }
  const width = halfWidthFactor(level);
  let [pairs, outside, squares] = [0, 0, 0];
  later.exposure.forEach((value, i) => {
    const change = (value - earlier.exposure[i]) / later.se[i];
    // No error, or one of zero (no exposure), bounds nothing.
    if (!Number.isFinite(change)) return;
    pairs++;
    squares += change * change;
    if (Math.abs(change) > width) outside++;
  });
  return { pairs, outside: outside / pairs, change: Math.sqrt(squares / pairs) };
}
