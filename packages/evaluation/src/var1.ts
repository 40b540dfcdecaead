import {
  cholesky,
  choleskySolve,
  type FactorPanel,
  fitScaler,
  indexesOfRole,
  type Scaler,
  type Span,
} from '@macrograd/core';

/** Keeps the normal equations solvable where a factor was never observed in training; changes no digit that matters. */
const RELATIVE_RIDGE = 1e-9;

/**
 * First-order vector autoregression of the factors, estimated by least squares on training rows: what was expected of
 * each factor a period ahead.
 *
 * Factors are standardised with their training mean and SD. A missing value enters as 0, its mean; a row where a
 * factor itself is missing does not count in that factor's equation.
 */
export class FactorVar {
  /** Columns of the inputs with role `factor`. */
  readonly columns: readonly number[];
  private readonly scaler: Scaler;
  /** [factor][1 + factor]: intercept, then the effect of each factor a period before. */
  private readonly coefficients: Float64Array;

  constructor(inputs: FactorPanel, train: Span) {
    this.columns = indexesOfRole(inputs, 'factor');
    this.scaler = fitScaler(inputs.values, inputs.factors.length, train);
    const width = this.columns.length + 1;
    this.coefficients = new Float64Array(this.columns.length * width);
    this.columns.forEach((_, j) => {
      this.coefficients.set(this.equation(inputs, train, j), j * width);
    });
  }

  /** u_t = z_t - E[z_t | z_{t-1}] of every factor, per training SD; NaN where the factor is missing at t. */
  innovation(inputs: FactorPanel, row: number): Float64Array {
    const expected = this.expected(inputs, row);
    return expected.map((own, j) => this.standardised(inputs, row, j) - own);
  }

  /**
   * The inputs to `row`, which is not looked at: its factors at their expectation plus `move`, in training SD, all else
   * as the row before has it. A factor missing there is missing.
   */
  inputsAfter(inputs: FactorPanel, row: number, move: Float64Array): FactorPanel {
    const { frequency, dates } = inputs.axis;
    const width = inputs.factors.length;
    const values = inputs.values.slice(0, (row + 1) * width);
    values.copyWithin(row * width, (row - 1) * width, row * width);
    const expected = this.expected(inputs, row);
    const { mean, sd } = this.scaler;
    this.columns.forEach((column, j) => {
      const at = row * width + column;
      if (!Number.isNaN(values[at])) values[at] = mean[column] + sd[column] * (expected[j] + move[j]);
    });
    return { ...inputs, axis: { frequency, dates: dates.slice(0, row + 1) }, values };
  }

  /** E[z_t | z_{t-1}] of every factor. */
  private expected(inputs: FactorPanel, row: number): Float64Array {
    const regressors = this.regressors(inputs, row - 1);
    const width = regressors.length;
    return Float64Array.from(this.columns, (_, j) => {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += this.coefficients[j * width + i] * regressors[i];
      return sum;
    });
  }

  private equation(inputs: FactorPanel, train: Span, j: number): Float64Array {
    const width = this.columns.length + 1;
    const gram = new Float64Array(width * width);
    const moment = new Float64Array(width);
    let rows = 0;
    for (let row = train.start + 1; row < train.end; row++) {
      const target = this.standardised(inputs, row, j);
      if (Number.isNaN(target)) continue;
      rows++;
      const x = this.regressors(inputs, row - 1);
      for (let a = 0; a < width; a++) {
        moment[a] += x[a] * target;
        for (let b = 0; b < width; b++) gram[a * width + b] += x[a] * x[b];
      }
    }
    for (let a = 0; a < width; a++) gram[a * width + a] += RELATIVE_RIDGE * (rows + 1);
    const factor = cholesky(gram, width);
    return factor ? choleskySolve(factor, moment) : new Float64Array(width).fill(Number.NaN);
  }

  private standardised(inputs: FactorPanel, row: number, j: number): number {
    const column = this.columns[j];
    const { mean, sd } = this.scaler;
    return (inputs.values[row * inputs.factors.length + column] - mean[column]) / sd[column];
  }

  private regressors(inputs: FactorPanel, row: number): Float64Array {
    const x = new Float64Array(this.columns.length + 1);
    x[0] = 1;
    this.columns.forEach((_, j) => {
      const z = this.standardised(inputs, row, j);
      x[j + 1] = Number.isNaN(z) ? 0 : z;
    });
    return x;
  }
}

/**
 * How the factors move when one of them is shocked by 1 SD: E[u_l | u_j = 1] = cov(u_l, u_j) / var(u_j) over the
 * {@link FactorVar} innovations of the training rows (Pesaran and Shin 1998), [factor][shocked factor], in training SD.
 * Pairs never observed together move apart: 0.
 */
export function generalisedMoves(inputs: FactorPanel, train: Span): Float64Array {
  const expectation = new FactorVar(inputs, train);
  const k = expectation.columns.length;
  const products = new Float64Array(k * k);
  const squares = new Float64Array(k * k);
  for (let row = train.start + 1; row < train.end; row++) {
    const u = expectation.innovation(inputs, row);
    for (let l = 0; l < k; l++) {
      for (let j = 0; j < k; j++) {
        if (Number.isNaN(u[l]) || Number.isNaN(u[j])) continue;
        products[l * k + j] += u[l] * u[j];
        squares[l * k + j] += u[j] * u[j];
      }
    }
  }
  return products.map((product, at) => (at % (k + 1) === 0 ? 1 : squares[at] > 0 ? product / squares[at] : 0));
}
