import { type ClosedFormInputs, type ClosedFormOptions, closedFormFeatures, closedFormFit } from '@macrograd/kernel';

/**
 * [row][asset]: what one member of plain cells, with the shortest of the lookbacks, leaves of standardised returns on the
 * leading rows that encoders learn from; NaN = missing.
 *
 * @param returns [row][asset], standardised; NaN = missing
 */
export async function pilotResiduals(
  inputs: ClosedFormInputs,
  returns: Float64Array,
  assets: number,
  options: ClosedFormOptions,
): Promise<Float64Array> {
  const lookbacks = [Math.min(...(options.lookbacks ?? [1]))];
  const fit = await closedFormFit(inputs, returns, assets, { ...options, lookbacks, members: 1, cell: 'lstm' });
  const [{ map, heads }] = fit.members;
  const rows = { start: 0, end: options.trainRows ?? inputs.rows };
  const features = await closedFormFeatures(inputs, map, rows, options);
  const size = map.featureMean.length;
  return returns.subarray(0, rows.end * assets).map((value, i) => {
    const [row, asset] = [Math.floor(i / assets), i % assets];
    let fitted = fit.offsets[asset];
    for (let k = 0; k < size; k++) fitted += heads[asset * size + k] * features[row * size + k];
    return value - fitted;
  });
}
