/**
 * Standard normal distribution function, absolute error below 1e-15 in the centre and relative error below 1e-12 in
 * the lower tail: a series for |x| < 3 and Lentz's continued fraction of the Mills ratio beyond (Abramowitz and
 * Stegun 26.2.11 and 26.2.14).
 */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const magnitude = Math.abs(x);
  const upper = magnitude < 3 ? 0.5 - centralArea(magnitude) : upperTail(magnitude);
  return x < 0 ? upper : 1 - upper;
}

/** Two-sided p-value of a standard normal statistic; keeps its relative accuracy in the tail. */
export function twoSidedNormalPValue(z: number): number {
  return Math.min(1, 2 * normalCdf(-Math.abs(z)));
}

/** Inverse of {@link normalCdf} on (0, 1): bisection to the last bit of a bracket that holds every double's quantile. */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? Number.NEGATIVE_INFINITY : p === 1 ? Number.POSITIVE_INFINITY : Number.NaN;
  // By symmetry the search stays in the lower tail, where normalCdf is accurate in relative terms.
  if (p > 0.5) return -normalQuantile(1 - p);
  let low = -40;
  let high = 0;
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const INVERSE_SQRT_TWO_PI = 0.3989422804014327;

/** Area between 0 and x: phi(x) (x + x^3/3 + x^5/(3 5) + ...). */
function centralArea(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 3; term > sum * 1e-17; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return INVERSE_SQRT_TWO_PI * Math.exp((-x * x) / 2) * sum;
}

/** Area above x for x >= 3: phi(x) / (x + 1/(x + 2/(x + 3/(x + ...)))), evaluated from the inside out. */
function upperTail(x: number): number {
  // 60 levels reach double precision at x = 3, where the fraction converges slowest.
  let fraction = x;
  for (let k = 60; k >= 1; k--) fraction = x + k / fraction;
  return (INVERSE_SQRT_TWO_PI * Math.exp((-x * x) / 2)) / fraction;
}
