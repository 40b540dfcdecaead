import { ArgumentError, type FactorMeta, type Frequency, type Panel, parseIsoDate, periodEnd } from '@macrograd/core';
import { detectFrequency } from './dates.js';

/** Numbers of a program, by name. */
export interface PanelData {
  /** Ascending, `YYYY-MM-DD` or `YYYY-MM`; any day of each period. */
  readonly dates: readonly string[];
  /** One value a date, already transformed; NaN = missing. */
  readonly factors: Readonly<Record<string, ArrayLike<number>>>;
  /** Excess returns as decimal fractions, one a date; NaN = missing. */
  readonly returns: Readonly<Record<string, ArrayLike<number>>>;
  /** Unit and role of factors that are not plain ones in `unit`. */
  readonly meta?: Readonly<Record<string, Partial<Pick<FactorMeta, 'unit' | 'role' | 'transform' | 'releaseLag'>>>>;
  /** Default: told from the dates. */
  readonly frequency?: Frequency;
  /** Default 0: returns are those of the factors' own periods. */
  readonly horizon?: number;
}

/**
 * A panel from arrays, for programs that have their data already. Every period between the first and the last date must
 * be there (daily data aside); missing values are NaN.
 *
 * @throws ArgumentError for dates that are not ascending, leave out a period or have no frequency, and for columns of
 * another length
 * @example
 * panelOf({ dates: ['2020-01', '2020-02'], factors: { RATE: [.1, -.2] }, returns: { FUND: [.01, .02] } });
 */
export function panelOf(data: PanelData): Panel {
  const days = Int32Array.from(data.dates, parseIsoDate);
  const frequency = data.frequency ?? detectFrequency(days);
  if (frequency === undefined) throw new ArgumentError('the dates have no frequency', 'give `frequency`, or two dates');
  const dates = days.map((day) => periodEnd(day, frequency));
  dates.forEach((date, row) => {
    if (row > 0) refuseStep(data.dates, row, dates[row - 1], date, frequency);
  });
  const axis = { frequency, dates };
  const factors = Object.keys(data.factors).map((name): FactorMeta => {
    const plain = { role: 'factor', unit: 'unit', transform: 'none', releaseLag: 0 } as const;
    return { name, ...plain, source: 'code', ...data.meta?.[name] };
  });
  return {
    axis,
    inputs: { axis, factors, values: matrixOf(data.factors, dates.length) },
    assets: Object.keys(data.returns).map((name) => ({ name, source: 'code', labels: [] })),
    returns: matrixOf(data.returns, dates.length),
    horizon: data.horizon ?? 0,
  };
}

function refuseStep(texts: readonly string[], row: number, before: number, date: number, frequency: Frequency): void {
  if (frequency === 'D' ? date > before : date === periodEnd(before + 1, frequency)) return;
  throw new ArgumentError(
    `${texts[row]} does not follow ${texts[row - 1]} at frequency ${frequency}`,
    'give every period once, ascending, and NaN where values are missing',
  );
}

function matrixOf(columns: Readonly<Record<string, ArrayLike<number>>>, rows: number): Float64Array {
  const entries = Object.entries(columns);
  for (const [name, { length }] of entries) {
    if (length !== rows) throw new ArgumentError(`"${name}" has ${length} values for ${rows} dates`, 'give one a date');
  }
  return Float64Array.from({ length: rows * entries.length }, (_, at) => {
    const [, column] = entries[at % entries.length];
    return column[Math.floor(at / entries.length)];
  });
}
