import type { ExposureCube } from './cube.js';
import { halfWidthFactor } from './scale.js';

/**
 * Total exposures out of partial ones: what an asset does when a factor moves by one SD and the other factors move as
 * they usually do with it (the impact of a generalised shock, Pesaran and Shin 1998),
 *
 *     total_j = sum over l of J_l E[u_l | u_j = 1 SD].
 *
 * The standard error takes the partial exposures for independent. With least squares that is never too small: their
 * errors offset each other where factors move together, and the exact variance is at most the term l = j. A factor that
 * is missing at a date has no part in the sum.
 *
 * @param moves - [factor][shocked factor], in SD, 1 on the diagonal
 */
export function totalExposures(cube: ExposureCube, moves: Float64Array, sd: Float64Array): ExposureCube {
  const k = cube.factors.length;
  const exposure = new Float64Array(cube.exposure.length).fill(Number.NaN);
  const se = new Float64Array(exposure.length).fill(Number.NaN);
  for (let at = 0; at < exposure.length; at++) {
    const shocked = at % k;
    if (Number.isNaN(cube.exposure[at])) continue;
    let sum = 0;
    let variance = 0;
    for (let l = 0; l < k; l++) {
      const partial = cube.exposure[at - shocked + l];
      if (Number.isNaN(partial)) continue;
      const move = moves[l * k + shocked];
      sum += move * partial;
      variance += (move * cube.se[at - shocked + l]) ** 2;
    }
    exposure[at] = sum;
    se[at] = Math.sqrt(variance);
  }
  const width = halfWidthFactor(cube.level);
  return {
    ...cube,
    kind: 'total',
    exposure,
    unitExposure: exposure.map((value, at) => value / sd[at % k]),
    se,
    lo: exposure.map((value, at) => value - width * se[at]),
    hi: exposure.map((value, at) => value + width * se[at]),
  };
}
