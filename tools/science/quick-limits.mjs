/**
 * Spread over histories of what the LSTM reaches in the quick study, from which its limits come:
 * `node tools/science/quick-limits.mjs [--seeds 1,2,3,4]`. Prints every world, then the limits
 * by process and of all: mean and three SDs, coverage never narrower than the aim of .87 to .93 and at most .99.
 */
import { parseArgs } from 'node:util';
import { QUICK_METHODS, quickCells, runStudyCell } from '@macrograd/evaluation';

const { values: given } = parseArgs({ options: { seeds: { type: 'string', default: '1,2,3,4' } } });
const seeds = given.seeds.split(',').map(Number);
const processes = quickCells().map(({ process }) => process);
const figures = new Map(processes.map((process) => [process, []]));
for (const seed of seeds) {
  for (const cell of quickCells(seed)) {
    const started = process.cpuUsage();
    const rows = await runStudyCell(cell, { methods: QUICK_METHODS });
    const of = (method) => rows.find((row) => row.method === method);
    const [ratio, coverage] = [of('lstm_kalman').score / of('oracle').score, of('lstm_kalman').coverage];
    figures.get(cell.process).push([ratio, coverage]);
    const { user, system } = process.cpuUsage(started);
    const scores = rows.map(({ method, score }) => `${method} ${score.toFixed(3)}`).join('  ');
    const text = `/oracle ${ratio.toFixed(3)}  covered ${coverage.toFixed(3)}`;
    console.log(
      `${seed}  ${cell.process.padEnd(12)} ${text}  ${scores}  ${((user + system) / 1e6).toFixed(1)} s of CPU`,
    );
  }
}
console.log('limits: /oracle, coverage from and to');
const all = seeds.map((_, i) => {
  const own = [...figures.values()].map((values) => values[i]);
  return [Math.exp(average(own.map(([ratio]) => Math.log(ratio)))), average(own.map(([, coverage]) => coverage))];
});
for (const [name, values] of [...figures, ['all', all]]) {
  const [ratio, coverage] = [0, 1].map((k) => spread(values.map((own) => own[k])));
  const least = Math.min(0.87, coverage.mean - 3 * coverage.sd);
  const greatest = Math.min(0.99, Math.max(0.93, coverage.mean + 3 * coverage.sd));
  const limits = [ratio.mean + 3 * ratio.sd, least, greatest].map((x) => x.toFixed(2));
  console.log(
    `${name.padEnd(12)} ${limits.join('  ')}  (/oracle ${ratio.mean.toFixed(2)}, covered ${coverage.mean.toFixed(2)})`,
  );
}

function average(values) {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function spread(values) {
  const mean = average(values);
  return { mean, sd: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1)) };
}
