import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatIsoDate, METHOD_IDS, monthEndOfIndex, type Panel, Random } from '@macrograd/core';
import { type AnyColumn, readTable, stringAt, type TableName } from '@macrograd/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, readConfig, run } from '../src/index.js';

const MONTHS = 108;
const INITIAL = 60;
const STEP = 24;
/** Last month whose values are left alone; inside the second of two folds. */
const CUT = INITIAL + STEP + 5;
/** Added to every value of every file after the cut. */
const SHIFT = 1000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-lookahead-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Month ends, quarter ends, or the weekdays, from 1970-01 on. */
const dates = {
  M: Array.from({ length: MONTHS }, (_, month) => monthEndOfIndex(month)),
  Q: Array.from({ length: MONTHS / 3 }, (_, quarter) => monthEndOfIndex(3 * quarter + 2)),
  D: Array.from({ length: monthEndOfIndex(MONTHS - 1) + 1 }, (_, day) => day).filter(
    (day) => ((day + 4) % 7) % 6 !== 0,
  ),
};

type Step = (random: Random, last: number) => number;
const walk: Step = (random, last) => last + 0.1 * random.normal();
const growth: Step = (random, last) => last * Math.exp(0.004 * random.normal());
const noise: Step = (random) => 0.02 * random.normal();

interface Source {
  readonly calendar: keyof typeof dates;
  /** First value and step of each column. */
  readonly columns: Readonly<Record<string, readonly [number, Step]>>;
}

/** One file of each kind that a panel is made of. */
const sources: Readonly<Record<string, Source>> = {
  macro: { calendar: 'M', columns: { RATE: [5, walk], CPI: [100, growth], LATE: [3, walk], BILL: [4, walk] } },
  daily: { calendar: 'D', columns: { SPREAD: [2, walk] } },
  gdp: { calendar: 'Q', columns: { GDP: [100, growth] } },
  fx: { calendar: 'D', columns: { EUR: [1.2, growth] } },
  prices: { calendar: 'D', columns: { P0: [50, growth], P1: [20, growth] } },
  returns: { calendar: 'M', columns: { R0: [0, noise], R1: [0, noise] } },
};

function text({ calendar, columns }: Source, seed: number, shift: number): string {
  const random = new Random(seed);
  const values = Object.values(columns).map(([first]) => first);
  const rows = dates[calendar].map((day) => {
    const added = day > dates.M[CUT] ? shift : 0;
    Object.values(columns).forEach(([, step], j) => {
      values[j] = step(random, values[j]);
    });
    const cells = values.map((value, j) =>
      Object.keys(columns)[j] === 'LATE' && day < dates.M[30] ? '' : value + added,
    );
    return [formatIsoDate(day), ...cells].join(',');
  });
  return `date,${Object.keys(columns).join(',')}\n${rows.join('\n')}\n`;
}

/** Methods by timing: the slowest runs once, since how rows are dated is nothing to a method. */
const methodsOf = (timing: string) => METHOD_IDS.filter((method) => timing === 'available' || method !== 'spline');

const config = (timing: string) => `seed: 5
timing: ${timing}
factors:
  - file: macro.csv
    outliers: iqr
    series:
      RATE: { column: RATE, transform: diff, winsorise: 0.02 }
      NEWS: { column: CPI, transform: dlog, surprise: 1, release_lag: 1 }
      LATE: { column: LATE, transform: diff }
      LEVEL: { column: RATE, role: state }
  - { file: daily.csv, aggregate: mean, series: { SPREAD: { column: SPREAD, transform: diff } } }
  - file: gdp.csv
    series:
      CARRIED: { column: GDP, transform: dlog, role: state, release_lag: 2 }
      FILLED: { column: GDP, transform: dlog, role: control, release_lag: 2, fill: { method: kalman, indicator: NEWS } }
assets:
  - { file: prices.csv, values: prices, currency: EUR, risk_free: { series: BILL, unit: annual_percent } }
  - { file: returns.csv, unit: decimal, return: excess }
currency: { base: USD, rates: { EUR: { file: fx.csv, series: EUR } } }
frequency: M
methods: [${methodsOf(timing).join(', ')}]
lstm: { mode: ${timing === 'available' ? 'pooled' : 'per_asset'}, hidden_size: 2, members: 1, lookback: auto, steps: 10 }
evaluation: { initial: ${INITIAL}, step: ${STEP} }
output: out
`;

