import type { StackRows } from './stack_rows.js';

/** Second moments of what methods add to the training mean, and of what returns do beyond it, in units of the benchmark loss. */
export interface Moments {
  /** [method][method]. */
  readonly own: Float64Array;
  /** [method]. */
  readonly cross: Float64Array;
  readonly rows: number;
}

/** [fold][asset]: moments of the rows, of all folds together or of one. */
export function momentsOf({ folds, assets }: StackRows, methods: number, fold?: number): Moments[] {
  const all = Array.from({ length: assets }, () => ({
    own: new Float64Array(methods * methods),
    cross: new Float64Array(methods),
    rows: 0,
    loss: 0,
  }));
  for (const { y, d } of fold === undefined ? folds : folds.slice(fold).slice(0, 1)) {
    for (let at = 0; at < y.length; at++) {
      if (Number.isNaN(y[at])) continue;
      const sums = all[at % assets];
      sums.rows++;
      sums.loss += y[at] * y[at];
      for (let k = 0; k < methods; k++) {
        sums.cross[k] += d[k][at] * y[at];
        for (let l = 0; l < methods; l++) sums.own[k * methods + l] += d[k][at] * d[l][at];
      }
    }
  }
  return all.map(({ own, cross, rows, loss }) => {
    const scale = loss > 0 ? rows / loss : 0;
    return { own: own.map((x) => x * scale), cross: cross.map((x) => x * scale), rows };
  });
}

/** Moments of an average asset among those with rows. */
export function averageMoments(each: readonly Moments[]): Moments {
  const count = Math.max(1, each.filter(({ rows }) => rows > 0).length);
  const mean = (of: (moments: Moments) => Float64Array) =>
    of(each[0]).map((_, i) => each.reduce((sum, moments) => sum + of(moments)[i], 0) / count);
  const rows = each.reduce((sum, moments) => sum + moments.rows, 0) / count;
  return { own: mean(({ own }) => own), cross: mean(({ cross }) => cross), rows };
}

/** What weights take off the benchmark loss, in rows of it. */
export function gainOf(moments: Moments, weights: Float64Array): number {
  const { cross, square } = slopeParts(moments, weights);
  return 2 * cross - square;
}

/** Share of the benchmark loss that an asset's own best weights leave: what its weights are to be estimated against. */
export function unexplained(moments: Moments): number {
  if (moments.rows === 0) return 1;
  return Math.max(0, 1 - gainOf(moments, boundedWeights(moments)) / moments.rows);
}

/** An asset's weights, drawn to those of the pool by as much as `shrinkage` assets of its moments say; none for the silent. */
export function shrunkWeights(
  { own, cross }: Moments,
  silent: readonly boolean[],
  pool: Moments,
  weights: Float64Array,
  shrinkage: number,
): Float64Array {
  const m = cross.length;
  const target = cross.map((value, k) => {
    if (silent[k]) return 0;
    let drawn = 0;
    for (let l = 0; l < m; l++) drawn += pool.own[k * m + l] * weights[l];
    return value + shrinkage * drawn;
  });
  const drawnOwn = own.map((value, i) => (silent[Math.floor(i / m)] ? 0 : value + shrinkage * pool.own[i]));
  return boundedWeights({ own: drawnOwn, cross: target });
}

/**
 * Weights of every asset in the same proportions, times what minimises their loss: for all assets together, then for each
 * drawn to that as by `shrinkage[asset]` average assets. Sums of weights stay within 1.
 */
export function levelled(
  weights: readonly Float64Array[],
  each: readonly Moments[],
  shrinkage: readonly number[],
): Float64Array[] {
  const parts = weights.map((own, asset) => slopeParts(each[asset], own));
  const present = Math.max(1, each.filter(({ rows }) => rows > 0).length);
  const square = parts.reduce((sum, part) => sum + part.square, 0) / present;
  const common = square > 0 ? parts.reduce((sum, part) => sum + part.cross, 0) / present / square : 1;
  return weights.map((own, asset) => {
    const drawn = shrinkage[asset] * square;
    const level = (parts[asset].cross + drawn * common) / (parts[asset].square + drawn);
    return own.map((weight) => (weight > 0 ? weight * Math.min(1 / sumOf(own), Math.max(0, level)) : 0));
  });
}

/** w'c and w'Aw, whose ratio is the best factor on weights w. */
function slopeParts({ own, cross }: Moments, weights: Float64Array): { cross: number; square: number } {
  const m = weights.length;
  let [along, square] = [0, 0];
  for (let k = 0; k < m; k++) {
    along += cross[k] * weights[k];
    for (let l = 0; l < m; l++) square += weights[k] * own[k * m + l] * weights[l];
  }
  return { cross: along, square };
}

/** Minimises w'Aw / 2 - c'w over w >= 0 with sum w <= 1: coordinate descent, the bound by bisection on its multiplier. */
export function boundedWeights({ own: a, cross: c }: Pick<Moments, 'own' | 'cross'>): Float64Array {
  const free = nonNegative(a, c, 0);
  if (sumOf(free) <= 1) return free;
  let [low, high] = [0, c.reduce((largest, value) => Math.max(largest, value), 0)];
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (sumOf(nonNegative(a, c, middle)) > 1) low = middle;
    else high = middle;
  }
  return nonNegative(a, c, high);
}

function nonNegative(a: Float64Array, c: Float64Array, multiplier: number): Float64Array {
  const m = c.length;
  const w = new Float64Array(m);
  for (let sweep = 0; sweep < 500; sweep++) {
    let moved = 0;
    for (let k = 0; k < m; k++) {
      const size = a[k * m + k];
      if (!(size > 0)) continue;
      let slope = c[k] - multiplier;
      for (let l = 0; l < m; l++) if (l !== k) slope -= a[k * m + l] * w[l];
      const next = Math.max(0, slope / size);
      moved = Math.max(moved, Math.abs(next - w[k]));
      w[k] = next;
    }
    if (moved < 1e-8) break;
  }
  return w;
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
