import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArgumentError, InputError, parseIsoDate, Random } from '@macrograd/core';
import { parquetMetadata } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  codeOf,
  columnsOf,
  NULL_BOOLEAN,
  NULL_INT,
  type RowOf,
  readTable,
  stringAt,
  TableBuilder,
  type TableData,
  tableNames,
  tablePath,
  writeTable,
} from '../src/index.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'macrograd-tables-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const random = new Random(3);

function exposureRow(i: number): RowOf<'exposures'> {
  return {
    asset: `asset ${Math.floor(i / 700)}`,
    date: 100 * (i % 700) - 20_000,
    factor: `F${i % 3}`,
    method: i % 2 ? 'ols' : 'lstm',
    kind: 'contemporaneous',
    fit: i % 5 ? String(i % 5) : 'final',
    in_sample: i % 4 === 0,
    exposure: random.normal(),
    unit_exposure: i % 11 ? random.normal() : Number.NaN,
    se: Number.NaN,
    lo: i < 1000 ? Number.NaN : -1,
    hi: random.uniform(),
    regime_share: i % 3 ? 0 : -0,
    status: 'ok',
  };
}

const summaryRow: RowOf<'summary'> = {
  asset: 'Öl & Gas',
  factor: 'INFL',
  method: 'lstm',
  fit: 'final',
  mean_exposure: -0.004,
  latest_exposure: 0.001,
  unit_exposure: -0.01,
  lo: -0.006,
  hi: -0.002,
  sign: -1,
  p_value: 0.01,
  q_value: 0.04,
  selected: true,
  status: 'ok',
  peak_lag: 2,
  peak_lag_lo: 1,
  peak_lag_hi: 4,
  half_life: 3.5,
  half_life_lo: 2,
  half_life_hi: 5,
  threshold: 5,
  threshold_lo: 4.5,
  threshold_hi: 5.5,
  threshold_variable: 'INFL_LEVEL',
  threshold_unit: 'pp',
  threshold_p_value: 0.03,
  top_interaction: 'RATE',
  in_regime: false,
};

const summaryWithoutThreshold: RowOf<'summary'> = {
  ...summaryRow,
  asset: 'Banks',
  peak_lag: null,
  peak_lag_lo: null,
  peak_lag_hi: null,
  threshold: Number.NaN,
  threshold_variable: null,
  threshold_unit: null,
  top_interaction: null,
  in_regime: null,
};

function build<N extends 'exposures' | 'summary'>(name: N, rows: readonly RowOf<N>[]): TableData<N> {
  const builder = new TableBuilder(name);
  for (const row of rows) builder.append(row);
  return builder.finish();
}

describe('TableBuilder', () => {
  it('grows beyond its first memory and keeps every value', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => exposureRow(i));
    const { rows: count, columns } = build('exposures', rows);
    expect(count).toBe(5000);
    rows.forEach((row, i) => {
      expect(stringAt(columns.asset, i)).toBe(row.asset);
      expect(columns.exposure[i]).toBe(row.exposure);
      expect(columns.in_sample[i]).toBe(row.in_sample ? 1 : 0);
    });
    expect(columns.asset.values).toHaveLength(8);
    expect(columns.asset.codes.filter((code) => code === codeOf(columns.asset, 'asset 7'))).toHaveLength(100);
    expect(codeOf(columns.asset, 'no such asset')).toBe(-2);
  });

  it('writes nulls of every type', () => {
    const { columns } = build('summary', [summaryRow, summaryWithoutThreshold]);
    expect(stringAt(columns.threshold_variable, 1)).toBeNull();
    expect(columns.peak_lag[1]).toBe(NULL_INT);
    expect(columns.in_regime[1]).toBe(NULL_BOOLEAN);
    expect(columns.threshold[1]).toBeNaN();
  });

  it('takes no more rows once it is finished', () => {
    const builder = new TableBuilder('summary');
    builder.append(summaryRow);
    builder.finish();
    expect(() => builder.append(summaryRow)).toThrow(/summary is finished/);
  });

  it('refuses a row without a column, or with null where it may not be', () => {
    const builder = new TableBuilder('summary');
    const { sign: _, ...unsigned } = summaryRow;
    expect(() => builder.append(unsigned as RowOf<'summary'>)).toThrow(/row 0 of summary has no value for "sign"/);
    const anonymous = { ...summaryRow, asset: null } as unknown as RowOf<'summary'>;
    expect(() => builder.append(anonymous)).toThrow(ArgumentError);
  });
});

