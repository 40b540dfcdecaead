import type { AssetMeta, Diagnostics, FitStatus, MethodId } from '@macrograd/core';
import { TableBuilder, type TableData } from '@macrograd/store';
import { UNIVERSE } from './results.js';

/** What one fit says about itself. */
export interface FitDiagnostics {
  readonly method: MethodId;
  readonly fit: number | 'final';
  readonly diagnostics: Diagnostics;
}

/** Facts with a column of their own. */
const ownColumns: ReadonlySet<string> = new Set([
  'condition_number',
  'residual_autocorrelation',
  'autocorrelated_share',
  'unstable_share',
]);

/** `diagnostics`: by fit as given, the fit as a whole and then every asset that it could not serve. */
export function diagnosticsTable(
  fits: readonly FitDiagnostics[],
  assets: readonly AssetMeta[],
): TableData<'diagnostics'> {
  const table = new TableBuilder('diagnostics');
  for (const { method, fit, diagnostics } of fits) {
    const { facts, status, observations } = diagnostics;
    const failed = Array.from(status.keys()).filter((asset) => status[asset].status !== 'ok');
    const fact = (name: string) => facts[name] ?? Number.NaN;
    table.append({
      asset: UNIVERSE,
      method,
      fit: String(fit),
      observations: observations.reduce((sum, count) => sum + count, 0),
      status: commonest(failed.map((asset) => status[asset].status)),
      remedy: failed.length > 0 ? `${failed.length} of ${status.length} assets: their rows say what to do` : null,
      condition_number: fact('condition_number'),
      residual_autocorrelation: fact('residual_autocorrelation'),
      autocorrelated_share: fact('autocorrelated_share'),
      unstable_share: fact('unstable_share'),
      facts: JSON.stringify(Object.fromEntries(Object.entries(facts).filter(([name]) => !ownColumns.has(name)))),
    });
    for (const asset of failed) {
      table.append({
        asset: assets[asset].name,
        method,
        fit: String(fit),
        observations: observations[asset],
        status: status[asset].status,
        remedy: status[asset].remedy,
        condition_number: Number.NaN,
        residual_autocorrelation: Number.NaN,
        autocorrelated_share: Number.NaN,
        unstable_share: Number.NaN,
        facts: null,
      });
    }
  }
  return table.finish();
}

/** The status that most assets have; `ok` without any. */
function commonest(statuses: readonly FitStatus[]): FitStatus {
  const counts = new Map<FitStatus, number>();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'ok';
}
