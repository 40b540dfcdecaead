import type { Frequency, Role, TransformId } from '@macrograd/core';
import type { ConsensusSpec } from './consensus.js';
import type { FillSpec } from './fill.js';
import type { FilterId } from './filter.js';
import type { GapPolicy } from './gaps.js';

/** Layout of a file: `auto` looks at it; `wide` = date + a column per series; `long` = date, series, value. */
export type TableFormat = 'auto' | 'wide' | 'long' | 'fredmd' | 'fredqd' | 'french' | 'goyal_welch';

/** How text is stored; `auto` reads UTF-8, and UTF-16 where a byte order mark says so, and guesses nothing else. */
export type EncodingId = 'auto' | 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1';

/** Order of the parts of dates written with slashes. */
export type DateOrder = 'mdy' | 'dmy';

/** How a file is to be read, where looking at it does not tell. */
export interface ReadOptions {
  /** Default `auto`. */
  readonly format?: TableFormat;
  /** Default `auto`; `latin1` is Windows-1252. */
  readonly encoding?: EncodingId;
  /** Separator of cells; default the commonest of comma, tab, semicolon and bar in the first line. */
  readonly delimiter?: string;
  /** Decimal mark; default the point, or the comma where a file separated otherwise uses it unmistakably. */
  readonly decimal?: '.' | ',';
  /** Default: told from the column as a whole, refused where it can't be. */
  readonly dateOrder?: DateOrder;
  /** Numbers that mean missing, as -999. */
  readonly missing?: readonly number[];
  /** Which member of a zip archive; default its only data file. */
  readonly member?: string;
  /**
   * Which table of a file of Kenneth French's: a part of its title; default the first monthly one. Of a DuckDB database:
   * its name, default its only one.
   */
  readonly table?: string;
  /** Column of the values of a long table, where several could be; default the only one called value, close, price, ... */
  readonly value?: string;
  /** One SELECT on a DuckDB database, or on any other file as the table `data`; what it gives is read like a file. */
  readonly sql?: string;
}

/** A file and how it is to be read. */
export interface FileSpec extends ReadOptions {
  /** Path, absolute or relative to the working directory. */
  readonly file: string;
}

/** Which outliers become missing: by FRED-MD's rule judged from the past (`iqr`) or from all values (`iqr_full`). */
export type OutlierRule = 'iqr' | 'iqr_full';

/** Whether a panel is dated by reference period (to explain) or by what was known (to forecast). */
export type Timing = 'reference' | 'available';

/** One series made of a file's columns: exactly one of `column` and `expr`, then a transform. */
export interface SeriesSpec {
  /** Column of the file. */
  readonly column?: string;
  /** Arithmetic over columns of the file: `BAA - AAA`, `1 / EXJPUS`. */
  readonly expr?: string;
  /** Default `none`, or the code of a FRED-MD or FRED-QD file. */
  readonly transform?: TransformId;
  /** How a series of lower frequency gets a value every period, before its transform; default: its last value is carried. */
  readonly fill?: FillSpec;
  /** Keeps the cycle alone; two-sided, so refused under `available`. Applied after the transform, before what follows. */
  readonly filter?: FilterId;
  /** Makes outliers missing; `iqr_full` is two-sided. */
  readonly outliers?: OutlierRule;
  /** Draws the outermost share on each side, as .01, in to the quantiles of the values so far. */
  readonly winsorise?: number;
  /** Default `missing`; `carry` is for release lags alone, since calendars and vintages show the newest value anyway. */
  readonly gaps?: GapPolicy;
  /** What is taken off, leaving the surprise: the forecast of an autoregression of this order, or a consensus. */
  readonly surprise?: number | ConsensusSpec;
  /** Unit of the transformed series; refused where the transform says otherwise. */
  readonly unit?: string;
  /** Default `factor`. */
  readonly role?: Role;
  /** Panel periods between the reference period's end and publication; default 0. */
  readonly releaseLag?: number;
}

/** How the values of a period become one: the last or mean of the observed ones; all summed, or compounded as decimals. */
export type AggregateId = 'last' | 'mean' | 'sum' | 'compounded';

/** Macro series taken from one file. */
export interface FactorFileSpec extends FileSpec {
  /** Series by the name that they have in the panel, in panel order. */
  readonly series: Readonly<Record<string, SeriesSpec>>;
  /** How a series of higher frequency than the panel's becomes one value a period; default `last`. */
  readonly aggregate?: AggregateId;
  /** Calendar of releases (columns series, date, released) by column of the file; takes the place of release lags. */
  readonly releases?: string;
  /** For the series that name no rule of their own. */
  readonly outliers?: OutlierRule;
}

/** Which part of a file that holds several tables. */
export type FilePart = Pick<ReadOptions, 'table' | 'sql'>;

/** The rate that is taken off total returns. */
export interface RiskFreeSpec extends FilePart {
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
export interface AssetFileSpec extends FileSpec {
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

/** What one unit of a currency costs. */
export interface RateSpec extends FilePart {
  readonly file: string;
  readonly series: string;
  /** `base_per_unit` (default): the price of one unit in the base currency, as dollars per euro. */
  readonly quote?: 'base_per_unit' | 'units_per_base';
}

/** The currency of the panel, and the rates of the others. */
export interface CurrencySpec {
  readonly base: string;
  readonly rates: Readonly<Record<string, RateSpec>>;
}

/** Which weekdays are days off. */
export interface BusinessCalendarSpec {
  /** Days as `YYYY-MM-DD`, or a file with a column of them. */
  readonly holidays: readonly string[] | string;
}

/** Everything that makes a panel. */
export interface PanelSpec {
  readonly factors: readonly FactorFileSpec[];
  readonly assets: readonly AssetFileSpec[];
  /** Needed where assets are in different currencies. Total and price returns are converted, excess returns not. */
  readonly currency?: CurrencySpec;
  /** Default `reference`. */
  readonly timing?: Timing;
  /** Under `available`, of sources with vintages: today's figures at the dates on which their first versions were known. */
  readonly revised?: boolean;
  /** 0: return of the factors' own period; h: over the h periods after. Default 0 under `reference`, 1 under `available`. */
  readonly horizon?: number;
  /** First and last period, `YYYY-MM` or `YYYY-MM-DD`, both included; default what the data cover. */
  readonly span?: { readonly start?: string; readonly end?: string };
  /** Business days of daily data: gaps on other days are none. Default: the days that the files have. */
  readonly calendar?: BusinessCalendarSpec;
  /** Default: the coarser of the finest asset frequency and the finest factor frequency. */
  readonly frequency?: Frequency;
}
