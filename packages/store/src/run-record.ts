import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Frequency, InputError } from '@macrograd/core';
import { RUN_FILE } from './atomic.js';
import type { BillRecord, DataSheetRecord } from './data-record.js';

/** A known truth that the run compared its numbers with. */
export interface CheckRecord {
  readonly name: string;
  readonly expected: number;
  readonly measured: number;
  readonly tolerance: number;
  /** Of `expected`, `measured` and `tolerance`: `decimal return per 1 pp`. */
  readonly unit: string;
  readonly passed: boolean;
}

/** A method whose exposures a state conditions. */
export interface ConditionRecord {
  readonly method: string;
  readonly state: string;
  /** Of the state, between two exposures; null: the exposure moves in a line with the state. */
  readonly level: number | null;
  /** Of the level. */
  readonly unit: string;
}

/** Where an asset's returns come from, and what to know about them. */
export interface AssetRecord {
  readonly name: string;
  readonly source: string;
  /** `survivor`, `price index`, `computed`. */
  readonly labels: readonly string[];
}

/** Where an input file was fetched from. */
export interface DataOrigin {
  readonly source: string;
  readonly url: string;
  readonly vintage: string;
  readonly fetched_at: string;
}

/** How far a method's exposures at one date moved between two fits, per unit of the factor, all pairs together. */
export interface DriftRecord {
  readonly method: string;
  /** `refit`: from one fold's fit to the next, at the later one's last training row; `seed`: same rows, another seed. */
  readonly kind: 'refit' | 'seed';
  /** Fits as in the tables: number of a fold, or `final`; or `seed` and its number; `all` in both = all of them together. */
  readonly from: string;
  readonly to: string;
  /** Pairs of assets and factors that have an exposure with an error in both. */
  readonly pairs: number;
  /** Share of them whose later interval excludes the earlier value. */
  readonly outside: number;
  /** Root mean square of the change over the later standard error. */
  readonly change: number;
}

/** What the LSTM of a run looks back on, read from the forget gates of the fit on the whole span. */
export interface NetworkRecord {
  /** Rows of its window. */
  readonly lookback: number;
  /** Past rows, each counted with the share that is left of it. */
  readonly effective_memory: number;
  /** Longest lag of the filters beside the network; 0 without filters. */
  readonly lag_filters: number;
  /** By lag from 0: share left of what a unit took up so many rows before. */
  readonly retention: readonly number[];
}

/** Content of `run.json`: where a result comes from, and what to know before believing it. Keys as in the file. */
export interface RunRecord {
  readonly schema_version: 1;
  readonly name: string;
  readonly status: 'complete' | 'complete_with_warnings';
  /** SHA-256 of the configuration after defaults were filled in. */
  readonly config_hash: string;
  /** The configuration after defaults were filled in. */
  readonly config: unknown;
  /** SHA-256 of each input file, by path as given in the config. */
  readonly data_hashes: Readonly<Record<string, string>>;
  /** Address, vintage and time of the input files that `macrograd fetch` wrote, by path from the config. */
  readonly data_origins?: Readonly<Record<string, DataOrigin>>;
  /** macrograd, node and the native kernel. */
  readonly versions: Readonly<Record<string, string>>;
  readonly isa: string;
  readonly threads: number;
  readonly seed: number;
  readonly frequency: Frequency;
  readonly horizon: number;
  readonly timing: 'reference' | 'available';
  /** Number of walk-forward folds. */
  readonly folds: number;
  /** Assets in the order of the tables. */
  readonly assets: readonly AssetRecord[];
  /** False-discovery rate at which an exposure is `selected`. */
  readonly screening_level: number;
  /** Coverage of every interval. */
  readonly interval_coverage: number;
  /** First and last date of the rows used, ISO. */
  readonly span: { readonly start: string; readonly end: string };
  /** ISO times at which the run began and ended; with `timings` the only parts that differ between equal runs. */
  readonly started_at: string;
  readonly finished: string;
  /** Seconds by stage. */
  readonly timings: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
  readonly checks: readonly CheckRecord[];
  /** Methods that a state conditions, where the config asks for some. */
  readonly conditions?: readonly ConditionRecord[];
  /** What the data are like; absent in results of versions before it. */
  readonly data_sheet?: DataSheetRecord;
  /** Drift of exposures between refits and seeds; absent in results of versions before it. */
  readonly drift?: readonly DriftRecord[];
  /** Absent without an LSTM. */
  readonly network?: NetworkRecord;
  /** What looking ahead would have earned, where the config asks (`evaluation.look_ahead_bill`). */
  readonly look_ahead_bill?: BillRecord;
  /** Largest errors of `model.onnx` and `exposures.onnx` against the fit relative to the largest value, and what was allowed. */
  readonly onnx?: {
    readonly max_relative_error: number;
    readonly exposures_max_relative_error?: number;
    readonly tolerance: number;
  };
}

/** Writes `<dir>/run.json`; call it last, since a directory that has one is taken for a whole result. */
export function writeRunRecord(dir: string, record: RunRecord): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, RUN_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Reads `<dir>/run.json`. Throws {@link InputError} when it is absent, damaged, or of a later version. */
export function readRunRecord(dir: string): RunRecord {
  const file = join(dir, RUN_FILE);
  if (!existsSync(file)) {
    const remedy = 'give the directory that `macrograd run` wrote';
    throw new InputError('no run.json: not a macrograd result', { place: { file: dir }, remedy });
  }
  const record = parseObject(file);
  if (record.schema_version !== 1) {
    throw new InputError(`schema version ${String(record.schema_version)}, this version reads 1`, {
      place: { file },
      remedy: 'update macrograd, or run the job again',
    });
  }
  for (const key of requiredKeys) {
    if (record[key] === undefined) {
      throw new InputError(`has no "${key}"`, { place: { file }, remedy: 'run the job again' });
    }
  }
  return record as unknown as RunRecord;
}

const requiredKeys = [
  'name',
  'status',
  'config_hash',
  'data_hashes',
  'versions',
  'isa',
  'threads',
  'seed',
  'frequency',
  'horizon',
  'timing',
  'folds',
  'assets',
  'screening_level',
  'interval_coverage',
  'span',
  'started_at',
  'finished',
  'timings',
  'warnings',
  'checks',
] as const satisfies readonly (keyof RunRecord)[];

function parseObject(file: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch (cause) {
    throw new InputError('not valid JSON', { place: { file }, remedy: 'run the job again', cause });
  }
  throw new InputError('not a JSON object', { place: { file }, remedy: 'run the job again' });
}
