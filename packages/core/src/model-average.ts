/**
 * One model's term of the standard error of a weighted mean of models (Buckland, Burnham and Augustin 1997):
 *
 *     se = sum_m w_m sqrt(se_m^2 + (b_m - b)^2),    b = sum_m w_m b_m
 *
 * Errors of models that look at the same data are taken for perfectly correlated, and how far the models are apart is part of
 * the error. A share w_0 without any exposure is a model whose b and se are 0: it adds w_0 |b|.
 *
 * @param estimate b_m
 * @param mean b
 * @example
 * averagingTerm(0.5, 2, 0, 1) + averagingTerm(0.5, 0, 0, 1); // 1: two models that are sure of different things
 */
export function averagingTerm(weight: number, estimate: number, error: number, mean: number): number {
  const apart = estimate - mean;
  return weight * Math.sqrt(error * error + apart * apart);
}
