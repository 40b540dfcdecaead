import type { MethodId, ProgressCallback } from '@macrograd/core';
import { InputError } from '@macrograd/core';
import { calibrateIntervals, type IntervalCalibration } from '@macrograd/evaluation';
import { INTERVAL_COVERAGE } from './levels.js';
import { estimatorsOf } from './stages/estimators.js';
import { loadConfig } from './stages/load.js';

/** What {@link calibrateConfig} takes. */
export interface CalibrateOptions {
  /** Default `lstm`. */
  readonly method?: string;
  /** Simulated worlds; default 4. */
  readonly worlds?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressCallback;
}

/** What a method's intervals hold in worlds made by its own fit of a config's data. */
export interface ConfigCalibration extends IntervalCalibration {
  readonly method: MethodId;
  /** Names of the factors; the arrays have one entry more, for all of them. */
  readonly factors: readonly string[];
  /** Coverage that the intervals claim. */
  readonly level: number;
  readonly worlds: number;
}

/**
 * Fits one method of a config on its whole span, simulates worlds from that fit, and says how the intervals hold there:
 * see `calibrateIntervals` of `@macrograd/evaluation`. One fit more than there are worlds.
 *
 * @throws InputError where the config does not name the method
 */
export async function calibrateConfig(file: string, options: CalibrateOptions = {}): Promise<ConfigCalibration> {
  const { method: wanted = 'lstm', worlds = 4, signal, onProgress } = options;
  const { config, panel } = await loadConfig(file);
  const estimator = estimatorsOf(config, 0).find(({ method }) => method === wanted);
  if (!estimator) {
    throw new InputError(`the config has no method ${wanted}`, { remedy: `it has ${config.methods.join(', ')}` });
  }
  const calibration = await calibrateIntervals(
    estimator,
    panel,
    { start: 0, end: panel.axis.dates.length },
    {
      worlds,
      level: INTERVAL_COVERAGE,
      seed: config.seed,
      ...(signal ? { signal } : {}),
      ...(onProgress ? { onProgress } : {}),
    },
  );
  const factors = panel.inputs.factors.filter(({ role }) => role === 'factor').map(({ name }) => name);
  return { ...calibration, method: estimator.method, factors, level: INTERVAL_COVERAGE, worlds };
}
