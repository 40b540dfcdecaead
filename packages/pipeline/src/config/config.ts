import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type DayNumber, dayNumber, InputError, type MethodId, monthEnd } from '@macrograd/core';
import { ConfigDocument, type ConfigPath } from './document.js';
import { configError } from './issues.js';
import { keysAt } from './keys.js';
import { configSchema, type RawConfig } from './schema.js';

/** How the pooled LSTM is trained. */
export interface LstmConfig {
  readonly hiddenSize: number;
  /** Window lengths in periods; validation chooses among several. Undefined = the recipe's own candidates. */
  readonly lookbacks: readonly number[] | undefined;
  readonly members: number;
  /** Optimiser steps; undefined = the recipe's own. */
  readonly steps: number | undefined;
}

/** Walk-forward evaluation; undefined = by frequency and length of the data. */
export interface EvaluationConfig {
  readonly initial: number | undefined;
  readonly step: number | undefined;
  /** Periods between training and test rows; undefined = horizon - 1. */
  readonly purge: number | undefined;
}

/** A checked config: defaults filled in, paths absolute. */
export interface RunConfig {
  /** The config file itself. */
  readonly file: string;
  /** Its text as read, for the hash that tells whether a result is still good. */
  readonly text: string;
  readonly name: string;
  readonly seed: number;
  readonly factors: RawConfig['factors'];
  readonly assets: RawConfig['assets'];
  readonly timing: 'reference' | 'available';
  readonly horizon: number;
  /** First and last date used; undefined = as far as the data reach. */
  readonly start: DayNumber | undefined;
  readonly end: DayNumber | undefined;
  readonly methods: readonly MethodId[];
  readonly lstm: LstmConfig;
  readonly evaluation: EvaluationConfig;
  readonly output: { readonly dir: string; readonly exposures: 'auto' | 'chosen' | 'all' };
}

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
  checkSeries(document, parsed.data);
  return resolveConfig(document, parsed.data, text);
}

function resolveConfig(document: ConfigDocument, raw: RawConfig, text: string): RunConfig {
  const folder = dirname(resolve(document.file));
  const { lstm, evaluation } = raw;
  const lookback = lstm.lookback;
  return {
    file: resolve(document.file),
    text,
    name: raw.name ?? basename(folder),
    seed: raw.seed,
    factors: raw.factors.map((source) => ({ ...source, file: resolve(folder, source.file) })),
    assets: raw.assets.map((source) => ({ ...source, file: resolve(folder, source.file) })),
    timing: raw.timing,
    horizon: raw.horizon ?? (raw.timing === 'available' ? 1 : 0),
    ...spanOf(document, raw),
    methods: raw.methods,
    lstm: {
      hiddenSize: lstm.hidden_size,
      lookbacks: lookback === 'auto' ? undefined : typeof lookback === 'number' ? [lookback] : lookback,
      members: lstm.members,
      steps: lstm.steps,
    },
    evaluation: {
      initial: evaluation.initial,
      step: evaluation.step,
      purge: evaluation.purge === 'auto' ? undefined : evaluation.purge,
    },
    output: { dir: resolve(folder, raw.output.dir), exposures: raw.output.exposures },
  };
}

function spanOf(
  document: ConfigDocument,
  raw: RawConfig,
): { start: DayNumber | undefined; end: DayNumber | undefined } {
  const start = dateOf(document, raw.span.start, ['span', 'start'], 'first');
  const end = dateOf(document, raw.span.end, ['span', 'end'], 'last');
  if (start !== undefined && end !== undefined && start > end) {
    throw new InputError(`the span ends (${raw.span.end}) before it starts (${raw.span.start})`, {
      place: document.placeOf(['span', 'end']),
      remedy: 'exchange the two',
      code: 'bad_config',
    });
  }
  return { start, end };
}

/** First or last day of the year, month or day that a date names. */
function dateOf(
  document: ConfigDocument,
  value: string | number | undefined,
  path: ConfigPath,
  side: 'first' | 'last',
): DayNumber | undefined {
  if (value === undefined) return undefined;
  const [year, month, day] = String(value).split('-').map(Number);
  try {
    if (day !== undefined) return dayNumber(year, month, day);
    if (month !== undefined) return side === 'first' ? dayNumber(year, month, 1) : monthEnd(dayNumber(year, month, 1));
    return side === 'first' ? dayNumber(year, 1, 1) : dayNumber(year, 12, 31);
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
