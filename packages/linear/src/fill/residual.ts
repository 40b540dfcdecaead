import type { Ties } from './problem.js';

/**
 * State of the residual u_t = rho u_{t-1} + e_t, Var e = 1, and of the part c_t of its long period's value that has
 * come so far: c_t = keep_t c_{t-1} + w_t u_t, keep 0 where a long period begins. At its end c_t is observed without
 * error (Harvey and Pierse 1984). Before its first value u is at its mean 0: stationary below rho = 1, at 0 with rho = 1.
 *
 * Its predicted covariances, which are the same for every column of data.
 */
interface Variances {
  readonly uu: Float64Array;
  readonly uc: Float64Array;
  readonly cc: Float64Array;
}

/** Predicted covariances of (u, c) at every short period. */
function variances(ties: Ties, rho: number): Variances {
  const { short, weights, begins, observed } = ties;
  const [uu, uc, cc] = [new Float64Array(short), new Float64Array(short), new Float64Array(short)];
  let [vu, vuc, vc] = [rho < 1 ? 1 / (1 - rho * rho) : 0, 0, 0];
  for (let t = 0; t < short; t++) {
    const keep = begins[t] ? 0 : 1;
    const w = weights[t];
    // Stationary at its first value already; later ones are predicted.
    if (t > 0 || rho === 1) {
      vu = rho * rho * vu + 1;
      vuc *= rho;
    }
    const before = vuc;
    vuc = keep * before + w * vu;
    vc = keep * vc + 2 * keep * w * before + w * w * vu;
    [uu[t], uc[t], cc[t]] = [vu, vuc, vc];
    if (observed[t] < 0) continue;
    vu -= (vuc * vuc) / vc;
    vuc = 0;
    vc = 0;
  }
  return { uu, uc, cc };
}

/** Innovations of long series that would all have this residual, each over the root of its variance. */
export interface Innovations {
  /** [column][observed]. */
  readonly columns: readonly Float64Array[];
  /** Sum of the logarithms of the variances. */
  readonly logVariance: number;
}

/**
 * Filters columns of long values: turned into innovations of equal variance, generalised least squares becomes ordinary.
 *
 * @param columns - [column][long].
 */
export function whitened(columns: readonly Float64Array[], ties: Ties, rho: number): Innovations {
  const moments = variances(ties, rho);
  const scale = [...ties.observed.keys()].filter((t) => ties.observed[t] >= 0).map((t) => moments.cc[t]);
  return {
    columns: columns.map((column) => {
      const { innovation } = filtered(column, ties, rho, moments);
      return innovation.filter((value) => !Number.isNaN(value)).map((value, i) => value / Math.sqrt(scale[i]));
    }),
    logVariance: scale.reduce((sum, variance) => sum + Math.log(variance), 0),
  };
}

/** Predictions of (u, c) and innovations, [short]. */
function filtered(long: Float64Array, { short, weights, begins, observed }: Ties, rho: number, moments: Variances) {
  const [mu, mc] = [new Float64Array(short), new Float64Array(short)];
  const innovation = new Float64Array(short).fill(Number.NaN);
  let [u, c] = [0, 0];
  for (let t = 0; t < short; t++) {
    u *= rho;
    c = (begins[t] ? 0 : c) + weights[t] * u;
    [mu[t], mc[t]] = [u, c];
    if (observed[t] < 0) continue;
    innovation[t] = long[observed[t]] - c;
    u += (moments.uc[t] / moments.cc[t]) * innovation[t];
    c = long[observed[t]];
  }
  return { mu, mc, innovation };
}

/**
 * Expectation of u at every short period given all long values (de Jong's backward recursion, which needs no inverse of
 * the covariances: they are singular where a long period begins or has been observed).
 *
 * @param long - [long], of the residual alone.
 * @returns [short].
 */
export function smoothed(long: Float64Array, ties: Ties, rho: number): Float64Array {
  const { short, weights, begins, observed } = ties;
  const moments = variances(ties, rho);
  const { mu, innovation } = filtered(long, ties, rho, moments);
  const out = new Float64Array(short);
  // Gradient of the log-density of what comes at and after t with respect to the predicted (u, c).
  let [ru, rc] = [0, 0];
  for (let t = short - 1; t >= 0; t--) {
    if (observed[t] >= 0) {
      const { uc, cc } = moments;
      // r = Z v / F + L' r with Z = (0, 1), L = I - K Z before the next transition.
      rc = innovation[t] / cc[t] - (uc[t] / cc[t]) * ru;
    }
    out[t] = mu[t] + moments.uu[t] * ru + moments.uc[t] * rc;
    // Through the transition u' = rho u, c' = keep c + w rho u.
    const keep = begins[t] ? 0 : 1;
    ru = rho * (ru + weights[t] * rc);
    rc *= keep;
  }
  return out;
}
