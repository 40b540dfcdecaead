/** Share of a column's own length below which what is left of it after projection counts as nothing. */
const DEPENDENT = 1e-7;

/**
 * Orthonormal columns that span a set of regressors, grown one by one (Gram-Schmidt, twice for accuracy), so that a
 * further regressor is tested by what is left of it (Frisch and Waugh 1933).
 */
export class Basis {
  private readonly bands = new Map<number, Float64Array[]>();

  private constructor(readonly columns: readonly Float64Array[]) {}

  static readonly empty = new Basis([]);

  /** The basis with the columns added that do not depend on those before them. */
  with(columns: Iterable<Float64Array>): Basis {
    let grown: Basis = this;
    for (const column of columns) {
      const direction = grown.direction(column);
      if (direction) grown = new Basis([...grown.columns, direction]);
    }
    return grown;
  }

  /** What is left of a column, [row]. */
  residual(column: Float64Array): Float64Array {
    const out = column.slice();
    for (let pass = 0; pass < 2; pass++) {
      for (const q of this.columns) subtract(out, q, dot(q, out));
    }
    return out;
  }

  /** {@link residual}; undefined where the column depends on the basis up to rounding. */
  remainder(column: Float64Array): Float64Array | undefined {
    const left = this.residual(column);
    return dot(left, left) > DEPENDENT * dot(column, column) ? left : undefined;
  }

  /** Diagonals 0 to `lags` of the projection QQ', [lag][row]: entry t of lag h is (QQ')_{t,t-h}. */
  band(lags: number): readonly Float64Array[] {
    const known = this.bands.get(lags);
    if (known) return known;
    const rows = this.columns[0]?.length ?? 0;
    const band = Array.from({ length: lags + 1 }, () => new Float64Array(rows));
    for (const q of this.columns) {
      band.forEach((diagonal, h) => {
        for (let t = h; t < rows; t++) diagonal[t] += q[t] * q[t - h];
      });
    }
    this.bands.set(lags, band);
    return band;
  }

  private direction(column: Float64Array): Float64Array | undefined {
    const left = this.remainder(column);
    if (!left) return undefined;
    const length = Math.sqrt(dot(left, left));
    return left.map((value) => value / length);
  }
}

/** Inner product of two columns. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** A column of mean square 1, or zeros where nothing is left of it. */
export function unitSquare(column: Float64Array): Float64Array {
  const size = Math.sqrt(dot(column, column) / column.length);
  return size > 1e-9 ? column.map((value) => value / size) : new Float64Array(column.length);
}

/** a -= factor b, in place. */
export function subtract(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] -= factor * b[i];
}
