import { type Estimator, type FitOptions, type Fitted, indexesOfRole, type Panel, type Span } from '@macrograd/core';
import type { DesignRule } from './design.js';
import { diagnose } from './diagnose.js';
import { LinearFitted } from './fitted.js';
import { withResidualChecks } from './residual-checks.js';
import { training } from './training.js';

/**
 * No exposure at all: predicts each asset's training mean, and no factor moves it. The method that every other has to
 * beat out of sample.
 */
export function zeroEstimator(): Estimator {
  return withResidualChecks({ method: 'zero', fit: fitZero });
}

async function fitZero(panel: Panel, span: Span, options: FitOptions): Promise<Fitted> {
  const { rule: fitted, panel: rows, dates, observations } = training(panel, span, options, 'zero');
  const { assets } = rows;
  // Every series has exposure 0, also one that other methods leave out for want of data.
  const width = 1 + fitted.columns.length;
  const positions = fitted.columns.map((_, j) => 1 + j);
  const rule: DesignRule = { ...fitted, positions, leftOut: positions.map(() => undefined), marks: [], width };
  const coefficients = new Float64Array(assets * width);
  for (let asset = 0; asset < assets; asset++) {
    let sum = 0;
    for (let row = 0; row < rows.rows; row++) {
      const value = rows.returns[row * assets + asset];
      if (!Number.isNaN(value)) sum += value;
    }
    coefficients[asset * width] = sum / observations[asset];
  }
  const diagnostics = diagnose({
    inputs: panel.inputs,
    rule,
    coefficients,
    pValues: new Float64Array(assets * width).fill(Number.NaN),
    observations,
    minObservations: 1,
    facts: { factors: indexesOfRole(panel.inputs, 'factor').length },
  });
  const source = { last: { coefficients, variances: new Float64Array(assets * width) } };
  return new LinearFitted({ method: 'zero', rule, source, assets, trainingDates: dates, diagnostics });
}
