import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type DayNumber, dayNumber, InputError, METHOD_IDS, type MethodId } from '@macrograd/core';
import type { FactorFileSpec, PanelSpec } from '@macrograd/data';
import { type Conditions, checkConditions, conditionsOf, methodOf } from './conditions.js';
import { ConfigDocument, type ConfigPath } from './document.js';
import { checkFills, fillSpec } from './fill.js';
import { configError } from './issues.js';
import { keysAt } from './keys.js';
import { type MethodOptions, methodOptionsOf } from './method-options.js';
import { configSchema, type RawConfig } from './schema.js';

/** How the LSTM is trained. */
export interface LstmConfig {
  /** One encoder for all assets, or a network for every asset. */
  readonly mode: 'pooled' | 'per_asset';
  /** Units of the encoder; undefined = as many as suit the heads. */
  readonly hiddenSize: number | undefined;
  /** Window length in periods, or several to choose from by validation; `auto`: 1 and 36. */
  readonly lookback: 'auto' | number | readonly number[];
  readonly members: number;
  /** Whether asset coefficients stand still, walk (docs/derivations/kalman_heads.md) or are trained with the encoder. */
  readonly heads: 'closed_form' | 'kalman' | 'learned';
  /** Optimiser steps; undefined = the recipe's own. */
  readonly steps: number | undefined;
}

/** A procedure that selects pairs beside the screen. */
export type ScreenTwin = 'double_selection' | 'stability' | 'knockoff';

/** Walk-forward evaluation; undefined = by frequency and length of the data. */
export interface EvaluationConfig {
  readonly initial: number | undefined;
  readonly step: number | undefined;
  /** Periods between training and test rows; undefined = horizon - 1. */
  readonly purge: number | undefined;
  /** `best` method per asset, or a `stack` of them, the default with `zero` among the methods. */
  readonly choice: 'best' | 'stack';
  /** Where the scored hedges read exposures: at the `state` of the period before, or an `average` over likely moves. */
  readonly hedge: 'state' | 'average';
  /** Also score all methods on revised data, to tell what looking ahead would earn. */
  readonly lookAheadBill: boolean;
  /** Further seeds with which the LSTM is fitted on the whole span, to tell how far its exposures depend on them. */
  readonly seeds: number;
}

/** A known truth that a run holds its own numbers against. */
export interface CheckConfig {
  readonly asset: string;
  readonly factor: string;
  readonly method: MethodId;
  /** Decimal return per one unit of the factor. */
  readonly expected: number;
  readonly tolerance: number;
  readonly reason: string | undefined;
}

/** A checked config: defaults filled in, paths absolute. */
export interface RunConfig {
  /** The text it came from, which knows the place of every value. */
  readonly document: ConfigDocument;
  /** As written, with every default filled in and paths as given: what is hashed and kept in `run.json`. */
  readonly raw: RawConfig;
  readonly name: string;
  readonly seed: number;
  readonly panel: PanelDraft;
  readonly methods: readonly MethodId[];
  readonly lstm: LstmConfig;
  readonly methodOptions: MethodOptions;
  readonly conditions: Conditions;
  readonly evaluation: EvaluationConfig;
  /** Procedures that select pairs beside the screen. */
  readonly alsoScreen: readonly ScreenTwin[];
  readonly checks: readonly CheckConfig[];
  readonly output: { readonly dir: string; readonly exposures: 'auto' | 'chosen' | 'all' };
}

/** What makes the panel; a source without `series` stands for every column of its file. */
export type PanelDraft = Omit<PanelSpec, 'factors'> & {
  readonly factors: readonly (Omit<FactorFileSpec, 'series'> & Partial<Pick<FactorFileSpec, 'series'>>)[];
};

/**
 * Reads and checks a config file (YAML or JSON).
 *
 * @throws InputError with file, line and column when the file is missing, is not YAML, has an unknown key or a value
 *   that can't be used
 * @example
 * const config = await readConfig('packages/data/sample/config.yaml');
 * config.methods; // ['zero', 'ols', 'rolling_ols', 'ewm_ols', 'lstm']
 */
