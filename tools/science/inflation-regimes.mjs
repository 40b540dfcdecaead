import { olsEstimator } from '@macrograd/linear';

/** Yearly inflation above which the change of inflation has a slope of its own, pp. */
const LEVEL = 5;

/**
 * Static regression of every asset with the change of inflation parted at a level of 5 %, every other factor held fixed:
 * `{ asset, above, below }` with `unit` in % per pp and `t` by Newey and West (1987).
 */
export async function inflationByRegime(panel) {
  const parted = partedPanel(panel);
  const estimator = olsEstimator();
  const span = { start: 0, end: parted.axis.dates.length };
  const fitted = await estimator.fit(parted, span, { seed: 1 });
  const { scaler } = fitted.parameters();
  const out = [];
  for await (const block of fitted.jacobian(parted.inputs, span, { form: 'contemporaneous', average: true })) {
    for (let asset = block.assets.start; asset < block.assets.end; asset++) {
      const at = (factor) => {
        const i = (asset - block.assets.start) * block.factors + factor;
        const column = parted.inputs.factors.findIndex(({ name }) => name === ['ABOVE', 'BELOW'][factor]);
        return {
          unit: (100 * block.values[i]) / scaler.sd[column],
          t: block.values[i] / Math.sqrt(block.variance[i]),
        };
      };
      out.push({ asset: parted.assets[asset].name, above: at(0), below: at(1) });
    }
  }
  return out;
}

/** INFL as two factors, first in the panel: its change where the level is above, and where it is not. */
function partedPanel(panel) {
  const { factors, values } = panel.inputs;
  const place = (name) => factors.findIndex((factor) => factor.name === name);
  const [change, level] = [place('INFL'), place('INFL_LEVEL')];
  const kept = factors.flatMap((_, column) => (column === change ? [] : [column]));
  const parted = [];
  for (let t = 0; t < panel.axis.dates.length; t++) {
    const row = values.subarray(t * factors.length, (t + 1) * factors.length);
    const above = row[level] > LEVEL;
    parted.push(above ? row[change] : 0, above ? 0 : row[change], ...kept.map((column) => row[column]));
  }
  const named = ['ABOVE', 'BELOW'].map((name) => ({ ...factors[change], name }));
  const all = [...named, ...kept.map((column) => factors[column])];
  return { ...panel, inputs: { ...panel.inputs, factors: all, values: Float64Array.from(parted) } };
}
