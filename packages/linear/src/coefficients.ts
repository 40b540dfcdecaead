import type { AssetRange, FactorPanel, Span } from '@macrograd/core';

/** Regression coefficients of assets, over rows if they move. */
export interface CoefficientBlock {
  /** [asset][row][regressor], or [asset][regressor] for one row; NaN where not estimated. */
  readonly coefficients: Float64Array;
  /** Variances of `coefficients`, same shape. */
  readonly variances: Float64Array;
}

/** What a linear method knows after its fit. */
export interface CoefficientSource {
  /** Coefficients of the last training row, [asset][regressor]. They hold for every later row. */
  readonly last: CoefficientBlock;
  /**
   * Coefficients as of each row of a span of training rows (row 0 = first training row), made on demand so that no
   * universe of paths lies in memory. Absent when coefficients don't move.
   */
  readonly path?: (rows: Span, assets: AssetRange, signal?: AbortSignal) => Promise<CoefficientBlock>;
  /**
   * Coefficients that hold at a row by what the inputs say there, with or without training rows; takes the place of
   * `path`. The block has the shape of `last`; `asset` counts all assets of the fit, `row` from the span's start.
   */
  readonly byState?: (inputs: FactorPanel, span: Span) => (asset: number, row: number) => CoefficientBlock;
}

/** Diagonals of K x K matrices laid out one after the other, [matrix][K]. */
export function diagonals(matrices: Float64Array, k: number): Float64Array {
  return Float64Array.from({ length: matrices.length / k }, (_, at) => matrices[at * k + (at % k)]);
}
