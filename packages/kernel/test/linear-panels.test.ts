import { describe, expect, it } from 'vitest';
import { olsRegression } from '../src/linear.js';
import { varResponses, vectorAutoregression } from '../src/vectorAutoregression.js';
import { COEFFICIENT_TOLERANCE, ERROR_TOLERANCE, expectClose, flat, readGolden } from './golden.js';

const golden = readGolden('linear-panels');
const horizon = golden.horizon as number;
/** Condition number from which tolerances grow in proportion. */
const WELL_CONDITIONED = 1e6;

function allowance(condition: number): number {
  return Math.max(1, condition / WELL_CONDITIONED);
}

/** [horizon][responding][shock] of the golden file -> [responding][horizon][shock]. */
function byResponding(nested: number[][][]): number[] {
  return [...flat(nested[0].map((_, responding) => nested.map((matrix) => matrix[responding])))];
}

describe.each(Object.keys(golden.regressions))('least squares with holes and a late starter: %s', (name) => {
  const source = golden.regressions[name];
  const { rows, columns: k, assets, lags } = source;
  const panel = { design: flat(source.design), returns: flat(source.returns), rows, columns: k, assets };
  const factor = allowance(Math.max(...source.condition));

  it.each(['homoscedastic', 'hac'] as const)('coefficients and %s errors match statsmodels', async (covariance) => {
    const fit = await olsRegression(panel, { covariance, lags, smallSample: true });
    const errors = Array.from({ length: assets * k }, (_, at) => Math.sqrt(fit.covariance[at * k + (at % k)]));
    expectClose(fit.coefficients, source.coefficients, COEFFICIENT_TOLERANCE * factor, k);
    expectClose(errors, source[covariance], ERROR_TOLERANCE * factor, k);
  });
});

describe.each(Object.keys(golden.autoregressions))('autoregression: %s', (name) => {
  const source = golden.autoregressions[name];
  const { rows, series: k, order } = source;
  const fit = vectorAutoregression({ values: flat(source.values), rows, series: k }, order);
  const factor = allowance(source.condition);

  it('coefficients, residual covariance and largest root match', () => {
    expectClose(fit.coefficients, source.coefficients, COEFFICIENT_TOLERANCE * factor);
    expectClose(fit.intercept, source.intercept, COEFFICIENT_TOLERANCE * factor);
    expectClose(fit.residualCovariance, source.residualCovariance, COEFFICIENT_TOLERANCE * factor);
    expect(Math.abs(fit.roots[0] - source.largestRoot)).toBeLessThan(ERROR_TOLERANCE * factor);
  });

  const known = (['unit', 'orthogonal', 'generalised'] as const).filter((impulse) => impulse in source);
  it.each(known)('%s responses and their errors match', (impulse) => {
    const { values, variances } = varResponses(fit, { horizon, impulse });
    expectClose(values, byResponding(source[impulse]), ERROR_TOLERANCE * factor);
    expectClose(variances.map(Math.sqrt), byResponding(source[`${impulse}Errors`]), ERROR_TOLERANCE * factor);
  });
});
