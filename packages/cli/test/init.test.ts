import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@macrograd/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { macrograd } from './command.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-init-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MONTHS = 120;
const random = new Random(23);
const noise = Array.from({ length: MONTHS * 4 }, () => random.normal());
const ends = Array.from({ length: MONTHS }, (_, t) => new Date(Date.UTC(2004, t + 1, 0)));
const days = Array.from({ length: 3653 }, (_, i) => new Date(Date.UTC(2004, 0, 1 + i))).filter(
  (day) => day.getUTCDay() % 6 !== 0,
);
const iso = (day: Date) => day.toISOString().slice(0, 'YYYY-MM-DD'.length);
const rate = ends.map((_, t) => 5 + 0.2 * noise.slice(0, t + 1).reduce((a, b) => a + b, 0));
const prices = ends.map((_, t) => 200 * Math.exp(0.002 * t + 0.003 * noise[MONTHS + t]));
const returns = ends.map((_, t) => [0.02 * noise[2 * MONTHS + t], 0.03 * noise[3 * MONTHS + t]]);
const walk = (seed: number, step: number, start: number) => {
  const own = new Random(seed);
  let level = start;
  return days.map(() => {
    level *= Math.exp(step * own.normal());
    return level;
  });
};

const walks = [walk(1, 0.01, 50), walk(2, 0.01, 20), walk(3, 0.01, 4), walk(4, 0.05, 18), walk(5, 0.01, 100)];

/** A table of rows, the first cell of each a date. */
function text<T>(
  header: string,
  rows: readonly T[],
  cells: (row: T, t: number) => readonly (string | number)[],
  by = ',',
) {
  return `${[header, ...rows.map((row, t) => cells(row, t).join(by))].join('\n')}\n`;
}

const macro = text('date,CPI,RATE', ends, (day, t) => [iso(day), prices[t].toFixed(3), rate[t].toFixed(2)]);
const comma = (x: number, digits: number) => x.toFixed(digits).replace('.', ',');
const dayFirst = (day: Date, by: string) =>
  [day.getUTCDate(), day.getUTCMonth() + 1, day.getUTCFullYear()].map((part) => String(part).padStart(2, '0')).join(by);

/** What people have: two files, under names of their own, and what the config must take them for. */
const layouts: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[], number])[] = [
  [
    'wide returns in per cent, months as YYYY-MM',
    {
      'economy.csv': macro,
      'my funds.csv': text('Month,FUND,OTHER', ends, (day, t) => [
        iso(day).slice(0, 7),
        ...returns[t].map((r) => (100 * r).toFixed(2)),
      ]),
    },
    [
      'values: returns',
      'unit: percent',
      'CPI: { column: CPI, transform: dlog }',
      'RATE: { column: RATE, transform: diff }',
    ],
    2,
  ],
  [
    'daily closes of shares beside monthly macro series',
    {
      'closes.csv': text('Date,XYZ,ABC', days, (day, i) => [iso(day), walks[0][i].toFixed(2), walks[1][i].toFixed(2)]),
      'macro.csv': macro,
    },
    ['closes.csv # the other files hold macro series', 'values: prices'],
    2,
  ],
  [
    'long tables, the macro one with first-of-month dates',
    {
      'indicators.csv': text(
        'date,series,value',
        ends.flatMap((day, t) => [[day, 'CPI', prices[t]] as const, [day, 'RATE', rate[t]] as const]),
        ([day, name, value]) => [`${iso(day).slice(0, 7)}-01`, name, value.toFixed(3)],
      ),
      'performance.csv': text(
        'ticker,date,return',
        ends.flatMap((day, t) => returns[t].map((r, i) => [day, ['FUND', 'OTHER'][i], r] as const)),
        ([day, name, r]) => [name, iso(day), r.toFixed(5)],
      ),
    },
    ['unit: decimal', 'CPI: { column: CPI, transform: dlog }'],
    2,
  ],
  [
    'daily factors as FRED gives them, with points for missing, beside monthly returns',
    {
      'fredgraph.csv': text('observation_date,DGS10,VIXCLS', days, (day, i) => [
        iso(day),
        i % 23 === 0 ? '.' : walks[2][i].toFixed(2),
        i % 23 === 0 ? '.' : walks[3][i].toFixed(2),
      ]),
      'b.csv': text('date,FUND,OTHER,RF', ends, (day, t) => [iso(day), ...returns[t].map((r) => r.toFixed(4)), 0.002]),
    },
    [
      'risk_free: { series: RF, unit: decimal }',
      'columns: [FUND, OTHER]',
      'DGS10: { column: DGS10, transform: diff, unit: "%" }',
    ],
    2,
  ],
  [
    'semicolons, decimal commas and days first, beside YYYYMM',
    {
      'makro.csv': text(
        'Datum;CPI;Zins',
        ends,
        (day, t) => [dayFirst(day, '.'), comma(prices[t], 3), comma(rate[t], 2)],
        ';',
      ),
      'fonds.csv': text('Monat,FUND,OTHER', ends, (day, t) => [
        iso(day).slice(0, 7).replace('-', ''),
        ...returns[t].map((r) => r.toFixed(4)),
      ]),
    },
    ['CPI: { column: CPI, transform: dlog }', 'Zins: { column: Zins, transform: diff }'],
    2,
  ],
  [
    "a share's daily quotes, dates with slashes, pandas' index without a name",
    {
      'SPY.csv': text('Date,Open,High,Low,Close,Adj Close,Volume', days, (day, i) => {
        const close = walks[4][i];
        const quote = [0.99 * close, 1.01 * close, 0.98 * close, close, 0.9 * close].map((x) => x.toFixed(2));
        return [dayFirst(day, '/'), ...quote, Math.round(1e6 * close)];
      }),
      'rates.csv': text(',RATE,CPI', ends, (day, t) => [iso(day), rate[t].toFixed(2), prices[t].toFixed(3)]),
    },
    ['columns: ["Adj Close"] # left out: Open, High, Low, Close, Volume', 'values: prices'],
    1,
  ],
];

describe('init and run in a directory that holds nothing but two files of its owner', () => {
  it.each(layouts)('%s', (_, files, wanted, assets) => {
    const dir = mkdtempSync(join(folder, 'own-'));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
    const init = macrograd(['init', '--quiet'], { cwd: dir });
    expect([init.code, init.stderr]).toEqual([0, '']);
    const config = readFileSync(join(dir, 'config.yaml'), 'utf8');
    for (const line of wanted) expect(config).toContain(line);
    // As it stands but for the methods: the network alone would take most of the test's time.
    writeFileSync(join(dir, 'config.yaml'), `${config}methods: [zero, ols]\n`);
    const run = macrograd(['run', '--quiet'], { cwd: dir });
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(existsSync(join(dir, 'out', 'report', 'index.html'))).toBe(true);
    const record = JSON.parse(readFileSync(join(dir, 'out', 'run.json'), 'utf8'));
    expect(record.assets).toHaveLength(assets);
    for (const { observed } of record.data_sheet.series) expect(observed).toBeGreaterThanOrEqual(MONTHS - 2);
  });
});
