import { dirname, relative, resolve } from 'node:path';
import { formatIsoDate } from '@macrograd/core';
import type { WalkForward } from '@macrograd/evaluation';
import type { BillRecord, ConditionRecord, NetworkRecord, RunRecord } from '@macrograd/store';
import type { RunConfig } from '../config/config.js';
import { dataSheet } from '../datasheet.js';
import { INTERVAL_COVERAGE, SCREENING_LEVEL } from '../levels.js';
import type { Collector } from './collect.js';
import { dataSheetRecord } from './data-record.js';
import type { LoadedPanel } from './load.js';
import { EXPORT_TOLERANCE, type ExportChecks } from './onnx.js';
import type { RunIdentity } from './reuse.js';
import {
  alarmWarnings,
  breakWarnings,
  dataWarnings,
  intervalWarnings,
  scoreWarnings,
  statusWarnings,
} from './warnings.js';
import type { TableResults } from './write-tables.js';

/** Everything that a run has to tell about itself. */
export interface RunFacts {
  readonly config: RunConfig;
  readonly identity: RunIdentity;
  readonly loaded: LoadedPanel;
  readonly walk: WalkForward;
  readonly collector: Collector;
  readonly results: TableResults;
  readonly onnx: ExportChecks;
  /** Undefined where the config does not ask for it. */
  readonly bill: BillRecord | undefined;
  /** Undefined without an LSTM. */
  readonly network: NetworkRecord | undefined;
  readonly threads: number;
  readonly started: Date;
  readonly timings: Readonly<Record<string, number>>;
}

/** The content of `run.json`. */
export function runRecord(facts: RunFacts): RunRecord {
  const { config, loaded, walk } = facts;
  const { axis, assets, horizon } = loaded.panel;
  const warnings = warningsOf(facts);
  const failed = facts.results.checks.some(({ passed }) => !passed);
  return {
    schema_version: 1,
    name: config.name,
    status: warnings.length > 0 || failed ? 'complete_with_warnings' : 'complete',
    ...facts.identity,
    config: config.raw,
    data_origins: dataOrigins(facts),
    threads: facts.threads,
    seed: config.seed,
    frequency: axis.frequency,
    horizon,
    timing: config.raw.timing,
    folds: walk.folds.length,
    assets,
    screening_level: SCREENING_LEVEL,
    interval_coverage: INTERVAL_COVERAGE,
    span: { start: formatIsoDate(axis.dates[0]), end: formatIsoDate(axis.dates[axis.dates.length - 1]) },
    started_at: facts.started.toISOString(),
    finished: new Date().toISOString(),
    timings: facts.timings,
    warnings,
    checks: facts.results.checks,
    ...(config.conditions.size > 0 ? { conditions: conditionRecords(facts) } : {}),
    data_sheet: dataSheetRecord(loaded.panel, dataSheet(loaded.panel.inputs)),
    drift: facts.collector.drift.records(config.methods),
    ...(facts.network ? { network: facts.network } : {}),
    ...(facts.bill ? { look_ahead_bill: facts.bill } : {}),
    onnx: {
      max_relative_error: facts.onnx.returns.maxRelativeError,
      exposures_max_relative_error: facts.onnx.exposures.maxRelativeError,
      tolerance: EXPORT_TOLERANCE,
    },
  };
}

function conditionRecords({ config, loaded }: RunFacts): ConditionRecord[] {
  const { factors } = loaded.panel.inputs;
  return [...config.conditions].map(([method, { state, level }]) => {
    const unit = factors.find(({ name }) => name === state)?.unit ?? '';
    return { method, state, level: level ?? null, unit };
  });
}

function dataOrigins({ config, loaded }: RunFacts): NonNullable<RunRecord['data_origins']> {
  const folder = dirname(resolve(config.document.file));
  return Object.fromEntries(
    loaded.tables.flatMap(({ file, origin }) => {
      if (origin === undefined) return [];
      const { source, url, vintage, fetched_at } = origin;
      return [[relative(folder, file), { source, url, vintage, fetched_at }]];
    }),
  );
}

function warningsOf({ config, loaded, walk, collector, results }: RunFacts): string[] {
  const failed = results.checks.filter(({ passed }) => !passed);
  return [
    ...failed.map(
      ({ name, expected, measured, tolerance }) =>
        `known truth missed: ${name}, measured ${measured.toPrecision(3)}, expected ${expected} ± ${tolerance}`,
    ),
    ...loaded.notes,
    ...(walk.note === undefined ? [] : [walk.note]),
    ...dataWarnings(config, loaded.panel),
    ...breakWarnings(loaded.panel, collector.screen, SCREENING_LEVEL),
    ...alarmWarnings(loaded.panel, walk.folds, SCREENING_LEVEL),
    ...scoreWarnings(results.scores),
    ...intervalWarnings(config),
    ...statusWarnings(loaded.panel, collector.finals),
  ];
}
