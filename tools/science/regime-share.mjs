/**
 * Error and coverage of the LSTM's exposures by how familiar the state of a month is: `node
 * tools/science/regime-share.mjs [--seeds 11,...,18] [--processes threshold,path] [--heads closed_form] [--train .7] [--keep FILE]`.
 * Fits on the first 70 % of the months, reads the rest. Two measures of familiarity stand side by side: the share of
 * training months within 1 SD of the month's least familiar factor, and, in the threshold world, the share on the month's
 * side of 5 % inflation. With `--keep` months are added to a file of JSON lines, and worlds found there are not run again.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { simulateWorld } from '@macrograd/evaluation';
import { exposureCube, regimeShares, sideShares } from '@macrograd/exposure';
import { lstmEstimator } from '@macrograd/model';

const { values: given } = parseArgs({
  options: {
    seeds: { type: 'string', default: '11,12,13,14,15,16,17,18' },
    processes: { type: 'string', default: 'threshold,path' },
    heads: { type: 'string', default: 'closed_form' },
    train: { type: 'string', default: '.7' },
    keep: { type: 'string' },
  },
});
const TURNING_POINT = 5;
/** Share of the months to fit on. */
const TRAIN = Number(given.train);
const months =
  given.keep && existsSync(given.keep)
    ? readFileSync(given.keep, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
for (const process of given.processes.split(',')) {
  for (const seed of given.seeds.split(',').map(Number)) {
    if (months.some((own) => own.process === process && own.seed === seed && own.train === TRAIN)) continue;
    const own = await monthsOf(process, seed);
    months.push(...own);
    if (given.keep) appendFileSync(given.keep, own.map((month) => `${JSON.stringify(month)}\n`).join(''));
    console.log(`${process} ${seed}: ${line(own)}`);
  }
}
for (const process of given.processes.split(',')) {
  const own = months.filter((month) => month.process === process);
  table(`${process}, share of like states, tenths of the months`, tenths(own, 'share'), 'share');
  table(`${process}, share of like states, fixed bounds`, bands(own, 'share'), 'share');
  if (own[0].side !== null) table(`${process}, share of the side, fixed bounds`, bands(own, 'side'), 'side');
}

/** Every scored month of one world: shares, mean squared error over the variance of the truth, and coverage. */
async function monthsOf(process, seed) {
  const { panel, truth } = simulateWorld({ process, seed });
  const rows = panel.axis.dates.length;
  const cut = Math.round(TRAIN * rows);
  const kalman = given.heads === 'kalman';
  const estimator = lstmEstimator(kalman ? { heads: 'kalman', encoderRows: cut } : {});
  const fitted = await estimator.fit(panel, { start: 0, end: kalman ? rows : cut }, { seed });
  const train = { start: 0, end: cut };
  const span = { start: cut, end: rows };
  const shares = regimeShares(panel.inputs, train, span);
  const sides = process === 'threshold' ? sideShares(panel.inputs, train, 0, TURNING_POINT) : undefined;
  const { sd } = fitted.parameters().scaler;
  const factors = panel.inputs.factors.length;
  const out = shares.map(({ share }, t) => ({
    process,
    seed,
    train: TRAIN,
    row: cut + t,
    share,
    side: sides ? sides[cut + t] : null,
    error: 0,
    covered: 0,
  }));
  const assets = panel.assets.length;
  for (const factor of truth.scored) {
    const scale = sd[factor] / truth.factorSd[factor];
    const of = (asset, row) => scale * truth.exposure[(asset * rows + row) * factors + factor];
    const variance = varianceOf(panel.assets.flatMap((_, asset) => out.map(({ row }) => of(asset, row))));
    for await (const cube of exposureCube(fitted, panel.inputs, span)) {
      for (let asset = cube.assets.start; asset < cube.assets.end; asset++) {
        out.forEach((month, t) => {
          const i = ((asset - cube.assets.start) * out.length + t) * factors + factor;
          const value = of(asset, month.row);
          const weight = 1 / (assets * truth.scored.length);
          month.error += (weight * (cube.exposure[i] - value) ** 2) / variance;
          if (cube.lo[i] <= value && value <= cube.hi[i]) month.covered += weight;
        });
      }
    }
  }
  return out;
}

function varianceOf(values) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
}

function tenths(own, key) {
  const sorted = own.filter((month) => month[key] !== null).sort((a, b) => a[key] - b[key]);
  return Array.from({ length: 10 }, (_, k) =>
    sorted.slice(Math.floor((k * sorted.length) / 10), Math.floor(((k + 1) * sorted.length) / 10)),
  );
}

function bands(own, key) {
  const bounds = [0, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.01];
  return bounds.slice(1).map((high, i) => own.filter((month) => month[key] >= bounds[i] && month[key] < high));
}

function table(title, groups, key) {
  console.log(`\n${title}: share from to  months  worlds  error  covered`);
  for (const group of groups) {
    if (group.length === 0) continue;
    const values = group.map((month) => month[key]);
    console.log(`  ${Math.min(...values).toFixed(3)} ${Math.max(...values).toFixed(3)}  ${line(group)}`);
  }
}

function line(group) {
  const mean = (of) => group.reduce((sum, month) => sum + of(month), 0) / group.length;
  const worlds = new Set(group.map(({ seed, train }) => `${seed} ${train}`)).size;
  const error = Math.sqrt(mean((month) => month.error)).toFixed(2);
  return `${String(group.length).padStart(5)}  ${worlds}  ${error}  ${mean((month) => month.covered).toFixed(2)}`;
}
