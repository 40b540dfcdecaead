import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatIsoDate, monthEndOfIndex, Random } from '@macrograd/core';

/** Months of the small project; three folds of 24 after the first 60. */
export const MONTHS = 132;
const ASSETS = 6;
/** Month in which the last factor starts. */
const LATE = 30;

/** Training of the LSTM cut down to what a test can wait for. */
export const config = `name: small
seed: 3
factors:
  - file: macro.csv
    series:
      RATE: { column: RATE, transform: diff, unit: pp }
      PRICES: { column: PRICES, transform: dlog }
      LATE: { column: LATE, transform: diff, unit: pp }
      LEVEL: { column: RATE, transform: none, unit: pp, role: state }
assets:
  - { file: returns.csv, unit: decimal, return: excess }
methods: [zero, ols, rolling_ols, ewm_ols, lstm]
lstm: { hidden_size: 4, members: 2, lookback: 6, steps: 20 }
evaluation: { initial: 60, step: 24 }
checks:
  - { asset: A0, factor: RATE, expected: -0.02, tolerance: 0.01 }
output: out
`;

export interface ProjectOptions {
  /** Number added to every value of every file after this month. */
  readonly shiftAfter?: { readonly month: number; readonly by: number };
}

/** Writes a small project: three factors, one a late starter, six assets that load on the first two, and noise. */
export function writeProject(dir: string, options: ProjectOptions = {}): string {
  const random = new Random(11);
  const { month: from, by } = options.shiftAfter ?? { month: MONTHS, by: 0 };
  const macro = ['date,RATE,PRICES,LATE'];
  const returns = [`date,${Array.from({ length: ASSETS }, (_, asset) => `A${asset}`).join(',')}`];
  let rate = 5;
  let prices = 100;
  let late = 3;
  for (let month = 0; month < MONTHS; month++) {
    const date = formatIsoDate(monthEndOfIndex(month));
    const shift = month > from ? by : 0;
    const rateMove = 0.3 * random.normal();
    const inflation = 0.004 * random.normal();
    rate += rateMove;
    prices *= Math.exp(inflation);
    late += 0.2 * random.normal();
    macro.push([date, rate + shift, prices + shift, month < LATE ? '' : late + shift].join(','));
    const row = Array.from({ length: ASSETS }, (_, asset) => {
      const loading = -0.02 * rateMove * (1 + 0.2 * asset) + (asset % 2 ? 1 : -1) * inflation;
      return loading + 0.01 * random.normal() + shift;
    });
    returns.push([date, ...row].join(','));
  }
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'macro.csv'), `${macro.join('\n')}\n`);
  writeFileSync(join(dir, 'returns.csv'), `${returns.join('\n')}\n`);
  const file = join(dir, 'config.yaml');
  writeFileSync(file, config);
  return file;
}
