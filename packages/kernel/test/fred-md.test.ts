import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { principalComponents } from '../src/principalComponents.js';

/** Folder of data that can't be passed on; without it these tests are left out. */
const reference = join(process.env.MACROGRAD_DATA ?? '', 'reference', 'fredmd_matlab');
const FACTORS = 8;
/** Largest difference between factors: the authors print five digits, and both stop filling at 1e-6. */
const DIFFERENCE = 1e-4;

function readTable(name: string): { values: Float64Array; rows: number; columns: number } {
  const lines = readFileSync(join(reference, name), 'utf8').trim().split('\n');
  const cells = lines.map((line) => line.split(',').map((cell) => (cell.trim() === '' ? Number.NaN : Number(cell))));
  return { values: Float64Array.from(cells.flat()), rows: cells.length, columns: cells[0].length };
}

describe.skipIf(!existsSync(join(reference, 'FhatMATLAB.csv')))('FRED-MD, vintage of September 2019', () => {
  it("reproduces the authors' eight factors", async () => {
    const { values, rows, columns } = readTable('dataMATLAB.csv');
    const expected = readTable('FhatMATLAB.csv');
    const found = await principalComponents({ values, rows, series: columns }, { components: FACTORS });
    expect(found.converged).toBe(true);
    let worst = 0;
    let least = 1;
    for (let c = 0; c < FACTORS; c++) {
      const own = found.factors.filter((_, at) => at % FACTORS === c);
      const theirs = expected.values.filter((_, at) => at % expected.columns === c);
      const product = own.reduce((sum, value, row) => sum + value * theirs[row], 0);
      const size = (x: Float64Array) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
      least = Math.min(least, Math.abs(product) / (size(own) * size(theirs)));
      own.forEach((value, row) => {
        worst = Math.max(worst, Math.abs(value * Math.sign(product) - theirs[row]));
      });
    }
    console.log(`correlation at least ${least.toFixed(8)}, difference at most ${worst.toExponential(2)}`);
    expect(least).toBeGreaterThan(0.99995);
    expect(worst).toBeLessThan(DIFFERENCE);
  });
});
