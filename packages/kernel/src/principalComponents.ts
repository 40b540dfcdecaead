import { type RunOptions, runNative } from './native.js';
import type { SeriesMatrix } from './vectorAutoregression.js';

/** Options of {@link principalComponents}. */
export interface PrincipalComponentsOptions extends RunOptions {
  /** Components kept; default: as many as criterion ICp`criterion` of Bai and Ng (2002) asks for, at least one. */
  readonly components?: number;
  /** Default 2. */
  readonly criterion?: 1 | 2 | 3;
  /** Most components compared; default 8, and never more than rows or series. */
  readonly maxComponents?: number;
  /** Share of the common component's sum of squares below which filling stops; default 1e-6. */
  readonly tolerance?: number;
  /** Most rounds of filling; default 50. */
  readonly maxIterations?: number;
}

/** Principal components of standardised series. T rows, N series, k components. */
export interface PrincipalComponents {
  readonly components: number;
  /** [row][component]: standardised (and filled) series times loadings over N. */
  readonly factors: Float64Array;
  /** [series][component], squares of a component sum to N; its largest is positive. */
  readonly loadings: Float64Array;
  /** Eigenvalues of the correlation matrix, descending. */
  readonly eigenvalues: Float64Array;
  /** ICp1, ICp2, ICp3 for 0, 1, ... components, [criterion][components]. */
  readonly criteria: Float64Array;
  readonly mean: Float64Array;
  readonly sd: Float64Array;
  /** Rounds of filling; 0 when nothing is missing. */
  readonly iterations: number;
  readonly converged: boolean;
}

/**
 * Principal components; missing values (NaN) are filled by expectation-maximisation (Stock and Watson 2002), as in
 * FRED-MD's programs (McCracken and Ng 2016).
 *
 * @example
 * const { factors, components } = await principalComponents({ values, rows: 726, series: 126 });
 */
export function principalComponents(
  series: SeriesMatrix,
  options: PrincipalComponentsOptions = {},
): Promise<PrincipalComponents> {
  const most = Math.min(series.rows, series.series);
  const native = {
    components: options.components ?? 0,
    criterion: options.criterion ?? 2,
    maxComponents: Math.min(options.maxComponents ?? 8, most),
    tolerance: options.tolerance ?? 1e-6,
    maxIterations: options.maxIterations ?? 50,
  };
  const copy = { ...series, values: series.values.slice() };
  return runNative((kernel, run) => kernel.linearPca(copy, native, ...run), options);
}
