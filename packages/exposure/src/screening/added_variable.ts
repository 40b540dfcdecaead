import { twoSidedStudentPValue } from '../student_t.js';
import { type Basis, dot, subtract } from './basis.js';

/** One regressor tested on top of a regression, for one asset. */
export interface AddedVariable {
  /** Coefficient, in units of the return per unit of the regressor. */
  readonly coefficient: number;
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  /** Two-sided. */
  readonly pValue: number;
}

/**
 * t-test of one more regressor with HAC errors (Newey and West 1987, Bartlett weights) that keeps its size in the far
 * tail, where a screen over thousands of pairs reads it: the variance estimate is freed of its bias, and the statistic
 * held against Student's t with Satterthwaite's degrees of freedom, both exact to first order under independent errors
 * (Bell and McCaffrey 2002, for kernels). Formulae: docs/methods/screening.md.
 *
 * Prepared once for a regressor and a pattern of observed rows, then applied to every asset with that pattern.
 */
export class AddedVariableTest {
  private readonly length: number;
  private readonly weights: Float64Array;
  private readonly inflation: number;
  readonly degreesOfFreedom: number;

  /**
   * @param basis - regressors that are in the equation already
   * @param left - what the basis leaves of the regressor, [row]
   * @param lags - lags of the HAC kernel; 0 = White (1980)
   */
  constructor(
    basis: Basis,
    private readonly left: Float64Array,
    lags: number,
  ) {
    this.length = dot(left, left);
    this.weights = Float64Array.from({ length: lags + 1 }, (_, h) => 1 - h / (lags + 1));
    // The regressor itself is one more direction of the projection: w / |w|.
    const own = kernelForm(left, left, this.weights) / this.length;
    const trace = this.length - own - projectedTrace(basis, left, this.weights);
    this.inflation = this.length / Math.max(trace, 0.1 * this.length);
    this.degreesOfFreedom = this.length ** 2 / squaredTrace(left, this.weights);
  }

  /** The test of one asset, whose returns' residual on the basis is given, [row]. */
  of(residual: Float64Array): AddedVariable {
    const { left, length } = this;
    const coefficient = dot(left, residual) / length;
    const error = residual.slice();
    subtract(error, left, coefficient);
    const variance = (this.inflation * kernelForm(left, error, this.weights)) / length ** 2;
    const statistic = coefficient / Math.sqrt(variance);
    const degreesOfFreedom = this.degreesOfFreedom;
    return { coefficient, statistic, degreesOfFreedom, pValue: twoSidedStudentPValue(statistic, degreesOfFreedom) };
  }
}

/** e' D K D e with D = diag w and K the kernel's band matrix: the HAC sum of w_t e_t. */
function kernelForm(w: Float64Array, e: Float64Array, weights: Float64Array): number {
  const u = new Float64Array(w.length);
  for (let t = 0; t < u.length; t++) u[t] = w[t] * e[t];
  return bandSum(u, weights);
}

/** tr (D K D)^2. */
function squaredTrace(w: Float64Array, weights: Float64Array): number {
  const squares = new Float64Array(w.length);
  for (let t = 0; t < squares.length; t++) squares[t] = w[t] * w[t];
  return bandSum(
    squares,
    weights.map((weight) => weight * weight),
  );
}

/** Sum over t and s of weight_|t-s| u_t u_s. */
function bandSum(u: Float64Array, weights: Float64Array): number {
  let sum = dot(u, u);
  for (let h = 1; h < weights.length; h++) {
    let lagged = 0;
    for (let t = h; t < u.length; t++) lagged += u[t] * u[t - h];
    sum += 2 * weights[h] * lagged;
  }
  return sum;
}

/** tr (QQ' D K D). */
function projectedTrace(basis: Basis, w: Float64Array, weights: Float64Array): number {
  let sum = 0;
  basis.band(weights.length - 1).forEach((diagonal, h) => {
    let lagged = 0;
    for (let t = h; t < diagonal.length; t++) lagged += diagonal[t] * w[t] * w[t - h];
    sum += (h === 0 ? 1 : 2 * weights[h]) * lagged;
  });
  return sum;
}
