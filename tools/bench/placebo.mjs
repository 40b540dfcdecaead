/**
 * The screen on real data that carry nothing: every factor of a config is moved circularly by a third of the sample and
 * more against the returns, and the screen counts what it finds. `node tools/bench/placebo.mjs [config] [moves]`
 */
import { join } from 'node:path';
import { adaptiveBenjaminiHochberg, benjaminiHochberg, screenFactors } from '@macrograd/exposure';
import { loadConfig } from '@macrograd/pipeline';

const sample = join(import.meta.dirname, '..', '..', 'packages', 'data', 'sample', 'config.yaml');
const [config = sample, moves = 8] = process.argv.slice(2);
const { panel } = await loadConfig(config);
const rows = panel.axis.dates.length;
const series = panel.inputs.factors.length;

function moved(by) {
  const values = new Float64Array(panel.inputs.values.length);
  for (let t = 0; t < rows; t++) {
    values.set(panel.inputs.values.subarray(t * series, (t + 1) * series), ((t + by) % rows) * series);
  }
  return { ...panel, inputs: { ...panel.inputs, values } };
}

console.log('moved by  links  linear  thresholds  interactions  changes at a date   (found at .10)');
for (let i = 0; i < Number(moves); i++) {
  const by = Math.round((rows * (1 + i / moves)) / 3) + (i % 2);
  const screen = screenFactors(moved(by), { start: 0, end: rows });
  const found = [
    adaptiveBenjaminiHochberg(screen.pValue).count,
    adaptiveBenjaminiHochberg(screen.linearPValue).count,
    benjaminiHochberg(screen.thresholdPValue).count,
    benjaminiHochberg(screen.interactionPValue).count,
    benjaminiHochberg(screen.breakPValue).count,
  ];
  console.log(`${by}`.padStart(8), ...found.map((count) => `${count}`.padStart(8)));
}
