import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@macrograd/core';

/** One known number that the run measured: a bond's exposure to its own yield, say. */
export interface IdentityCheck {
  readonly name: string;
  readonly expected: number;
  readonly measured: number;
  readonly unit: string;
  readonly passed: boolean;
}

/** What the report uses of run.json; whatever is absent there is left out of the page. */
export interface RunRecord {
  readonly name: string;
  readonly version: string;
  /** ISO time at which the run ended. */
  readonly finished: string;
  readonly frequency: string;
  readonly timing: string;
  readonly horizon: number | undefined;
  readonly start: string;
  readonly end: string;
  readonly seed: number | undefined;
  readonly isa: string;
  /** Screening level and coverage of the intervals. */
  readonly level: number;
  readonly coverage: number;
  readonly warnings: readonly string[];
  readonly checks: readonly IdentityCheck[];
  /** Caveats of each asset, by name: `survivor`, `price index`, `computed`. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

type Json = Readonly<Record<string, unknown>>;

/** Reads `<dir>/run.json`. Throws InputError where there is none or it is not JSON. */
export async function readRunRecord(dir: string): Promise<RunRecord> {
  const file = join(dir, 'run.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new InputError('no such file', {
      place: { file },
      remedy: 'give the directory that `macrograd run` wrote',
      cause,
    });
  }
  try {
    return parseRunRecord(object(JSON.parse(text)));
  } catch (cause) {
    throw new InputError('is not valid JSON', { place: { file }, remedy: 'run the job again', cause });
  }
}

/** Takes from a parsed run.json what the page needs. */
export function parseRunRecord(run: Json): RunRecord {
  const config = object(run.config);
  const span = object(run.span ?? config.span);
  return {
    name: text(run.name ?? config.name) || 'macrograd',
    version: text(run.version ?? object(run.versions).macrograd),
    finished: text(run.finished ?? run.created ?? run.date),
    frequency: text(run.frequency),
    timing: text(run.timing ?? config.timing),
    horizon: number(run.horizon ?? config.horizon),
    start: text(span.start),
    end: text(span.end),
    seed: number(run.seed ?? config.seed),
    isa: text(run.isa),
    level: number(run.screening_level) ?? 0.1,
    coverage: number(run.interval_coverage) ?? 0.9,
    warnings: list(run.warnings).map(warningText).filter(Boolean),
    checks: list(run.checks).map(identityCheck),
    labels: new Map(list(run.assets).map((asset) => [text(object(asset).name), list(object(asset).labels).map(text)])),
  };
}

function warningText(warning: unknown): string {
  if (typeof warning === 'string') return warning;
  const { message, text: body, remedy } = object(warning);
  const said = text(message ?? body);
  return remedy ? `${said}; ${text(remedy)}` : said;
}

function identityCheck(check: unknown): IdentityCheck {
  const { name, expected, measured, unit, passed } = object(check);
  return {
    name: text(name),
    expected: number(expected) ?? Number.NaN,
    measured: number(measured) ?? Number.NaN,
    unit: text(unit),
    passed: passed === true,
  };
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
