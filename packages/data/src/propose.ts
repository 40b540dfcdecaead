// cspell:ignore industr equit
import { InputError, periodsPerYear, type TransformId } from '@macrograd/core';
import { quantile } from './robust.js';
import type { Series, Table } from './table.js';

/** What a file seems to hold and how a config would take it, for its owner to look over. */
export interface Proposal {
  readonly table: Table;
  readonly role: 'factors' | 'assets';
  /** Why it was taken for that. */
  readonly reason: string;
  /** Of factor files: series to take, with a transform where the file itself gives none. */
  readonly series: readonly ProposedSeries[];
  /** Columns that were passed over: of factor files with too many, of a quote's open, high, low and volume. */
  readonly passedOver: readonly string[];
  /** Of asset files. */
  readonly values: 'returns' | 'prices';
  readonly unit: 'decimal' | 'percent' | undefined;
  /** Of asset files: the column that is a risk-free rate. */
  readonly riskFree: string | undefined;
}

/** One series of a proposal. */
export interface ProposedSeries {
  readonly column: string;
  readonly transform: TransformId | undefined;
  /** `%` of series that FRED publishes in per cent by this name; undefined where nothing is known. */
  readonly unit: '%' | undefined;
  readonly reason: string;
}

/** Rates and shares that FRED publishes in per cent. */
const PERCENT_MACRO =
  /^(?:D?GS\d+(?:MO)?|D?TB\d(?:MS)?|FEDFUNDS|D?FF|D?[AB]AA|UNRATE|CP3Mx?|(?:TB\dSM|T\d+Y|[AB]AA)FFM)$/;

/** Columns of a factor file above which well-known ones are preferred to all. */
const MANY = 20;

/** Macro series by the names under which FRED and others publish them. */
const KNOWN_MACRO =
  /^(?:CPI|PCEPI|INFL|UNRATE|UNEMP|PAYEMS|INDPRO|GDP|FEDFUNDS|T?B3?MS?|TB3MS|D?GS\d+|AAA|BAA|M[12](?:SL|REAL)?|HOUST|VIX|OIL|WTI|DCOILWTICO|MCOILWTICO|OILPRICE|DEX|EX[A-Z]{2}US|TWEX|DTWEX|T\d+Y|UMCSENT|RETAIL|RATE|YIELD|SPREAD)/i;

/** The same, narrower: what a proposal takes from a file of many columns. */
const HEADLINE_MACRO =
  /^(?:CPIAUCSL|UNRATE|INDPRO|FEDFUNDS|GS10|BAA|M2SL|M2REAL|HOUST|OILPRICEx|EXUSUKx|EXJPUSx|VIXCLSx|S&P 500|GDPC1|CPIAUCSL|FEDFUNDS|GS1)$/;

const FACTOR_FILE = /macro|factor|fred|econ|rates|yield|indicator/i;
const ASSET_FILE = /return|price|stock|fund|asset|equit|portfolio|industr|etf|nav|sector/i;

/**
 * Says of every table whether it holds macro series or assets, and how to take its columns.
 *
 * Judged by layout, then the file's name, then its columns' names, then the numbers: returns change sign, have little
 * memory and a mean far below their spread. What could be either is taken for what the other files are not.
 *
 * @throws InputError when a table could be either and the others do not tell, or when all are of one kind
 */
export function propose(tables: readonly Table[]): Proposal[] {
  const judged = tables.map((table) => judgeRole(table));
  const found = new Set(judged.flatMap((one) => one?.role ?? []));
  const left = found.has('factors') ? 'assets' : 'factors';
  const proposals = tables.map((table, i) => {
    const { role, reason } = judged[i] ?? {
      role: found.size === 1 ? left : refuseUnsure(table),
      reason: left === 'assets' ? 'the other files hold macro series' : 'the other files hold assets',
    };
    return role === 'factors' ? factorProposal(table, reason) : assetProposal(table, reason);
  });
  return completeProposals(proposals);
}

/** As {@link propose}, for one table whose role is known or is to be told. */
export function proposeTable(table: Table, role?: Proposal['role']): Proposal {
  const judged = role === undefined ? (judgeRole(table) ?? refuseUnsure(table)) : { role, reason: 'as you said' };
  return judged.role === 'factors' ? factorProposal(table, judged.reason) : assetProposal(table, judged.reason);
}

/** Proposals of which at least one is of each kind. */
function completeProposals(proposals: readonly Proposal[]): Proposal[] {
  for (const role of ['factors', 'assets'] as const) {
    if (proposals.some((proposal) => proposal.role === role)) continue;
    const files = proposals.map(({ table, reason }) => `${table.file} (${reason})`).join(', ');
    throw new InputError(
      `none of the files seems to hold ${role === 'factors' ? 'macro series' : 'assets'}: ${files}`,
      {
        remedy: 'say which is which: macrograd init --factors FILE --assets FILE',
      },
    );
  }
  return [...proposals];
}

