import { availableParallelism } from 'node:os';

import { activeIsa } from '@macrograd/kernel';

import { type RunConfig, withOverrides } from './config/config.js';
import type { RunOptions } from './run.js';
import { configHash, dataHashes } from './stages/hash.js';
import { loadPanel } from './stages/load.js';
import { furtherSeeds, planFolds } from './stages/plan.js';
import { isReusable } from './stages/reuse.js';
import { ExposureLayout } from './tables/exposure-layout.js';
import { versions } from './versions.js';

/** What a job would cost. */
export interface RunEstimate {
  readonly rows: number;
  readonly assets: number;
  readonly factors: number;
  readonly folds: number;
  readonly fits: number;
  readonly threads: number;
  readonly exposureRows: number;
  /** Wall-clock time, within a factor of three or so: machines differ. */
  readonly seconds: number;
  /** Size of the result on disk. */
  readonly bytes: number;
  /** True when the output holds the result already. */
  readonly reused: boolean;
}

// Measured on one core of a 2.5 GHz server with AVX2, on the sample.
const LSTM_SECONDS_PER_ROW = 0.004;
/** A network for every asset, a row and asset. */
const NETWORK_SECONDS_PER_ROW = 7e-5;
const TABLE_SECONDS_PER_ROW = 2e-6;
const BYTES_PER_ROW = 14;
const FIXED_SECONDS = 4;

/** Reads config and data and says what a run would cost; fits and writes nothing. */
export async function dryRun(given: RunConfig, options: RunOptions = {}): Promise<RunEstimate> {
  const config = withOverrides(given, options);
  const { panel } = await loadPanel(config);
  const { folds, trial } = planFolds(config, panel);
  const fits = folds.length + (trial ? 1 : 0);
  const layout = new ExposureLayout(panel, [...config.methods, 'chosen']);
  const threads = options.threads ?? availableParallelism();
  const rows = panel.axis.dates.length;
  const further = furtherSeeds(config).length;
  const trainingRows = (trial ? [trial, ...folds] : folds).reduce(
    (sum, { train }) => sum + train.end - train.start,
    rows,
  );
  // The bill fits every fold on three more panels.
  const panels = config.evaluation.lookAheadBill ? 4 : 1;
  const perAsset = NETWORK_SECONDS_PER_ROW * panel.assets.length;
  const perRow = config.lstm.mode === 'per_asset' ? perAsset : LSTM_SECONDS_PER_ROW;
  const lstm = config.methods.includes('lstm')
    ? (panels * trainingRows + further * rows) * config.lstm.members * perRow
    : 0;
  return {
    rows,
    assets: panel.assets.length,
    factors: layout.factors.length,
    folds: folds.length,
    fits: config.methods.length * (fits + 1 + (config.evaluation.lookAheadBill ? 3 * fits : 0)) + further,
    threads,
    exposureRows: layout.rows,
    seconds: Math.round(FIXED_SECONDS + lstm / threads + layout.rows * TABLE_SECONDS_PER_ROW),
    bytes: layout.rows * BYTES_PER_ROW,
    reused: isReusable(config.output.dir, {
      config_hash: configHash(config),
      data_hashes: await dataHashes(config),
      versions: versions(),
      isa: activeIsa(),
    }),
  };
}
