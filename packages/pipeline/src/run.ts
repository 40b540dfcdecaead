import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { CancelledError, InputError, type ProgressCallback } from '@macrograd/core';

import { screenFactors } from '@macrograd/exposure';
import { activeIsa } from '@macrograd/kernel';

import { writeReport } from '@macrograd/report';
import { atomicDirectory, writeRunRecord } from '@macrograd/store';
import { type RunConfig, withOverrides } from './config/config.js';
import { billRecord, refuseUnbillable } from './stages/bill.js';
import { refuseUnknownChecks } from './stages/checks.js';
import { Collector } from './stages/collect.js';
import { estimatorsOf } from './stages/estimators.js';
import { fitAll } from './stages/fit.js';
import { configHash, dataHashes } from './stages/hash.js';
import { interactionRows } from './stages/interactions.js';
import { loadPanel } from './stages/load.js';
import { modelInfo, writeModels } from './stages/models.js';
import { networkRecord } from './stages/network.js';
import { writeRunOnnx } from './stages/onnx.js';
import { furtherSeeds, planFits, planFolds } from './stages/plan.js';
import { runRecord } from './stages/record.js';
import { isReusable, type RunIdentity } from './stages/reuse.js';
import { Stopwatch } from './stages/stopwatch.js';
import { writeTables } from './stages/write-tables.js';
import { ExposureLayout } from './tables/exposure-layout.js';
import { ExposureTable } from './tables/exposures.js';
import { macrogradVersion, versions } from './versions.js';

/** What a caller may set besides the config. */
export interface RunOptions {
  /** Fits at a time; default one a core. Tables have the same bytes for any number. */
  readonly threads?: number;
  /** Instead of the config's seed. */
  readonly seed?: number;
  /** Instead of the config's output directory. */
  readonly output?: string;
  /** Compute anew even where the output holds the result of the same job. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressCallback;
}

/** Where a run's result is. */
export interface RunOutcome {
  /** The result directory. */
  readonly dir: string;
  /** The report's page. */
  readonly report: string;
  /** True when the directory held this result already and nothing was computed. */
  readonly reused: boolean;
  readonly seconds: number;
}

/**
 * The whole job of a config: reads the data, fits every method on every fold and on the whole span, writes tables,
 * models and report. The output directory holds a whole result or what was there before, never half of one.
 *
 * @throws InputError for data that can't be used, CancelledError when stopped through the signal, MacrogradError with
 *   code `verification_failed` when the exported model disagrees with the fitted one
 * @example
 * const outcome = await run(await readConfig('config.yaml'), { threads: 2 });
 * console.log(outcome.report);
 */
export async function run(given: RunConfig, options: RunOptions = {}): Promise<RunOutcome> {
  const started = new Date();
  const config = withOverrides(given, options);
  const { dir } = config.output;
  const report = join(dir, 'report', 'index.html');
  const identity: RunIdentity = {
    config_hash: configHash(config),
    data_hashes: await dataHashes(config),
    versions: versions(),
    isa: activeIsa(),
  };
  const seconds = () => (Date.now() - started.getTime()) / 1000;
  if (!options.force && isReusable(dir, identity)) return { dir, report, reused: true, seconds: seconds() };
  await compute(config, identity, started, options);
  return { dir, report, reused: false, seconds: seconds() };
}

/** Share of the work that fitting is; the rest is reading, tables, verification and the report. */
const FIT_SHARE = 0.9;

async function compute(config: RunConfig, identity: RunIdentity, started: Date, options: RunOptions): Promise<void> {
  const watch = new Stopwatch();
  const { signal } = options;
  const progress = options.onProgress ?? (() => {});
  const threads = options.threads ?? availableParallelism();
  progress(0, 'reading the data');
  const loaded = await loadPanel(config);
  const { panel } = loaded;
  refuseUnknownChecks(config, panel.inputs, panel.assets);
  await refuseUnbillable(config, loaded.spec);
  const walk = planFolds(config, panel);
  const layout = new ExposureLayout(panel, [...config.methods, 'chosen']);
  refuseTooLarge(layout);
  watch.lap('load');
  progress(0, 'testing every factor on every asset');
  const screen = screenFactors(panel, { start: 0, end: panel.axis.dates.length });
  watch.lap('screen');
  await atomicDirectory(config.output.dir, async (dir) => {
    const exposures = new ExposureTable(panel, layout, walk.folds.length);
    const seeds = furtherSeeds(config);
    const hedge = { readAt: config.evaluation.hedge, seed: config.seed };
    const collector = new Collector(panel, walk, config.methods, exposures, screen, signal, seeds, hedge);
    // More threads than LSTM fits go into the fits themselves.
    const inner = Math.max(1, Math.floor(threads / (walk.folds.length + 1)));
    const estimators = estimatorsOf(config, inner);
    await fitAll(panel, planFits(estimators, panel, walk, seeds), collector.use, {
      threads,
      seed: config.seed,
      onProgress: (fraction, what) => progress(FIT_SHARE * fraction, what),
      ...(signal ? { signal } : {}),
    });
    watch.lap('fit');
    progress(FIT_SHARE, 'writing tables');
    const interactions = await interactionRows(panel, screen, collector.finals);
    const results = writeTables(dir, config, panel, walk, collector, exposures, interactions);
    watch.lap('tables');
    progress(FIT_SHARE + 0.04, 'exporting and verifying models');
    const info = modelInfo(panel, macrogradVersion, identity.config_hash);
    writeModels(dir, collector.finals, info);
    const choices = results.choices.filter(({ fit }) => fit === 'final');
    const onnx = await writeRunOnnx(join(dir, 'onnx'), collector.finals, choices, info, panel);
    watch.lap('exports');
    if (signal?.aborted) throw new CancelledError('the run');
    const bill = config.evaluation.lookAheadBill
      ? await billRecord(config, loaded.spec, { threads, seed: config.seed, ...(signal ? { signal } : {}) })
      : undefined;
    watch.lap('bill');
    progress(FIT_SHARE + 0.06, 'writing the report');
    const network = await networkRecord(panel, collector.finals);
    const timings = watch.laps;
    const facts = {
      config,
      identity,
      loaded,
      walk,
      collector,
      results,
      onnx,
      bill,
      network,
      threads,
      started,
      timings,
    };
    writeRunRecord(dir, runRecord(facts));
    await writeReport(dir);
    watch.lap('report');
    // Once more, now that the report's own time is known.
    writeRunRecord(dir, runRecord(facts));
  });
  progress(1, 'done');
}

/** Share of the machine's memory that the exposures may take; the rest is for data, fits and everything else. */
const MEMORY_SHARE = 0.6;

/** Refuses a job whose exposures do not fit into memory before hours are spent on it. */
function refuseTooLarge(layout: ExposureLayout): void {
  if (layout.bytes <= MEMORY_SHARE * totalmem()) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new InputError(
    `${layout.rows.toLocaleString('en-US')} exposures would take ${gigabytes(layout.bytes)} of memory, this machine has ${gigabytes(totalmem())}`,
    { remedy: 'name fewer methods, a shorter span, or split the assets over several configs' },
  );
}
