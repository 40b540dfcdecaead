/**
 * Peak lag and half-life against the truth in worlds with delayed effects: `node tools/science/lag-shapes.mjs [--seeds
 * 301,302] [--assets 60] [--methods distributed_lag,lstm]`. Prints the shares of assets within one month, and of intervals
 * that hold the truth.
 */
import { parseArgs } from 'node:util';
import { simulateWorld } from '@macrograd/evaluation';
import { Basis, halfLife, lagProfile, peakLag } from '@macrograd/exposure';
import { defaultEstimators } from '@macrograd/pipeline';

const LAGS = 24;
const RATE_CHANGE = 2;
const { values: given } = parseArgs({
  options: {
    seeds: { type: 'string', default: '301,302' },
    assets: { type: 'string', default: '60' },
    methods: { type: 'string', default: 'distributed_lag,spline,lstm' },
  },
});

console.log('seed  method            peak +-1  half +-1   90 % intervals hold: peak  half  lags   width: peak  half');
for (const seed of given.seeds.split(',').map(Number)) {
  const world = simulateWorld({ process: 'lags', seed, assets: Number(given.assets) });
  const { panel } = world;
  const span = { start: 0, end: panel.axis.dates.length };
  const factors = panel.inputs.factors.length;
  for (const estimator of defaultEstimators(given.methods.split(','))) {
    const fitted = await estimator.fit(panel, span, { seed: 1 });
    const profile = await lagProfile(fitted, panel.inputs, span, { intervals: true });
    const { sd } = fitted.parameters().scaler;
    const checks = panel.assets.map((_, asset) => {
      const cell = asset * factors + RATE_CHANGE;
      const truth = trueResponse(world, asset, sd[RATE_CHANGE]);
      const of = profile.intervals[cell];
      const [peak, half] = [peakLag(truth), halfLife(truth)];
      const lags = truth.filter((value, lag) => {
        const at = cell * profile.lags + lag;
        return lag < profile.lags ? profile.lo[at] <= value && value <= profile.hi[at] : value === 0;
      });
      return [
        Math.abs(profile.peakLag[cell] - peak) <= 1,
        Math.abs(profile.halfLife[cell] - half) <= 1,
        of.peakLo <= peak && peak <= of.peakHi,
        of.halfLo <= half && half <= of.halfHi,
        lags.length / LAGS,
        of.peakHi - of.peakLo,
        of.halfHi - of.halfLo,
      ].map(Number);
    });
    const means = checks[0].map((_, k) => checks.reduce((sum, check) => sum + check[k], 0) / checks.length);
    const text = means.map((value) => value.toFixed(2));
    console.log(
      `${seed}   ${estimator.method.padEnd(16)}  ${text[0]}      ${text[1]}       ${text[2]}  ${text[3]}  ${text[4]}   ${text[5]}  ${text[6]}`,
    );
  }
}

/** Response of an asset to the rate change by lag, per training SD: its path regressed on the lags, which fit exactly. */
function trueResponse({ panel, loadings, burnIn, truth }, asset, sd) {
  const delayed = loadings[asset].find(({ effect }) => effect.slopes[0].factor === RATE_CHANGE);
  const rows = panel.axis.dates.length - LAGS;
  const factors = panel.inputs.factors.length;
  const lagged = Array.from({ length: LAGS }, (_, lag) =>
    Float64Array.from(
      { length: rows },
      (_, t) => panel.inputs.values[(t + LAGS - lag) * factors + RATE_CHANGE] / truth.factorSd[RATE_CHANGE],
    ),
  );
  const path = Float64Array.from({ length: rows }, (_, t) => delayed.effect.value[burnIn + LAGS + t]);
  const coefficient = typeof delayed.coefficient === 'number' ? delayed.coefficient : delayed.coefficient[0];
  const constant = new Float64Array(rows).fill(1);
  return lagged.map((column, lag) => {
    const basis = Basis.empty.with([constant, ...lagged.filter((_, other) => other !== lag)]);
    const left = basis.residual(column);
    const length = left.reduce((sum, x) => sum + x * x, 0);
    const weight = left.reduce((sum, x, t) => sum + x * path[t], 0) / length;
    // Coefficients are in % a month.
    return (0.01 * coefficient * weight * sd) / truth.factorSd[RATE_CHANGE];
  });
}
