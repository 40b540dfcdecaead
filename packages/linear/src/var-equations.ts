import { cholesky, type Diagnostics, forwardSolve, indexesOfRole, type Panel } from '@macrograd/core';
import { fPValues, type OlsRegression, type RegressionPanel } from '@macrograd/kernel';
import type { DesignRule } from './design.js';
import { diagnose, largestFinite } from './diagnose.js';
import type { FeatureRule } from './features.js';
import type { Training } from './training.js';

/** Series in the order of the design's positions, (x - mean) / sd of the training rows. */
export function standardised(values: Float64Array, rule: DesignRule): Float64Array {
  const columns = entering(rule);
  return values.map((value, at) => {
    const column = columns[at % columns.length];
    return (value - rule.scaler.mean[column]) / rule.scaler.sd[column];
  });
}

/** Features [current, (column, lag 1..order), marks], as they are: neither centred nor scaled. */
export function lagFormulae(rule: DesignRule, order: number): FeatureRule {
  const columns = entering(rule);
  const width = columns.length * (1 + order) + rule.marks.length;
  const lagCount = order + 1;
  return {
    scaler: rule.scaler,
    columns,
    lagged: columns.map((_, at) => at),
    lagCount,
    // Basis b is lag b + 1 alone.
    lagBasis: Float64Array.from({ length: lagCount * order }, (_, at) =>
      Math.floor(at / order) === (at % order) + 1 ? 1 : 0,
    ),
    knots: new Float64Array(0),
    bend: 1,
    products: [],
    missingColumns: rule.marks,
    featureMean: new Float64Array(width),
    featureSd: new Float64Array(width).fill(1),
  };
}

/** [1, features]; the first rows, whose lags lie before the data, are used by no asset. */
export function withConstant(data: Training, design: Float64Array, width: number, order: number): RegressionPanel {
  const { rows, returns, assets } = data.panel;
  const out = new Float64Array(rows * (1 + width)).fill(1);
  for (let row = 0; row < rows; row++) {
    out.set(design.subarray(row * width, (row + 1) * width), row * (1 + width) + 1);
    if (row < order) out[row * (1 + width)] = Number.NaN;
  }
  return { design: out, returns, rows, columns: 1 + width, assets };
}

/** Coefficients of the features; one that was left out adds nothing to a prediction and has no variance. */
export function withoutConstant(fit: OlsRegression, assets: number, width: number) {
  const columns = 1 + width;
  const intercept = new Float64Array(assets);
  const heads = new Float64Array(assets * width);
  const covariance = new Float64Array(assets * width * width);
  for (let asset = 0; asset < assets; asset++) {
    const estimated = fit.rank[asset] > 0;
    intercept[asset] = fit.coefficients[asset * columns];
    for (let i = 0; i < width; i++) {
      const value = fit.coefficients[asset * columns + 1 + i];
      heads[asset * width + i] = estimated && Number.isNaN(value) ? 0 : value;
      for (let j = 0; j < width; j++) {
        covariance[(asset * width + i) * width + j] = fit.covariance[(asset * columns + 1 + i) * columns + 1 + j];
      }
    }
  }
  return { intercept, heads, covariance };
}

/** Status of every asset and facts; p-values of "no effect at any lag", Wald F tests. */
export function varDiagnostics(
  panel: Panel,
  data: Training,
  fit: OlsRegression,
  order: number,
  facts: Readonly<Record<string, number>>,
  minObservations: number,
): Diagnostics {
  const { rule, panel: rows } = data;
  const k = entering(rule).length;
  const columns = 1 + k * (1 + order) + rule.marks.length;
  const current = new Float64Array(rows.assets * rule.width);
  const pValues = new Float64Array(rows.assets * rule.width).fill(Number.NaN);
  for (let asset = 0; asset < rows.assets; asset++) {
    const own = fit.coefficients.subarray(asset * columns, (asset + 1) * columns);
    const covariance = fit.covariance.subarray(asset * columns ** 2, (asset + 1) * columns ** 2);
    current.set(own.subarray(0, 1 + k), asset * rule.width);
    current.set(own.subarray(columns - rule.marks.length), asset * rule.width + 1 + k);
    const df = fit.observations[asset] - fit.rank[asset];
    for (let j = 0; j < k; j++) {
      const places = [1 + j, ...Array.from({ length: order }, (_, lag) => 1 + k + j * order + lag)];
      const wald = waldStatistic(own, covariance, columns, places);
      const [f] = fPValues(Float64Array.of(wald / places.length), Float64Array.of(places.length), Float64Array.of(df));
      pValues[asset * rule.width + 1 + j] = f;
    }
  }
  return diagnose({
    inputs: panel.inputs,
    rule,
    coefficients: current,
    pValues,
    observations: data.observations,
    minObservations,
    facts: {
      ...facts,
      order,
      factors: indexesOfRole(panel.inputs, 'factor').length,
      condition_number: largestFinite(fit.condition),
    },
  });
}

/** b'C^-1 b of some coefficients by Cholesky; NaN where one is missing or C is not positive definite. */
function waldStatistic(b: Float64Array, covariance: Float64Array, columns: number, places: readonly number[]): number {
  const size = places.length;
  const own = Float64Array.from({ length: size * size }, (_, at) => {
    return covariance[places[Math.floor(at / size)] * columns + places[at % size]];
  });
  const factor = cholesky(own, size);
  if (!factor) return Number.NaN;
  const solved = forwardSolve(
    factor,
    Float64Array.from(places, (place) => b[place]),
  );
  return solved.reduce((sum, value) => sum + value * value, 0);
}

function entering(rule: DesignRule): number[] {
  return rule.columns.filter((_, j) => rule.positions[j] >= 0);
}