export async function readConfig(file: string): Promise<RunConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new InputError(`the config file ${file} can't be read`, {
      cause,
      remedy: 'check the path, or write a project with "macrograd init"',
      code: 'bad_config',
    });
  }
  return parseConfig(text, file);
}

/** As {@link readConfig}, from a text that stands for the given file. */
export async function parseConfig(text: string, file: string): Promise<RunConfig> {
  const { z } = await import('zod');
  const document = new ConfigDocument(file, text);
  const schema = configSchema(z);
  const parsed = schema.safeParse(document.value());
  if (!parsed.success) {
    // A mistyped key often also leaves the key that was meant missing: the first tells more.
    const { issues } = parsed.error;
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
    throw configError(document, issue, keysAt(schema, stepsOf(issue.path)));
  }
  checkNames(document, parsed.data);
  checkSpan(document, parsed.data.span);
  checkSeries(document, parsed.data);
  checkFills(document, parsed.data);
  checkConditions(document, parsed.data);
  checkLstm(document, parsed.data);
  return resolveConfig(document, parsed.data);
}

/** The config with another seed or output directory. */
export function withOverrides(config: RunConfig, { seed, output }: { seed?: number; output?: string }): RunConfig {
  return {
    ...config,
    ...(seed === undefined ? {} : { seed, raw: { ...config.raw, seed } }),
    ...(output === undefined ? {} : { output: { ...config.output, dir: resolve(output) } }),
  };
}

function resolveConfig(document: ConfigDocument, raw: RawConfig): RunConfig {
  const folder = dirname(resolve(document.file));
  const { lstm, evaluation } = raw;
  const named = raw.methods.map(methodOf);
  return {
    document,
    raw,
    name: raw.name ?? basename(folder),
    seed: raw.seed,
    panel: panelDraft(raw, folder),
    // What no method of a stack earns is no exposure.
    methods: METHOD_IDS.filter(
      (method) => named.includes(method) || (evaluation.choice === 'stack' && method === 'zero'),
    ),
    conditions: conditionsOf(raw),
    lstm: {
      mode: lstm.mode,
      hiddenSize: lstm.hidden_size,
      lookback: lstm.lookback,
      members: lstm.members,
      heads: lstm.heads,
      steps: lstm.steps,
    },
    methodOptions: methodOptionsOf(raw),
    evaluation: {
      initial: evaluation.initial,
      step: evaluation.step,
      purge: evaluation.purge === 'auto' ? undefined : evaluation.purge,
      choice: evaluation.choice ?? (named.includes('zero') ? 'stack' : 'best'),
      hedge: evaluation.hedge ?? 'state',
      lookAheadBill: evaluation.look_ahead_bill ?? false,
      seeds: evaluation.seeds ?? 1,
    },
    alsoScreen: raw.screen?.also ?? [],
    checks: raw.checks.map((check) => ({ ...check, reason: check.reason })),
    output: { dir: resolve(folder, raw.output.dir), exposures: raw.output.exposures },
  };
}

function panelDraft(raw: RawConfig, folder: string): PanelDraft {
  const { start, end } = raw.span;
  return {
    factors: raw.factors.map(({ note: _, date_order, ...source }) =>
      defined({
        ...source,
        dateOrder: date_order,
        file: resolve(folder, source.file),
        releases: source.releases && resolve(folder, source.releases),
        series: source.series && mapValues(source.series, (series) => seriesSpec(series, folder)),
      }),
    ),
    assets: raw.assets.map(({ risk_free, note: _, date_order, ...source }) =>
      defined({
        ...source,
        dateOrder: date_order,
        file: resolve(folder, source.file),
        riskFree: risk_free && defined({ ...risk_free, file: risk_free.file && resolve(folder, risk_free.file) }),
      }),
    ),
    ...defined({ currency: raw.currency && currencySpec(raw.currency, folder) }),
    ...defined({ calendar: raw.calendar && calendarSpec(raw.calendar, folder) }),
    timing: raw.timing,
    horizon: raw.horizon ?? (raw.timing === 'available' ? 1 : 0),
    span: defined({ start: monthOf(start, '01'), end: monthOf(end, '12') }),
    ...defined({ frequency: raw.frequency }),
  };
}

