/** p-values of one hypothesis by several tests, each with a weight. */
export interface WeightedPValue {
  readonly pValue: number;
  readonly weight: number;
}

/**
 * One p-value out of several that may depend on each other: with weights w that sum to 1, P(C > sum w tan((.5 - p) pi))
 * for a standard Cauchy C (Liu and Xie 2020, "Cauchy combination test"). Accurate in the tail under any dependence.
 * NaN p-values are left out; NaN without any.
 */
export function combinePValues(tests: readonly WeightedPValue[]): number {
  const known = tests.filter(({ pValue, weight }) => !Number.isNaN(pValue) && weight > 0);
  const total = known.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0)) return Number.NaN;
  const statistic = known.reduce((sum, { pValue, weight }) => sum + (weight / total) * cauchyScore(pValue), 0);
  // atan(1 / x) / pi keeps its relative accuracy where 1/2 - atan(x) / pi would cancel.
  return statistic > 1 ? Math.atan(1 / statistic) / Math.PI : 0.5 - Math.atan(statistic) / Math.PI;
}

/** tan((1/2 - p) pi) = cot(p pi), bounded where p is so near 0 or 1 that one test would speak for all others. */
function cauchyScore(pValue: number): number {
  const p = Math.min(1 - 1e-12, Math.max(1e-300, pValue));
  return p < 1e-8 ? 1 / (p * Math.PI) : Math.tan((0.5 - p) * Math.PI);
}
