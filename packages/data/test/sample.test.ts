import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatIsoDate } from '@macrograd/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BuiltPanel, buildPanel, describePanel, readTable, sampleDirectory } from '../src/index.js';
import { assetColumn, factorColumn, panelDates, regress } from './numbers.js';
import { sampleSpec } from './sampleSpec.js';

/** % per 1 log-% of a foreign currency's own change; the simple return curves a little away from the logarithm. */
const CASH_TOLERANCE = 0.01;

/** Relative: convexity, the spread of yields within a decade, and the month that the bond has aged when it is priced. */
const DURATION_TOLERANCE = 0.05;

/** Absolute: doubles near 1000 (100 ln of a barrel's price), differenced, in another order of operations. */
const PANDAS_TOLERANCE = 1e-11;

/** What test/reference/panel_golden.py writes: every n-th row of the panel; null = missing. */
interface Golden {
  readonly every: number;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (number | null)[])[];
}

const readSample = (file: string) => readTable(join(sampleDirectory(), file));

test.each([
  ['macro.csv', 'M', 17, '1947-01-31', '2022-09-30', 909],
  ['gdp.csv', 'Q', 1, '1947-03-31', '2022-09-30', 303],
  ['returns.csv', 'M', 30, '1949-01-31', '2017-03-31', 819],
  ['french_factors.csv', 'M', 5, '1947-01-31', '2018-11-30', 863],
  ['stocks.csv', 'M', 20, '1990-02-28', '2022-09-30', 392],
  ['sp500.csv', 'M', 1, '1990-02-28', '2022-09-30', 392],
  ['computed.csv', 'M', 3, '1953-05-31', '2022-09-30', 833],
])('%s has frequency %s, %i series from %s to %s on %i dates', async (file, frequency, width, first, last, rows) => {
  const table = await readSample(file);
  const series = [...table.series.values()];
  expect(series).toHaveLength(width);
  expect(new Set(series.map((one) => one.frequency))).toEqual(new Set([frequency]));
  expect(series[0].dates).toHaveLength(rows);
  expect(formatIsoDate(series[0].dates[0])).toBe(first);
  expect(formatIsoDate(series[0].dates[rows - 1])).toBe(last);
  expect(table.notes).toEqual([]);
});

test('figures that anyone can look up are there', async () => {
  const macro = (await readSample('macro.csv')).series;
  const at = (name: string, date: string) => {
    const series = macro.get(name);
    return series?.values[Array.from(series.dates, formatIsoDate).indexOf(date)];
  };
  expect(at('CPIAUCSL', '1980-03-31')).toBe(80.1);
  expect(at('UNRATE', '2020-04-30')).toBe(14.7);
  expect(at('FEDFUNDS', '1981-06-30')).toBe(19.1);
  expect(at('GS10', '1981-09-30')).toBe(15.32);
});

test('the job and the data card lie beside the files', () => {
  for (const name of ['config.yaml', 'DATA_CARD.md', 'LICENSES.txt']) {
    expect(existsSync(join(sampleDirectory(), name))).toBe(true);
  }
  const config = readFileSync(join(sampleDirectory(), 'config.yaml'), 'utf8');
  for (const { file } of [...sampleSpec.factors, ...sampleSpec.assets]) {
    expect(config).toContain(`file: ${file.slice(sampleDirectory().length + 1)}`);
  }
});

