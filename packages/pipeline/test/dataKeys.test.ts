import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config/config.js';
import { dataHashes } from '../src/stages/hash.js';

const text = `factors:
  - file: vintages
    date_order: dmy
    missing: [-999]
    outliers: iqr
    releases: calendar.csv
    series:
      CPI: { column: CPIAUCSL, transform: dlog2, surprise: 3, winsorise: 0.01 }
      NEWS: { column: PAYEMS, gaps: carry, surprise: { consensus: SURVEY, file: survey.csv } }
  - { file: french.zip, format: french, member: a.csv, table: Equal }
assets:
  - { file: funds.csv, values: prices, currency: EUR, decimal: ",", delimiter: ";", encoding: latin1 }
  - { file: market.duckdb, risk_free: { file: market.duckdb, table: bills, series: TB3MS, unit: annual_percent }, sql: "SELECT date, A FROM closes", values: prices }
calendar: { holidays: nyse.csv }
currency: { base: USD, rates: { EUR: { file: fx.csv, series: EURUSD } } }
output: out
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-keys-'));
  mkdirSync(join(folder, 'vintages'));
  for (const name of [
    'vintages/2020-01.csv',
    'calendar.csv',
    'french.zip',
    'funds.csv',
    'fx.csv',
    'market.duckdb',
    'nyse.csv',
    'survey.csv',
  ]) {
    writeFileSync(join(folder, name), name);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = () => parseConfig(text, join(folder, 'config.yaml'));

describe('keys of data', () => {
  it('reach the panel by the names that it knows, with absolute paths', async () => {
    const { panel } = await read();
    expect(panel.factors[0]).toMatchObject({
      dateOrder: 'dmy',
      missing: [-999],
      outliers: 'iqr',
      releases: join(folder, 'calendar.csv'),
      series: {
        NEWS: { gaps: 'carry', surprise: { consensus: 'SURVEY', file: join(folder, 'survey.csv') } },
        CPI: { transform: 'dlog2', surprise: 3, winsorise: 0.01 },
      },
    });
    expect(panel.factors[1]).toMatchObject({ format: 'french', member: 'a.csv', table: 'Equal' });
    expect(panel.assets[0]).toMatchObject({ decimal: ',', delimiter: ';', encoding: 'latin1' });
    expect(panel.assets[1]).toMatchObject({ sql: 'SELECT date, A FROM closes', riskFree: { table: 'bills' } });
    expect(panel.calendar).toEqual({ holidays: join(folder, 'nyse.csv') });
    expect(panel.currency?.rates.EUR).toEqual({
      file: join(folder, 'fx.csv'),
      series: 'EURUSD',
      quote: 'base_per_unit',
    });
  });

  it('every file that counts is hashed, a folder by its files', async () => {
    const before = await dataHashes(await read());
    const files = [
      'calendar.csv',
      'french.zip',
      'funds.csv',
      'fx.csv',
      'market.duckdb',
      'nyse.csv',
      'survey.csv',
      'vintages',
    ];
    expect(Object.keys(before).sort()).toEqual(files);
    writeFileSync(join(folder, 'vintages/2020-02.csv'), 'new');
    const after = await dataHashes(await read());
    expect(Object.keys(after).filter((file) => after[file] !== before[file])).toEqual(['vintages']);
  });

  it.each([
    ['outliers: iqr\n', 'outliers: all\n', '"factors[0].outliers" is "all"'],
    ['decimal: ","', 'decimal: ";"', '"assets[0].decimal" is ";"'],
    ['consensus: SURVEY', 'consensus: 3', '"factors[0].series.NEWS.surprise'],
    ['winsorise: 0.01', 'winsorise: 0.7', '"factors[0].series.CPI.winsorise" is 0.7'],
  ])('%s as %s is refused', async (from, to, message) => {
    await expect(parseConfig(text.replace(from, to), 'config.yaml')).rejects.toThrow(message);
  });
});
