/** Shapes that a lag profile is made of. */
export type LagShape = 'bumps' | 'free' | 'almon' | 'koyck';

/** Bumps over all lags. */
const BUMPS = 7;

/** Degree of the polynomial of Almon (1965). */
const ALMON_DEGREE = 3;

/** Shares that are left a period later (Koyck 1954): half-lives of .6, 1.4, 3.1 and 6.6 periods. */
const KOYCK_RATES = [0.3, 0.6, 0.8, 0.9];

/** Columns of unit length by which lags enter, [lag][basis]. */
export function lagBasis(shape: LagShape, lagCount: number): Float64Array {
  const lags = Array.from({ length: lagCount }, (_, lag) => lag);
  const columns = shapes[shape](lags).map(unitLength);
  return Float64Array.from(lags.flatMap((lag) => columns.map((column) => column[lag])));
}

const shapes: Readonly<Record<LagShape, (lags: readonly number[]) => number[][]>> = {
  bumps,
  free: (lags) => lags.map((own) => lags.map((lag) => (lag === own ? 1 : 0))),
  almon,
  koyck: (lags) => KOYCK_RATES.map((rate) => lags.map((lag) => rate ** lag)),
};

/** Triangles equally spaced in log(1 + k / 2): fine at short lags, broad at long ones. */
function bumps(lags: readonly number[]): number[][] {
  const place = (lag: number) => Math.log1p(lag / 2);
  const count = Math.min(BUMPS, lags.length);
  const spacing = place(lags.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, basis) =>
    lags.map((lag) => Math.max(0, 1 - Math.abs(place(lag) / spacing - basis))),
  );
}

/** Polynomials in the lag, made orthogonal so that one prior variance fits them all. */
function almon(lags: readonly number[]): number[][] {
  const columns: number[][] = [];
  for (let degree = 0; degree <= Math.min(ALMON_DEGREE, lags.length - 1); degree++) {
    let column = lags.map((lag) => (lag / (lags.length - 1)) ** degree);
    for (const before of columns) {
      const along = column.reduce((sum, value, at) => sum + value * before[at], 0);
      column = column.map((value, at) => value - along * before[at]);
    }
    columns.push(unitLength(column));
  }
  return columns;
}

function unitLength(column: readonly number[]): number[] {
  const length = Math.hypot(...column);
  return column.map((value) => value / length);
}