function currencySpec({ base, rates }: NonNullable<RawConfig['currency']>, folder: string) {
  return { base, rates: mapValues(rates, (rate) => defined({ ...rate, file: resolve(folder, rate.file) })) };
}

function calendarSpec({ holidays }: NonNullable<RawConfig['calendar']>, folder: string) {
  return { holidays: typeof holidays === 'string' ? resolve(folder, holidays) : holidays };
}

/** A year alone stands for its first or last month. */
function monthOf(value: string | number | undefined, month: string): string | undefined {
  const text = value?.toString();
  return text?.length === 4 ? `${text}-${month}` : text;
}

function seriesSpec(
  { release_lag, fill, surprise, ...series }: NonNullable<RawConfig['factors'][number]['series']>[string],
  folder: string,
) {
  const against =
    typeof surprise === 'object'
      ? defined({ ...surprise, file: surprise.file && resolve(folder, surprise.file) })
      : surprise;
  return defined({ ...series, surprise: against, fill: fill && fillSpec(fill), releaseLag: release_lag });
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** The object without its undefined values: an optional key is absent, never undefined. */
function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}

/** The one name that the schema passes over in maps whose keys are free: said, not left out in silence. */
function checkNames(document: ConfigDocument, { factors }: RawConfig): void {
  const maps: ConfigPath[] = [['currency', 'rates'], ...factors.map((_, i) => ['factors', i, 'series'])];
  const path = maps.map((map) => [...map, '__proto__']).find((name) => document.has(name));
  if (path === undefined) return;
  throw new InputError('nothing can be called "__proto__"', {
    place: document.placeOfKey(path),
    remedy: 'give it another name; a column may have this one',
    code: 'bad_config',
  });
}

/** A network for every asset is trained with its head, which does not walk. */
function checkLstm(document: ConfigDocument, { lstm: { mode, heads } }: RawConfig): void {
  if (mode !== 'per_asset' || heads !== 'kalman') return;
  throw new InputError('"lstm.heads" is kalman, and "lstm.mode" is per_asset', {
    place: document.placeOf(['lstm', 'heads']),
    remedy: 'leave "heads" out, or take the mode pooled',
    code: 'bad_config',
  });
}

/** The span's dates exist and are in order. */
function checkSpan(document: ConfigDocument, { start, end }: RawConfig['span']): void {
  const first = firstDay(document, start, ['span', 'start']);
  const last = firstDay(document, end, ['span', 'end']);
  if (first > last) {
    throw new InputError(`the span ends (${end}) before it starts (${start})`, {
      place: document.placeOf(['span', 'end']),
      remedy: 'exchange the two',
      code: 'bad_config',
    });
  }
}

/** First day of the year, month or day that a date names; NaN for no date. */
function firstDay(document: ConfigDocument, value: string | number | undefined, path: ConfigPath): DayNumber {
  if (value === undefined) return Number.NaN;
  const [year, month = 1, day = 1] = String(value).split('-').map(Number);
  try {
    return dayNumber(year, month, day);
  } catch (cause) {
    throw new InputError(`"${path.join('.')}" is ${value}, which is not in the calendar`, {
      cause,
      place: document.placeOf(path),
      remedy: 'write YYYY, YYYY-MM or YYYY-MM-DD',
      code: 'bad_config',
    });
  }
}

/** A series is read from a column or computed from columns, and its name is used once. */
function checkSeries(document: ConfigDocument, raw: RawConfig): void {
  const seen = new Set<string>();
  raw.factors.forEach((source, index) => {
    for (const [name, series] of Object.entries(source.series ?? {})) {
      const path = ['factors', index, 'series', name];
      if (series.column !== undefined && series.expr !== undefined) {
        throw new InputError(`the series ${name} has both "column" and "expr"`, {
          place: document.placeOfKey([...path, 'expr']),
          remedy: 'keep one of them',
          code: 'bad_config',
        });
      }
      if (seen.has(name)) {
        throw new InputError(`the series ${name} is defined twice`, {
          place: document.placeOfKey(path),
          remedy: 'give one of them another name',
          code: 'bad_config',
        });
      }
      seen.add(name);
    }
  });
}

function stepsOf(path: readonly PropertyKey[]): ConfigPath {
  return path.filter((step) => typeof step !== 'symbol');
}
