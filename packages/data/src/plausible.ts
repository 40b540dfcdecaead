import { InputError, periodsPerYear } from '@macrograd/core';
import type { PreparedAsset } from './assets.js';

/** Standard deviation of a month's return above which its unit is asked for; percent figures lie near 5. */
const ASK_ABOVE = 0.5;

/**
 * Asks for the unit of returns that look like percent. Judged by a file's median asset, so that one wild stock does not
 * matter. Notes what is declared and unusual.
 *
 * @throws InputError when no unit is declared; a declared one is believed, since the owner has been asked then.
 */
export function checkReturnUnits(assets: readonly PreparedAsset[]): string[] {
  const files = new Set(assets.map(({ spec }) => spec).filter(({ values }) => values !== 'prices'));
  return [...files].flatMap((spec) => {
    const members = assets.filter((asset) => asset.spec === spec);
    const deviations = members.map(({ returns }) => monthlyDeviation(returns)).sort((a, b) => a - b);
    const median = deviations[deviations.length >> 1];
    const figure = `the typical standard deviation is ${median.toPrecision(3)} a month`;
    if (median <= ASK_ABOVE) return [];
    if (spec.unit === undefined) {
      throw new InputError(`${figure}: are these returns in percent, or prices?`, {
        place: { file: spec.file },
        remedy: 'say `unit: percent`, or `values: prices`; returns are decimals (.01 = 1 %) otherwise',
      });
    }
    return [`${spec.file}: ${figure}; taken as ${spec.unit}, as declared`];
  });
}

/** Standard deviation of returns around zero, scaled to a month; 0 without observations. */
function monthlyDeviation({ values, frequency }: PreparedAsset['returns']): number {
  const observed = values.filter((r) => !Number.isNaN(r));
  const sum = observed.reduce((total, r) => total + r * r, 0);
  return Math.sqrt((sum / Math.max(1, observed.length)) * (periodsPerYear[frequency] / 12));
}
