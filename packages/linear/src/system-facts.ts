import { grangerTest, type VectorAutoregression, varianceDecomposition } from '@macrograd/kernel';

/** Rows ahead of the forecasts whose variance is shared out. */
const ROWS_AHEAD = 12;

/**
 * Facts of an autoregression: by ordered pair of series `granger_p_<causing>_<caused>`, the p-value of Granger's test, and by pair
 * `variance_share_<shock>_<series>`, the share of a series' forecast variance 12 rows ahead that another's shock explains,
 * orthogonalised in the series' order.
 */
export function systemFacts(fit: VectorAutoregression, names: readonly string[]): Record<string, number> {
  const facts: Record<string, number> = {};
  const shares = varianceDecomposition(fit, ROWS_AHEAD - 1);
  names.forEach((from, i) => {
    names.forEach((to, j) => {
      if (i !== j) facts[`granger_p_${from}_${to}`] = grangerTest(fit, [i], [j]).pValue;
      facts[`variance_share_${from}_${to}`] = shares[(j * ROWS_AHEAD + ROWS_AHEAD - 1) * names.length + i];
    });
  });
  return facts;
}
