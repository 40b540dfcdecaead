/**
 * Realised false discoveries and power of the screen of factors over simulated worlds, beside Benjamini-Hochberg on
 * least squares, double selection, stability selection and knockoffs. `node tools/bench/screening.mjs [worlds] [months]
 * [assets] [--procedures screen,leastSquares,...] [--worlds const,...]`; 400 worlds take some minutes a line.
 */
import { parseArgs } from 'node:util';
import { runScreening, SCREENING_PROCEDURES } from '@macrograd/evaluation';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    procedures: { type: 'string', default: SCREENING_PROCEDURES.join() },
    worlds: { type: 'string', default: 'noise,const,threshold,lags,interaction,path' },
  },
});
const [worlds = 400, months = 600, assets = 20] = positionals.map(Number);
const procedures = given.procedures.split(',');
const percent = (value) => (Number.isNaN(value) ? '-' : value.toFixed(3));
const lines = given.worlds
  .split(',')
  .map((process) => (process === 'noise' ? { process: 'const', zeroShare: 1 } : { process }));
console.log(`${worlds} worlds a line, ${assets} assets, ${months} months, R2 .3, half of the effects zero; asked: .10`);
console.log('world        procedure       false (error)    any    power  strong');
for (const line of lines) {
  const result = runScreening({ ...line, worlds, months, assets, procedures });
  const name = line.zeroShare === 1 ? 'pure noise' : line.process;
  for (const procedure of procedures) {
    const { falseDiscoveryRate, error, anyRate, power, strongPower } = result[procedure];
    const rate = `${percent(falseDiscoveryRate)} (${percent(error)})`;
    console.log(
      `${name.padEnd(12)} ${procedure.padEnd(15)} ${rate}  ${percent(anyRate)}  ${percent(power)}  ${percent(strongPower)}`,
    );
  }
}