/** Writes the job and runs it; its panel and the directory of its result. */
async function job(name: string, timing: string, shift: number): Promise<{ panel: Panel; dir: string }> {
  const path = join(folder, name);
  mkdirSync(path);
  Object.entries(sources).forEach(([source, content], seed) => {
    writeFileSync(join(path, `${source}.csv`), text(content, seed, shift));
  });
  const file = join(path, 'config.yaml');
  writeFileSync(file, config(timing));
  const { panel } = await loadConfig(file);
  const { dir } = await run(await readConfig(file), { threads: 2 });
  return { panel, dir };
}

type Cell = (column: string) => number | string | null;

/** Rows of a table that pass, each as one line of all its columns. */
async function lines(dir: string, name: TableName, keep: (cell: Cell) => boolean): Promise<string[]> {
  const table = await readTable(dir, name);
  const columns: Readonly<Record<string, AnyColumn>> = table.columns;
  const cellAt =
    (row: number): Cell =>
    (column) => {
      const data = columns[column];
      return 'codes' in data ? stringAt(data, row) : data[row];
    };
  return Array.from({ length: table.rows }, (_, row) => cellAt(row))
    .filter(keep)
    .map((cell) => Object.keys(columns).map(cell).join());
}

/** Inputs up to a date, and returns whose periods end by then. */
function knownPanel({ axis, inputs, returns, assets, horizon }: Panel, day: number) {
  const rows = axis.dates.filter((date) => date <= day).length;
  return {
    dates: axis.dates.slice(0, rows),
    inputs: inputs.values.slice(0, rows * inputs.factors.length),
    returns: returns.slice(0, (rows - horizon) * assets.length),
  };
}

const day = dates.M[CUT];

/** What of each table was known by the cut: folds 0 and 1 have begun, and fold 0 is over. */
const known: Readonly<Record<string, (cell: Cell) => boolean>> = {
  exposures: (cell) => cell('in_sample') === 0 && Number(cell('date')) <= day,
  chosen: (cell) => ['0', '1'].includes(String(cell('fit'))),
  factors: (cell) => ['0', '1'].includes(String(cell('fit'))),
  lags: (cell) => cell('fit') === '0',
  evaluation: (cell) => cell('fold') === '0',
};

describe.each(['reference', 'available'])('timing: %s, every method, every kind of source', (timing) => {
  let one: { panel: Panel; dir: string };
  let other: { panel: Panel; dir: string };
  beforeAll(async () => {
    one = await job(`${timing}-one`, timing, 0);
    other = await job(`${timing}-other`, timing, SHIFT);
  }, 120_000);

  it('no value of the panel up to the cut knows what comes after', () => {
    expect(knownPanel(other.panel, day)).toEqual(knownPanel(one.panel, day));
    const last = dates.M[MONTHS - 1];
    const [before, after] = [knownPanel(one.panel, last), knownPanel(other.panel, last)];
    expect(after.inputs).not.toEqual(before.inputs);
    expect(after.returns).not.toEqual(before.returns);
  });

  it.each(Object.keys(known) as TableName[])('no row of %s known by the cut differs by a bit', async (name) => {
    const before = await lines(one.dir, name, known[name]);
    expect(await lines(other.dir, name, known[name])).toEqual(before);
    // Each method has its own rows among them, and what was not known does differ.
    if (name !== 'factors' && name !== 'chosen') {
      for (const method of methodsOf(timing))
        expect(before.filter((line) => line.includes(`,${method},`))).not.toEqual([]);
    }
    const later = (cell: Cell) => !known[name](cell);
    expect(await lines(other.dir, name, later)).not.toEqual(await lines(one.dir, name, later));
  });
});
