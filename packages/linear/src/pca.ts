import {
  ArgumentError,
  type Estimator,
  type FactorPanel,
  type FitOptions,
  type Fitted,
  type Panel,
  type Span,
  sliceFactors,
} from '@macrograd/core';
import {
  type OlsRegression,
  olsRegression,
  principalComponents,
  type RegressionPanel,
  shrinkagePath,
  twoSidedPValues,
} from '@macrograd/kernel';
import type { CoefficientBlock } from './coefficients.js';
import { type DesignRule, freeRegressors } from './design.js';
import { diagnose, largestFinite, statistics } from './diagnose.js';
import { filledSeries } from './filled-series.js';
import { LinearFitted } from './fitted.js';
import { overlapLags } from './ols.js';
import { withResidualChecks } from './residual-checks.js';
import { pooledStep } from './shrunk.js';
import { defaultMinObservations, runOptions, type Training, training } from './training.js';

/** Components whose eigenvalue is a smaller share of the largest are rounding of a sum of other series. */
const SMALLEST_EIGENVALUE = 1e-10;

/** Options of {@link pcaEstimator}. */
export interface PcaEstimatorOptions {
  /** Components; default: the number of least cross-validated error, one for all assets. */
  readonly components?: number;
  /** Blocks of neighbouring rows left out in turn; default 5. */
  readonly folds?: number;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/** Orthonormal directions of the factors and controls, widest first. */
interface Directions {
  /** [direction][column that enters]. */
  readonly values: Float64Array;
  readonly count: number;
}

/**
 * Principal-component regression: returns on the widest directions of factors and controls, mapped back to exposures to
 * the factors themselves. With all components it is `ols`. Formulae and sources: docs/methods/pca.md.
 */
export function pcaEstimator(options: PcaEstimatorOptions = {}): Estimator {
  const { components } = options;
  if (components !== undefined && !(Number.isInteger(components) && components >= 1)) {
    throw new ArgumentError(`components is ${components}`, 'give an integer of at least 1');
  }
  return withResidualChecks({ method: 'pca', fit: (panel, span, fit) => fitPca(panel, span, fit, options) });
}

async function fitPca(panel: Panel, span: Span, fit: FitOptions, options: PcaEstimatorOptions): Promise<Fitted> {
  const data = training(panel, span, fit, 'pca');
  const { rule, panel: rows } = data;
  const minObservations = options.minObservations ?? defaultMinObservations(rule);
  const directions = await factorDirections(rule, sliceFactors(panel.inputs, span), fit);
  const components = Math.min(
    directions.count,
    options.components ?? (await bestCount(data, directions, minObservations, options.folds ?? 5, fit)),
  );
  const lags = overlapLags(panel.horizon, rows.rows);
  const result = await olsRegression(scoreDesign(rule, rows, directions, components), {
    ...runOptions(fit),
    covariance: 'hac',
    minObservations,
    ...(lags === undefined ? {} : { lags }),
  });
  const last = mappedBack(rule, rows.assets, directions, components, result);
  const degrees = last.coefficients.map((_, at) => {
    const asset = Math.floor(at / rule.width);
    return result.observations[asset] - result.rank[asset];
  });
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients: last.coefficients,
    pValues: twoSidedPValues(statistics(last.coefficients, last.variances), degrees),
    observations: data.observations,
    minObservations,
    facts: { components, directions: directions.count, condition_number: largestFinite(result.condition) },
  });
  return new LinearFitted({
    method: 'pca',
    rule,
    source: { last },
    assets: rows.assets,
    trainingDates: data.dates,
    diagnostics,
  });
}

/** Directions of the series that enter; where values are missing, of the series as the components fill them. */
async function factorDirections(rule: DesignRule, inputs: FactorPanel, fit: FitOptions): Promise<Directions> {
  const { values, rows, series } = await filledSeries(rule, inputs, fit);
  if (series === 0 || rows < 2) return { values: new Float64Array(0), count: 0 };
  const most = Math.min(rows, series);
  const found = await principalComponents({ values, rows, series }, { ...runOptions(fit), components: most });
  const count = found.eigenvalues.filter((value) => value > SMALLEST_EIGENVALUE * found.eigenvalues[0]).length;
  const scale = Math.sqrt(series);
  const directions = Float64Array.from(
    { length: count * series },
    (_, at) => found.loadings[(at % series) * most + Math.floor(at / series)] / scale,
  );
  return { values: directions, count };
}

/** Number of components whose block cross-validated error, over that with one, is least on average over assets. */
async function bestCount(
  { rule, panel }: Training,
  directions: Directions,
  minObservations: number,
  folds: number,
  fit: FitOptions,
): Promise<number> {
  if (directions.count < 2) return directions.count;
  const path = await shrinkagePath(panel, {
    ...runOptions(fit),
    path: { kind: 'directions', directions: directions.values },
    freeColumns: freeRegressors(rule),
    folds,
    minObservations,
  });
  return 1 + pooledStep(path);
}

/** [constant, scores, marks] in place of [constant, series, marks]. */
function scoreDesign(
  rule: DesignRule,
  panel: RegressionPanel,
  directions: Directions,
  components: number,
): RegressionPanel {
  const marks = rule.marks.length;
  const series = rule.width - 1 - marks;
  const columns = 1 + components + marks;
  const design = new Float64Array(panel.rows * columns);
  for (let row = 0; row < panel.rows; row++) {
    const x = panel.design.subarray(row * rule.width, (row + 1) * rule.width);
    const out = design.subarray(row * columns, (row + 1) * columns);
    out[0] = 1;
    for (let c = 0; c < components; c++) {
      for (let j = 0; j < series; j++) out[1 + c] += directions.values[c * series + j] * x[1 + j];
    }
    out.set(x.subarray(rule.width - marks), 1 + components);
  }
  return { ...panel, design, columns };
}

/** b = V g and Var b = diag V Cov(g) V', V = directions in columns; constant and marks as they are. */
function mappedBack(
  rule: DesignRule,
  assets: number,
  directions: Directions,
  components: number,
  fit: OlsRegression,
): CoefficientBlock {
  const marks = rule.marks.length;
  const series = rule.width - 1 - marks;
  const columns = 1 + components + marks;
  const coefficients = new Float64Array(assets * rule.width);
  const variances = new Float64Array(assets * rule.width);
  const weight = (j: number, c: number) => directions.values[c * series + j];
  for (let asset = 0; asset < assets; asset++) {
    const own = fit.coefficients.subarray(asset * columns, (asset + 1) * columns);
    const covariance = fit.covariance.subarray(asset * columns ** 2, (asset + 1) * columns ** 2);
    const at = asset * rule.width;
    const copy = (to: number, from: number) => {
      coefficients[at + to] = own[from];
      variances[at + to] = covariance[from * columns + from];
    };
    copy(0, 0);
    for (let m = 0; m < marks; m++) copy(rule.width - marks + m, 1 + components + m);
    for (let j = 0; j < series; j++) {
      for (let c = 0; c < components; c++) {
        coefficients[at + 1 + j] += weight(j, c) * own[1 + c];
        for (let d = 0; d < components; d++) {
          variances[at + 1 + j] += weight(j, c) * weight(j, d) * covariance[(1 + c) * columns + 1 + d];
        }
      }
    }
  }
  return { coefficients, variances };
}
