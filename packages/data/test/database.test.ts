import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { InputError } from '@macrograd/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPanel, type ReadOptions, readTable } from '../src/index.js';
import { file } from './files.js';

const folder = mkdtempSync(join(tmpdir(), 'macrograd-duckdb-'));
const database = join(folder, 'market.duckdb');
const secret = join(folder, 'secret.csv');
const target = join(folder, 'written.csv');

/** Makes a database by statements. */
async function create(path: string, ...statements: readonly string[]): Promise<string> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
  return path;
}

beforeAll(async () => {
  writeFileSync(secret, 'date,S\n2020-01,1\n2020-02,2\n');
  await create(
    database,
    "CREATE TABLE rates AS SELECT last_day(DATE '2020-01-01' + to_months(i::INT)) AS date, i::DECIMAL(8, 2) / 4 AS GS10, CASE WHEN i <> 2 THEN i END AS TB3 FROM range(6) x(i)",
    "CREATE TABLE closes AS SELECT TIMESTAMP '2020-01-31' + to_months(i::INT) AS date, t AS ticker, (100 + i)::BIGINT AS close FROM range(6) x(i), (VALUES ('A'), ('B')) y(t)",
    'CREATE SCHEMA old',
    'CREATE TABLE old.rates AS FROM rates LIMIT 3',
    'CREATE VIEW spread AS SELECT date, GS10 - TB3 AS SPREAD FROM rates',
    `CREATE VIEW thief AS FROM read_csv('${secret}')`,
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const values = async (options: ReadOptions, column: string, path = database) =>
  Array.from((await readTable(path, options)).series.get(column)?.values ?? []);
const refusal = async (path: string, options: ReadOptions = {}) => {
  const outcome = await readTable(path, options).catch((error: unknown) => error);
  if (outcome instanceof InputError) return outcome.message.replace(path, 'FILE');
  throw new Error(`not refused: ${String(outcome)}`);
};

describe('a DuckDB database', () => {
  test('a table, a view, a table of another schema: dates, decimals, NULL as missing', async () => {
    expect(await values({ table: 'main.rates' }, 'GS10')).toEqual([0, 0.25, 0.5, 0.75, 1, 1.25]);
    expect(await values({ table: 'main.rates' }, 'TB3')).toEqual([0, 1, Number.NaN, 3, 4, 5]);
    expect(await values({ table: 'spread' }, 'SPREAD')).toEqual([0, -0.75, Number.NaN, -2.25, -3, -3.75]);
    expect(await values({ table: 'old.rates' }, 'GS10')).toHaveLength(3);
  });

  test('a long table of prices, by query', async () => {
    const sql = "SELECT date, ticker, close FROM closes WHERE ticker = 'B'";
    const table = await readTable(database, { sql });
    expect(table.format).toBe('long');
    expect(Array.from(table.series.get('B')?.values ?? [])).toEqual([100, 101, 102, 103, 104, 105]);
  });

  test('packed in gzip it is the same', async () => {
    expect(await values({ table: 'spread' }, 'SPREAD', file(gzipSync(readFileSync(database))))).toHaveLength(6);
  });

  test.each<[string, ReadOptions, string]>([
    ['no table named', {}, 'FILE: this database has 5 tables; say `table` or `sql`: it has main.closes, main.rates,'],
    ['a table of two schemas', { table: 'rates' }, 'FILE: there is no one table "rates"; say `table`'],
    ['a table that is not there', { table: 'x"; DROP' }, 'FILE: there is no one table "x"; DROP"'],
    ['table and query', { table: 'rates', sql: 'SELECT 1' }, 'FILE: both `table` and `sql` are given'],
    ['a column that is not there', { sql: 'SELECT GS1 FROM rates' }, 'FILE: DuckDB refuses the query: Binder Error'],
    ['no SQL', { sql: 'GS10' }, 'FILE: DuckDB refuses the query: Parser Error: syntax error'],
    ['no statement', { sql: '--' }, 'FILE: DuckDB refuses the query: there is no statement in it'],
    ['two statements', { sql: 'SELECT 1; SELECT 2' }, 'FILE: `sql` holds 2 statements; write one SELECT'],
    ['a name twice', { sql: 'SELECT date, TB3, TB3 FROM rates' }, 'FILE:0:3: column 3 is called "TB3" like column 2'],
    ['text among numbers', { sql: "SELECT date, 'x' AS A FROM rates" }, 'FILE:1:2: "x" is not a number'],
  ])('%s: refused', async (_, options, message) => {
    expect((await refusal(database, options)).slice(0, message.length)).toBe(message);
  });

  test.each([
    ['a table', 'CREATE TABLE loot AS FROM rates'],
    ['a file', `COPY rates TO '${target}'`],
    ['rows', 'INSERT INTO rates FROM rates RETURNING *'],
    ['rows away', 'DELETE FROM rates'],
    ['another database', `ATTACH '${target}' AS other`],
    ['an extension', 'INSTALL httpfs'],
    ['a setting', 'SET enable_external_access = true'],
    ['a checkpoint', 'CHECKPOINT'],
  ])('a query that would write %s is refused, and nothing is written', async (_, sql) => {
    const before = readFileSync(database);
    expect(await refusal(database, { sql })).toMatch(/write one SELECT|refuses the query/);
    expect(() => statSync(target)).toThrow('ENOENT');
    expect(readFileSync(database).equals(before)).toBe(true);
  });

  test.each([
    ['a query', { sql: `FROM read_csv('${secret}')` }],
    ['a path for a table', { sql: `FROM '${secret}'` }],
    ['a list of files', { sql: `SELECT * FROM glob('${folder}/*')` }],
    ['a view of the database', { table: 'thief' }],
    ['a page of the web', { sql: "FROM read_csv('https://example.org/x.csv')" }],
  ])('%s reaches no other file', async (_, options) => {
    expect(await refusal(database, options)).toMatch(
      /refuses the query: (?:Permission|Missing Extension|Catalog) Error/,
    );
  });

  test('rows that lie in its log yet are read, and told, and the log stays', async () => {
    const path = join(folder, 'open.duckdb');
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run('CREATE TABLE rates AS FROM range(6) x(A)');
    await connection.run('ALTER TABLE rates ADD COLUMN date DATE');
    await connection.run("UPDATE rates SET date = last_day(DATE '2020-01-01' + to_months(A::INT))");
    // As a program that ended without closing leaves them.
    const copy = join(folder, 'left.duckdb');
    for (const end of ['', '.wal']) copyFileSync(`${path}${end}`, `${copy}${end}`);
    connection.closeSync();
    instance.closeSync();
    const { series, notes } = await readTable(copy);
    expect(Array.from(series.get('A')?.values ?? [])).toEqual([0, 1, 2, 3, 4, 5]);
    expect(notes.join()).toContain('its log (.wal) was read too and is no part of the hash');
    expect(existsSync(`${copy}.wal`)).toBe(true);
  });

  test('cut off or damaged: refused', async () => {
    const bytes = readFileSync(database);
    expect(await refusal(file(bytes.subarray(0, 5000)), { table: 'spread' })).toContain('DuckDB');
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, 4096, 4200);
    expect(await refusal(file(damaged), { table: 'spread' })).toContain('DuckDB');
  });

  test('two sources read one database at once, and a panel is made of them', async () => {
    const { panel } = await buildPanel({
      factors: [
        { file: database, table: 'main.rates', series: { GS10: { column: 'GS10', transform: 'diff' } } },
        { file: database, table: 'spread', series: { SPREAD: { column: 'SPREAD' } } },
      ],
      assets: [
        {
          file: database,
          table: 'closes',
          values: 'prices',
          columns: ['A'],
          riskFree: { file: database, table: 'main.rates', series: 'GS10', unit: 'annual_percent' },
        },
      ],
    });
    expect([panel.inputs.factors.length, panel.assets.length, panel.axis.dates.length]).toEqual([2, 1, 5]);
    await Promise.all(['spread', 'closes', 'old.rates'].map((table) => readTable(database, { table })));
  });
});

describe('SQL on other files', () => {
  const csv = file('date;A;B\n31.01.2020;1,5;x\n29.02.2020;NA;y\n31.03.2020;4,5;x\n');
  const parquet = join(import.meta.dirname, 'golden/packed_zstd.parquet');
  const feather = join(import.meta.dirname, 'golden/packed_lz4.feather');

  test('of a csv it sees dates, numbers and text as the reader does', async () => {
    expect(await values({ sql: "SELECT date, 2 * A AS C FROM data WHERE B = 'x' OR A IS NULL" }, 'C', csv)).toEqual([
      3,
      Number.NaN,
      9,
    ]);
    expect(await values({ sql: "SELECT date, A FROM data WHERE date > DATE '2020-02-01'" }, 'A', csv)).toEqual([
      Number.NaN,
      4.5,
    ]);
  });

  const monthly = 'SELECT last_day(date::DATE) AS date, sum(A) AS A FROM data GROUP BY ALL ORDER BY ALL';
  test.each([
    ['Parquet', parquet],
    ['Feather', feather],
    ['Parquet in gzip', file(gzipSync(readFileSync(parquet)))],
  ])('%s: months from days', async (_, path) => {
    const sums = await values({ sql: monthly }, 'A', path);
    expect(sums).toHaveLength(66);
    // January 2000 has the days 0 to 30, of which A is the remainder of 7.
    expect(sums[0]).toBe(4 * 21 + 0 + 1 + 2);
  });

  test.each([
    ['a second file', csv, `FROM read_csv('${parquet}')`],
    ['a second file', parquet, `FROM read_text('${csv}')`],
    ['a file to write', parquet, `COPY data TO '${parquet}'`],
    ['a file to write', csv, "COPY data TO '/tmp/x.csv'"],
  ])('%s is out of reach', async (_, path, sql) => {
    expect(await refusal(path, { sql })).toMatch(/write one SELECT|refuses the query: \w+ ?\w* Error/);
  });

  test('a query on rows of different length is refused with the line, as without one', async () => {
    expect(await refusal(file('date,A\n2020-01,1\n2020-02\n'), { sql: 'FROM data' })).toContain('FILE:3:8: this row');
  });

  test('a table of what has none is refused', async () => {
    expect(await refusal(csv, { table: 'rates' })).toBe(
      'FILE: this file has no tables to choose from; leave `table` out',
    );
  });
});

test('without DuckDB one sentence says how to get it', async () => {
  const { vi } = await import('vitest');
  vi.resetModules();
  vi.doMock('@duckdb/node-api', () => {
    throw new Error('Cannot find package');
  });
  const fresh = await import('../src/index.js');
  await expect(fresh.readTable(database, { table: 'spread' })).rejects.toThrow(
    'DuckDB is not installed, which this source needs; say `npm install @duckdb/node-api`, or export',
  );
  vi.doUnmock('@duckdb/node-api');
});
