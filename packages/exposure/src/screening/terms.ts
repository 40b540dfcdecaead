import {
  type FactorMeta,
  type FactorPanel,
  type Frequency,
  fitScaler,
  indexesOfRole,
  type Span,
  standardise,
} from '@macrograd/core';

/** How a term enters: at the return's own period, delayed, bent at a level of the factor, or times another series. */
export type TermKind = 'contemporaneous' | 'lag' | 'bend' | 'product';

/** One regressor made of a factor. */
export interface Term {
  readonly kind: TermKind;
  /** Positions among the factors that it says something about: one, or two for a product of factors. */
  readonly factors: readonly number[];
  /** Columns of the inputs that enter: the factor's, and that of the series it is multiplied with. */
  readonly columns: readonly number[];
  /** [row of the span]. */
  readonly values: Float64Array;
}

/** The regressors that let a factor's exposure change at a level of a variable, one for every level that may be. */
export interface SwitchPath {
  readonly factor: number;
  /** Column of the inputs whose level switches the exposure: the factor's own, or a state's. */
  readonly variable: number;
  /** Ascending in the level, [level][row of the span]. */
  readonly values: readonly Float64Array[];
}

/** Regressors of a span: what is in every equation, and what may be added. */
export interface TermSet {
  /** Columns of the inputs with role `factor`, and what they are. */
  readonly columns: readonly number[];
  readonly factors: readonly FactorMeta[];
  /** Constant, controls and 0/1 marks of their and the factors' missing values, [column][row]. */
  readonly always: readonly Float64Array[];
  /** States and marks of their missing values. */
  readonly states: readonly Float64Array[];
  /** Factors in SD, missing = 0, [factor][row]. */
  readonly linear: readonly Float64Array[];
  /** Every regressor beyond the linear ones. */
  readonly extra: readonly Term[];
  readonly switches: readonly SwitchPath[];
}

/** First and last lag of each mean over lags that stands for a delayed response, by frequency. */
const LAG_BLOCKS: Readonly<Record<Frequency, readonly (readonly [number, number])[]>> = {
  D: [
    [1, 2],
    [3, 10],
    [11, 21],
  ],
  W: [
    [1, 2],
    [3, 8],
    [9, 26],
  ],
  M: [
    [1, 2],
    [3, 6],
    [7, 12],
  ],
  Q: [
    [1, 2],
    [3, 4],
  ],
  A: [[1, 1]],
};

/** Quantiles of the observed rows at which a response may bend. */
const BEND_QUANTILES = [0.25, 0.5, 0.75];

/** Shares of the rows at which an exposure may switch, by level or by date: 15 % on either side (Andrews 1993). */
export const SWITCH_QUANTILES = [0.15, 0.22, 0.29, 0.36, 0.43, 0.5, 0.57, 0.64, 0.71, 0.78, 0.85];

/** A series with fewer observed rows than this makes no terms. */
const MIN_OBSERVATIONS = 24;

/** Builds the regressors of a span of rows. Lags reach back before the span where the inputs do. */
export function termSet(inputs: FactorPanel, span: Span): TermSet {
  const factorColumns = indexesOfRole(inputs, 'factor');
  const scaler = fitScaler(inputs.values, inputs.factors.length, span);
  const rows = span.end - span.start;
  const usable = (column: number) => scaler.count[column] >= MIN_OBSERVATIONS;
  const z = standardise(inputs.values.subarray(0, span.end * inputs.factors.length), scaler);
  const at = (row: number, column: number): number => {
    const value = row < 0 ? 0 : z[row * inputs.factors.length + column];
    return Number.isNaN(value) ? 0 : value;
  };
  const build = (value: (row: number) => number) =>
    Float64Array.from({ length: rows }, (_, t) => value(span.start + t));
  const level = (column: number) => build((row) => at(row, column));
  const mark = (column: number) => build((row) => (Number.isNaN(z[row * inputs.factors.length + column]) ? 1 : 0));
  const conditioning = [...factorColumns, ...indexesOfRole(inputs, 'state')].filter(usable);
  const observed = (column: number) =>
    build((row) => z[row * inputs.factors.length + column])
      .filter((value) => !Number.isNaN(value))
      .sort();
  const extra = factorColumns.flatMap((column, factor): Term[] => {
    if (!usable(column)) return [];
    const sorted = observed(column);
    const lags = LAG_BLOCKS[inputs.axis.frequency].map(([first, last]) =>
      build((row) => {
        let sum = 0;
        for (let lag = first; lag <= last; lag++) sum += at(row - lag, column);
        return sum / (last - first + 1);
      }),
    );
    const bends = BEND_QUANTILES.map((share) => {
      const knot = sorted[Math.floor(share * (sorted.length - 1))];
      return build((row) => Math.max(0, at(row, column) - knot));
    });
    const partners = conditioning.filter((other) => !factorColumns.includes(other) || other > column);
    return [
      ...lags.map((values): Term => ({ kind: 'lag', factors: [factor], columns: [column], values })),
      ...bends.map((values): Term => ({ kind: 'bend', factors: [factor], columns: [column], values })),
      ...partners.map((partner): Term => {
        const other = factorColumns.indexOf(partner);
        const values = build((row) => at(row, column) * at(row, partner));
        return { kind: 'product', factors: other < 0 ? [factor] : [factor, other], columns: [column, partner], values };
      }),
    ];
  });
  const states = indexesOfRole(inputs, 'state').filter(usable);
  const switches = factorColumns.flatMap((column, factor): SwitchPath[] => {
    if (!usable(column)) return [];
    return [column, ...states].map((variable) => {
      const sorted = observed(variable);
      const values = SWITCH_QUANTILES.map((share) => {
        const level = sorted[Math.floor(share * (sorted.length - 1))];
        // A bend of the factor's own response, so that the return does not jump; another variable switches the slope.
        return variable === column
          ? build((row) => Math.max(0, at(row, column) - level))
          : build((row) => (at(row, variable) > level ? at(row, column) : 0));
      });
      return { factor, variable, values };
    });
  });
  return {
    columns: factorColumns,
    factors: factorColumns.map((column) => inputs.factors[column]),
    always: [
      build(() => 1),
      ...indexesOfRole(inputs, 'control').map(level),
      ...indexesOfRole(inputs, 'factor', 'control').map(mark),
    ],
    states: indexesOfRole(inputs, 'state').flatMap((column) => [level(column), mark(column)]),
    linear: factorColumns.map(level),
    extra,
    switches,
  };
}
