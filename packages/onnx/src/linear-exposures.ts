import type { LinearParameters } from '@macrograd/core';
import { constantExposures } from './constant-exposures.js';
import type { ExposureGraph, MethodExposures } from './exposure-outputs.js';

/** Exposures of a linear method, the same at every date: its coefficients. They lie at lag 0 alone. */
export function addLinearExposures(wanted: ExposureGraph, parameters: LinearParameters): MethodExposures {
  const { columns, coefficients, variances } = parameters;
  const places = wanted.targets.map((target) => columns.indexOf(target));
  const at = (asset: number, cell: number) => (places[cell] < 0 ? -1 : asset * columns.length + places[cell]);
  // A coefficient that could not be estimated is 0 for predictions and has no variance: no exposure. One that is not 0
  // without a variance, as ridge has under the heaviest penalties, is an exposure without a standard error.
  const known = (place: number) =>
    place >= 0 && !(variances && Number.isNaN(variances[place]) && coefficients[place] === 0);
  const value = (asset: number, cell: number) => {
    const place = at(asset, cell);
    return known(place) ? coefficients[place] : Number.NaN;
  };
  const se = variances && ((asset: number, cell: number) => Math.sqrt(variances[at(asset, cell)] ?? Number.NaN));
  return {
    lags: 1,
    edges: (form) => constantExposures(wanted, form, places.length, { value, ...(se && { se }) }),
  };
}
