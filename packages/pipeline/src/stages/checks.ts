import { type FactorPanel, InputError } from '@macrograd/core';
import type { CheckRecord } from '@macrograd/store';
import type { RunConfig } from '../config/config.js';
import type { SummaryCell } from './summary.js';

/** Refuses checks of an asset, factor or method that the run does not have, before anything is fitted. */
export function refuseUnknownChecks(config: RunConfig, inputs: FactorPanel, assets: readonly { name: string }[]): void {
  const factors = inputs.factors.filter(({ role }) => role === 'factor').map(({ name }) => name);
  const names = assets.map(({ name }) => name);
  config.checks.forEach((check, i) => {
    refuseUnknown(config, i, 'asset', check.asset, names);
    refuseUnknown(config, i, 'factor', check.factor, factors);
  });
}

function refuseUnknown(
  config: RunConfig,
  index: number,
  key: 'asset' | 'factor',
  name: string,
  known: readonly string[],
) {
  if (known.includes(name)) return;
  throw new InputError(`checks[${index}] names the ${key} "${name}", which the run does not have`, {
    place: config.document.placeOf(['checks', index, key]),
    remedy: `take one of ${known.slice(0, 12).join(', ')}${known.length > 12 ? ', ...' : ''}`,
    code: 'bad_config',
  });
}

/** Holds the mean unit exposures of the fits on the whole span against the truths that the config knows. */
export function knownTruthChecks(config: RunConfig, cells: readonly SummaryCell[]): CheckRecord[] {
  return config.checks.flatMap(({ asset, factor, method, expected, tolerance, reason }) => {
    const cell = cells.find((c) => c.asset === asset && c.factor === factor && c.method === method);
    // A method that the run leaves out has nothing to check.
    if (!cell) return [];
    const measured = cell.unitExposure;
    return {
      name: `${asset} on ${factor}, ${method}${reason ? `: ${reason}` : ''}`,
      expected,
      measured,
      tolerance,
      unit: `decimal return per 1 ${cell.unit}`,
      passed: Math.abs(measured - expected) <= tolerance,
    };
  });
}
