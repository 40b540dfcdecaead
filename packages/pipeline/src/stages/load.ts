import type { Panel } from '@macrograd/core';
import { buildPanel, type FactorFileSpec, type PanelSpec, readNewest, type Table } from '@macrograd/data';
import { refuseUnknownConditions } from '../config/conditions.js';
import { type RunConfig, readConfig } from '../config/config.js';
import { refuseUnknownChecks } from './checks.js';
import { withoutConstants } from './varying.js';

/** The data of a run. */
export interface LoadedPanel {
  readonly panel: Panel;
  /** What it was made from, every series named. */
  readonly spec: PanelSpec;
  /** Every file that was read, once. */
  readonly tables: readonly Table[];
  /** What reading did that the owner of the data should know. */
  readonly notes: readonly string[];
}

/**
 * Reads, transforms and aligns what a config names. A factor file without `series` gives every column as it is, under
 * its own name.
 */
export async function loadPanel(config: RunConfig): Promise<LoadedPanel> {
  const factors = await Promise.all(
    config.panel.factors.map(async (file): Promise<FactorFileSpec> => {
      if (file.series !== undefined) return { ...file, series: file.series };
      const { series } = await readNewest(file);
      return { ...file, series: Object.fromEntries([...series.keys()].map((column) => [column, { column }])) };
    }),
  );
  const spec = { ...config.panel, factors };
  const built = await buildPanel(spec);
  const { panel, notes } = withoutConstants(built.panel);
  refuseUnknownConditions(config, panel.inputs);
  return { panel, spec, tables: built.tables, notes: [...built.notes, ...notes] };
}

/**
 * Reads a config and the data that it names, and fits nothing: what `macrograd check` shows.
 *
 * @throws InputError for anything in config or data that can't be used
 */
export async function loadConfig(file: string): Promise<LoadedPanel & { readonly config: RunConfig }> {
  const config = await readConfig(file);
  const loaded = await loadPanel(config);
  refuseUnknownChecks(config, loaded.panel.inputs, loaded.panel.assets);
  return { ...loaded, config };
}