/** Undefined where a table could be either. */
function judgeRole(table: Table): { role: Proposal['role']; reason: string } | undefined {
  const name = table.file.replace(/^.*[/\\]/, '');
  if (table.transformCodes.size > 0) return { role: 'factors', reason: `its layout is ${table.format}` };
  if (table.format === 'french') return { role: 'assets', reason: "it is one of Kenneth French's files" };
  if (FACTOR_FILE.test(name) !== ASSET_FILE.test(name)) {
    return { role: FACTOR_FILE.test(name) ? 'factors' : 'assets', reason: 'its name says so' };
  }
  const series = [...table.series.values()];
  const known = series.filter((one) => KNOWN_MACRO.test(one.name));
  if (known.length * 2 >= series.length) return { role: 'factors', reason: `${known[0].name} is a macro series` };
  if (mostly(series, looksLikeReturns)) return { role: 'assets', reason: 'its numbers look like returns' };
  return undefined;
}

function refuseUnsure(table: Table): never {
  throw new InputError('this file may hold macro series or prices of assets', {
    place: { file: table.file },
    remedy: 'say which: macrograd init --factors FILE --assets FILE',
  });
}

function assetProposal(table: Table, reason: string): Proposal {
  const riskFree = [...table.series.keys()].find((name) => /^rf$/i.test(name));
  const passedOver = quoteParts([...table.series.keys()]);
  const series = [...table.series.values()].filter(({ name }) => name !== riskFree && !passedOver.includes(name));
  const isPrices = !mostly(series, looksLikeReturns) && series.every(({ values }) => values.every((x) => !(x <= 0)));
  const unit = isPrices ? undefined : returnUnit(table, series);
  return {
    table,
    role: 'assets',
    reason,
    series: [],
    passedOver,
    values: isPrices ? 'prices' : 'returns',
    unit,
    riskFree,
  };
}

/** Parts of a day's quote; where a file has them, one column is the asset and the others are not. */
const QUOTE = /^(?:open|high|low|close|adj(?:usted)?[ _.]?close|volume)$/i;

/** Of a file of quotes everything but the adjusted close, or the close where there is none. */
function quoteParts(names: readonly string[]): string[] {
  const parts = names.filter((name) => QUOTE.test(name));
  if (parts.length < 3) return [];
  const kept = parts.find((name) => /^adj/i.test(name)) ?? parts.find((name) => /^close$/i.test(name));
  return kept === undefined ? [] : names.filter((name) => name !== kept);
}

/** Monthly standard deviation between which returns might be either decimals or per cent. */
const PERCENT_FROM = 0.5;

function returnUnit(table: Table, series: readonly Series[]): 'decimal' | 'percent' {
  if (table.format === 'french') return 'percent';
  const deviations = series.map((one) => facts(one).sd * Math.sqrt(periodsPerYear[one.frequency] / 12)).sort();
  return quantile(deviations, 0.5) > PERCENT_FROM ? 'percent' : 'decimal';
}

function factorProposal(table: Table, reason: string): Proposal {
  const all = [...table.series.values()].filter(({ values }) => values.some((x) => !Number.isNaN(x)));
  const headline = all.length > MANY ? all.filter(({ name }) => HEADLINE_MACRO.test(name)) : [];
  const taken = headline.length > 0 ? headline : all;
  const passedOver = all.filter((one) => !taken.includes(one)).map(({ name }) => name);
  const series = taken.map((one) => proposeSeries(one, table.transformCodes.get(one.name)));
  return {
    table,
    role: 'factors',
    reason,
    series,
    passedOver,
    values: 'returns',
    unit: undefined,
    riskFree: undefined,
  };
}

/** First-order autocorrelation from which a series is a level rather than a change. */
const LEVEL_MEMORY = 0.85;

function proposeSeries(series: Series, code: number | undefined): ProposedSeries {
  const column = series.name;
  const { memory, min, max } = facts(series);
  // The same name over decimals would be another unit.
  const unit = PERCENT_MACRO.test(column) && max > 1 ? '%' : undefined;
  if (code !== undefined) {
    return { column, transform: undefined, unit: code <= 2 ? unit : undefined, reason: `code ${code} of the file` };
  }
  if (!(memory > LEVEL_MEMORY)) return { column, transform: 'none', unit, reason: 'little memory: taken as it is' };
  // Rates and spreads lie within tens of per cent; indexes, prices and volumes above.
  const isIndex = min > 0 && max > 40;
  return isIndex
    ? { column, transform: 'dlog', unit: undefined, reason: 'a positive level: its growth' }
    : { column, transform: 'diff', unit, reason: 'a level like a rate: its change' };
}

function mostly(series: readonly Series[], test: (one: Series) => boolean): boolean {
  return series.filter(test).length >= 0.8 * series.length;
}

function looksLikeReturns(series: Series): boolean {
  const { min, max, mean, sd, memory } = facts(series);
  return min < 0 && max > 0 && Math.abs(mean) < sd && Math.abs(memory) < 0.5;
}

interface SeriesFacts {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly sd: number;
  /** First-order autocorrelation. */
  readonly memory: number;
}

function facts({ values }: Series): SeriesFacts {
  const x = values.filter((value) => !Number.isNaN(value));
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const squares = x.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const products = x.reduce((sum, value, t) => (t === 0 ? 0 : sum + (value - mean) * (x[t - 1] - mean)), 0);
  return {
    min: x.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY),
    max: x.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY),
    mean,
    sd: Math.sqrt(squares / x.length),
    memory: products / squares,
  };
}