describe('a written table', () => {
  it('comes back with every bit, over several row groups', async () => {
    // Above one row group of 131,072 rows.
    const data = build(
      'exposures',
      Array.from({ length: 140_000 }, (_, i) => exposureRow(i)),
    );
    writeTable(dir, 'exposures', data);
    const read = await readTable(dir, 'exposures');
    expect(read.rows).toBe(data.rows);
    for (const [name, spec] of columnsOf('exposures')) {
      if (spec.type === 'string') continue;
      expect(read.columns[name], name).toEqual(data.columns[name]);
    }
    for (let i = 0; i < data.rows; i += 251) {
      expect(stringAt(read.columns.asset, i)).toBe(stringAt(data.columns.asset, i));
      expect(stringAt(read.columns.fit, i)).toBe(stringAt(data.columns.fit, i));
    }
  });

  it('keeps nulls of every type', async () => {
    const data = build('summary', [summaryRow, summaryWithoutThreshold, summaryRow]);
    writeTable(dir, 'summary', data);
    expect(await readTable(dir, 'summary')).toEqual(data);
  });

  it('may have no rows', async () => {
    for (const name of tableNames) {
      writeTable(dir, name, new TableBuilder(name).finish());
      expect((await readTable(dir, name)).rows).toBe(0);
    }
  });

  it('has the same bytes for the same rows', () => {
    const rows = Array.from({ length: 3000 }, (_, i) => exposureRow(i));
    writeTable(join(dir, 'a'), 'exposures', build('exposures', rows));
    writeTable(join(dir, 'b'), 'exposures', build('exposures', rows));
    expect(readFileSync(tablePath(join(dir, 'a'), 'exposures'))).toEqual(
      readFileSync(tablePath(join(dir, 'b'), 'exposures')),
    );
  });

  it('carries min, max and null count of a column', () => {
    const rows = [exposureRow(5), exposureRow(11), exposureRow(22)];
    writeTable(dir, 'exposures', build('exposures', rows));
    const bytes = readFileSync(tablePath(dir, 'exposures'));
    const metadata = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const statistics = (column: string) =>
      metadata.row_groups[0].columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data
        ?.statistics;
    expect(statistics('exposure')?.min_value).toBe(Math.min(...rows.map((row) => row.exposure)));
    expect(statistics('exposure')?.max_value).toBe(Math.max(...rows.map((row) => row.exposure)));
    expect(statistics('unit_exposure')?.null_count).toBe(2n);
    expect(statistics('date')?.min_value).toEqual(new Date((100 * 5 - 20_000) * 86_400_000));
  });

  it('stores dates as calendar dates before and after 1970', async () => {
    const days = [parseIsoDate('1926-07-31'), parseIsoDate('2024-02-29')];
    writeTable(
      dir,
      'exposures',
      build(
        'exposures',
        days.map((date, i) => ({ ...exposureRow(i), date })),
      ),
    );
    expect([...(await readTable(dir, 'exposures')).columns.date]).toEqual(days);
  });
});

describe('a table that can not be read is refused in words', () => {
  it('absent', async () => {
    await expect(readTable(dir, 'lags')).rejects.toThrow(/lags\.parquet: no such table/);
  });

  it('truncated', async () => {
    writeTable(dir, 'summary', build('summary', [summaryRow]));
    const bytes = readFileSync(tablePath(dir, 'summary'));
    writeFileSync(tablePath(dir, 'summary'), bytes.subarray(0, bytes.length - 40));
    await expect(readTable(dir, 'summary')).rejects.toThrow(InputError);
  });

  it('without one of its columns', async () => {
    writeTable(dir, 'summary', build('summary', [summaryRow]));
    writeFileSync(tablePath(dir, 'lags'), readFileSync(tablePath(dir, 'summary')));
    await expect(readTable(dir, 'lags')).rejects.toThrow(/no column "lag"/);
  });

  it('columns of different length are refused before anything is written', () => {
    const data = build('summary', [summaryRow]);
    const columns = { ...data.columns, lo: new Float64Array(2) };
    expect(() => writeTable(dir, 'summary', { rows: 1, columns })).toThrow(/"lo" of summary has 2 entries/);
  });
});
