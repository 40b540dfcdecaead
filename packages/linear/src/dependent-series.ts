/** Share of a column's own length below which what the columns before it leave of it is rounding. */
const ROUNDING = 1e-9;

/**
 * Series of a matrix that others give, now or with lags: those whose value or whose lag 1 to `order` is a combination of
 * a constant and the same lags of series before them. A level and its change are such a pair from the second lag on.
 *
 * @param values - standardised, [row][series], without missing values.
 * @returns numbers of the series to leave out, ascending; of a dependent pair the later one.
 */
export function dependentSeries(values: Float64Array, series: number, order: number): number[] {
  const rows = values.length / series - order;
  const basis: Float64Array[] = [];
  takeUp(basis, new Float64Array(Math.max(0, rows)).fill(1));
  const dependent: number[] = [];
  for (let j = 0; j < series; j++) {
    const before = basis.length;
    for (let lag = 0; lag <= order; lag++) {
      const column = Float64Array.from({ length: rows }, (_, row) => values[(row + order - lag) * series + j]);
      if (takeUp(basis, column)) continue;
      // What its shorter lags added goes again: the series is out as a whole.
      basis.length = before;
      dependent.push(j);
      break;
    }
  }
  return dependent;
}

/** Adds what a column has of its own to an orthonormal basis; false where that is nothing. */
function takeUp(basis: Float64Array[], column: Float64Array): boolean {
  const length = lengthOf(column);
  // Twice: once leaves rounding of the size of the column in what is nearly dependent.
  for (let pass = 0; pass < 2; pass++) {
    for (const direction of basis) {
      let product = 0;
      for (let t = 0; t < column.length; t++) product += direction[t] * column[t];
      for (let t = 0; t < column.length; t++) column[t] -= product * direction[t];
    }
  }
  const own = lengthOf(column);
  if (!(own > ROUNDING * length)) return false;
  basis.push(column.map((value) => value / own));
  return true;
}

function lengthOf(column: Float64Array): number {
  return Math.sqrt(column.reduce((sum, value) => sum + value * value, 0));
}