describe('the panel of the sample job', () => {
  let built: BuiltPanel;
  beforeAll(async () => {
    built = await buildPanel(sampleSpec);
  });

  test('covers 1960 to 2022 with 14 series and 54 assets, gaps nowhere', () => {
    const facts = describePanel(built.panel);
    expect(facts).toMatchObject({ frequency: 'M', rows: 753, first: '1960-01-31', last: '2022-09-30', horizon: 0 });
    expect(facts.series).toHaveLength(14);
    expect(facts.assets).toHaveLength(54);
    expect([...facts.series, ...facts.assets].every(({ gaps }) => gaps === 0)).toBe(true);
    expect(built.notes).toEqual([expect.stringContaining('of 54 assets 23 start late, 30 end early')]);
  });

  test('equals the panel that pandas makes of the same files', () => {
    const { panel } = built;
    const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden', 'panel.json'), 'utf8'));
    expect(golden.rows).toHaveLength(Math.ceil(753 / golden.every));
    golden.columns.forEach((name, j) => {
      const isFactor = panel.inputs.factors.some((factor) => factor.name === name);
      const column = isFactor ? factorColumn(panel, name) : assetColumn(panel, name);
      golden.rows.forEach((row, i) => {
        const [ours, theirs] = [column[i * golden.every], row[j]];
        if (theirs === null) expect(ours).toBeNaN();
        else expect(Math.abs(ours - theirs)).toBeLessThan(PANDAS_TOLERANCE);
      });
    });
  });

  test('dollar and oil start late, so that complete rows alone would lose the 1970s', () => {
    const facts = describePanel(built.panel);
    const first = Object.fromEntries(facts.series.map((series) => [series.name, series.first]));
    expect(first).toMatchObject({ INFL: '1960-01-31', GBP: '1971-02-28', USD: '1973-02-28', OIL: '1986-02-28' });
    expect(facts.completeRows).toBe(407);
  });

  test('inflation stands above 5 % in the 1970s and again in 2022', () => {
    const level = factorColumn(built.panel, 'INFL_LEVEL');
    const high = panelDates(built.panel).filter((_, row) => level[row] > 5);
    expect(high).toHaveLength(170);
    expect(high).toContain('1974-12-31');
    expect(high.at(-1)).toBe('2022-09-30');
    expect(Math.max(...level)).toBeCloseTo(14.59, 2);
  });

  test('the 10-year bond loses its duration for each percentage point of RATE10', () => {
    const { panel } = built;
    const whole = regress(assetColumn(panel, 'BOND10'), factorColumn(panel, 'RATE10'));
    expect(100 * whole.slope).toBeGreaterThan(-9);
    expect(100 * whole.slope).toBeLessThan(-5.5);
    expect(whole.r2).toBeGreaterThan(0.95);
  });

  test.each([
    ['196', 4.67],
    ['197', 7.5],
    ['199', 6.66],
    ['201', 2.41],
  ])('in the decade %s0 that loss is the duration at the mean yield, %f %%', (decade, meanYield) => {
    const rows = panelDates(built.panel).flatMap((date, row) => (date.startsWith(decade) ? [row] : []));
    const pick = (column: readonly number[]) => rows.map((row) => column[row]);
    const { slope } = regress(pick(assetColumn(built.panel, 'BOND10')), pick(factorColumn(built.panel, 'RATE10')));
    const y = meanYield / 100;
    const duration = (1 - (1 + y / 2) ** -20) / y;
    expect(Math.abs((100 * slope) / -duration - 1)).toBeLessThan(DURATION_TOLERANCE);
  });

  test('foreign cash moves one for one with its currency', () => {
    for (const currency of ['GBP', 'JPY']) {
      const { slope, r2, n } = regress(
        assetColumn(built.panel, `${currency}_CASH`),
        factorColumn(built.panel, currency),
      );
      expect(Math.abs(100 * slope - 1)).toBeLessThan(CASH_TOLERANCE);
      expect(r2).toBeGreaterThan(0.999);
      expect(n).toBe(620);
    }
  });

  test('every asset has a plausible excess return, and its caveats', () => {
    for (const asset of describePanel(built.panel).assets) {
      expect(Math.abs(asset.mean)).toBeLessThan(0.03);
      expect(asset.sd).toBeGreaterThan(0.01);
      expect(asset.sd).toBeLessThan(0.2);
    }
    const labels = Object.fromEntries(built.panel.assets.map((asset) => [asset.name, asset.labels]));
    expect(labels).toMatchObject({ NoDur: [], AAPL: ['survivor'], SP500: ['price index'], BOND10: ['computed'] });
  });
});
