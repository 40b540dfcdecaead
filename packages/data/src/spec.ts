import type { Frequency, Role, TransformId } from '@macrograd/core';

/** Layout of a file: `auto` looks at it; `wide` = date + a column per series; `long` = date, series, value. */
export type TableFormat = 'auto' | 'wide' | 'long' | 'fredmd' | 'fredqd' | 'french';

/** Whether a panel is dated by reference period (to explain) or by what was known (to forecast). */
export type Timing = 'reference' | 'available';

/** One series made of a file's columns: exactly one of `column` and `expr`, then a transform. */
export interface SeriesSpec {
  /** Column of the file. */
  readonly column?: string;
  /** Arithmetic over columns of the file: `BAA - AAA`, `1 / EXJPUS`. */
  readonly expr?: string;
  /** Default `none`. */
  readonly transform?: TransformId;
  /** Unit of the transformed series; refused where the transform says otherwise. */
  readonly unit?: string;
  /** Default `factor`. */
  readonly role?: Role;
  /** Panel periods between the reference period's end and publication; default 0. */
  readonly releaseLag?: number;
}

/** Macro series taken from one file. */
export interface FactorFileSpec {
  /** Path, absolute or relative to the working directory. */
  readonly file: string;
  /** Default `auto`. */
  readonly format?: TableFormat;
  /** Series by the name that they have in the panel, in panel order. */
  readonly series: Readonly<Record<string, SeriesSpec>>;
  /** How a series of higher frequency than the panel's becomes one value a period; default `last`. */
  readonly aggregate?: 'last' | 'mean';
}

/** The rate that is taken off total returns. */
export interface RiskFreeSpec {
  /** Column of `file`; without a file, of the asset file itself or else of any factor file. */
  readonly series: string;
  readonly file?: string;
  /**
   * `annual_percent`: a yield in % a year, of which the *previous* period's value is earned.
   * `decimal`, `percent`: the period's own return.
   */
  readonly unit: 'annual_percent' | 'decimal' | 'percent';
}

/** Returns or prices of assets taken from one file. */
export interface AssetFileSpec {
  readonly file: string;
  readonly format?: TableFormat;
  /** Columns to take; default all. */
  readonly columns?: readonly string[];
  /** Default `returns`. */
  readonly values?: 'returns' | 'prices';
  /** Unit of returns; without one, a standard deviation above .5 a month asks. */
  readonly unit?: 'decimal' | 'percent';
  /** What the returns are: `excess` is left as it is, from `total` and `price` the risk-free rate is taken. Default `total`. */
  readonly return?: 'total' | 'excess' | 'price';
  /** Default `USD`. */
  readonly currency?: string;
  readonly riskFree?: RiskFreeSpec;
  /** Caveats that belong beside every number of these assets: `survivor`, `computed`. */
  readonly labels?: readonly string[];
}

/** Everything that makes a panel. */
export interface PanelSpec {
  readonly factors: readonly FactorFileSpec[];
  readonly assets: readonly AssetFileSpec[];
  /** Default `reference`. */
  readonly timing?: Timing;
  /** 0: return of the factors' own period; h: over the h periods after. Default 0 under `reference`, 1 under `available`. */
  readonly horizon?: number;
  /** First and last period, `YYYY-MM` or `YYYY-MM-DD`, both included; default what the data cover. */
  readonly span?: { readonly start?: string; readonly end?: string };
  /** Default: the coarser of the finest asset frequency and the finest factor frequency. */
  readonly frequency?: Frequency;
}
