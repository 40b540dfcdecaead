/**
 * Realised false discoveries and power of the screen of factors over simulated worlds, beside Benjamini-Hochberg on
 * least squares. `node tools/bench/screening.mjs [worlds] [months] [assets]`; 400 worlds take some minutes a line.
 */
import { runScreening } from '@macrograd/evaluation';

const [worlds = 400, months = 600, assets = 20] = process.argv.slice(2).map(Number);
const percent = (value) => (Number.isNaN(value) ? '-' : value.toFixed(3));
const lines = [
  { process: 'const', zeroShare: 1 },
  ...['const', 'threshold', 'lags', 'interaction', 'path'].map((process) => ({ process })),
];
console.log(`${worlds} worlds a line, ${assets} assets, ${months} months, R2 .3, half of the effects zero; asked: .10`);
console.log('world        procedure     false (error)    any    power  strong');
for (const line of lines) {
  const result = runScreening({ ...line, worlds, months, assets });
  const name = line.zeroShare === 1 ? 'pure noise' : line.process;
  for (const [procedure, score] of Object.entries(result)) {
    const { falseDiscoveryRate, error, anyRate, power, strongPower } = score;
    const rate = `${percent(falseDiscoveryRate)} (${percent(error)})`;
    console.log(
      `${name.padEnd(12)} ${procedure.padEnd(13)} ${rate}  ${percent(anyRate)}  ${percent(power)}  ${percent(strongPower)}`,
    );
  }
}
