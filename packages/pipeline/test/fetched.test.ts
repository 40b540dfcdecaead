import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { formatIsoDate, monthEndOfIndex, Random } from '@macrograd/core';
import { fetchSource } from '@macrograd/data';
import { readRunRecord } from '@macrograd/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig, run } from '../src/index.js';

const MONTHS = 150;
const MONTH = '1982-06';

/** A file in the layout of FRED-MD: its row of codes, months by their first day. */
const published = (() => {
  const random = new Random(2);
  let rate = 5;
  const rows = Array.from({ length: MONTHS }, (_, t) => {
    rate += 0.2 * random.normal();
    return `${(t % 12) + 1}/1/${1970 + Math.floor(t / 12)},${rate.toFixed(4)}`;
  });
  return ['sasdate,FEDFUNDS', 'Transform:,2', ...rows].join('\n');
})();

let asked = 0;
const server = createServer((request, response) => {
  asked++;
  if (request.headers['if-none-match'] === '"v1"') response.writeHead(304).end();
  else response.writeHead(200, { etag: '"v1"' }).end(published);
});

let folder: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = mkdtempSync(join(tmpdir(), 'macrograd-fetched-'));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const fetchInto = (dir: string) =>
  fetchSource('fred-md', {
    folder: join(dir, 'cache'),
    vintage: MONTH,
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spacing: 0,
  });

/** A job on a fetched file, and returns beside it. */
async function project(name: string): Promise<{ dir: string; config: string; file: string }> {
  const dir = join(folder, name);
  mkdirSync(dir);
  const { file } = await fetchInto(dir);
  const random = new Random(6);
  const rows = Array.from(
    { length: MONTHS },
    (_, t) => `${formatIsoDate(monthEndOfIndex(t))},${0.02 * random.normal()}`,
  );
  writeFileSync(join(dir, 'returns.csv'), `date,A\n${rows.join('\n')}\n`);
  const config = join(dir, 'config.yaml');
  writeFileSync(
    config,
    `name: fetched
factors: [{ file: ${relative(dir, file)}, series: { RATE: { column: FEDFUNDS, unit: '%' } } }]
assets: [{ file: returns.csv, unit: decimal, return: excess }]
methods: [zero, ols]
output: out
`,
  );
  return { dir, config, file };
}

const tables = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(dir, name)))
        .digest('hex'),
    ]);

it('a run on fetched files names hash, address and vintage; the cache carried elsewhere gives the same bytes', async () => {
  const { dir, config, file } = await project('one');
  const first = await run(await readConfig(config), { threads: 1 });
  const record = readRunRecord(first.dir);
  const name = relative(dir, file);
  expect(record.data_hashes[name]).toBe(createHash('sha256').update(published).digest('hex'));
  expect(record.data_origins).toEqual({
    [name]: {
      source: 'fred-md',
      url: expect.stringContaining(`${MONTH}-md.csv`),
      vintage: MONTH,
      fetched_at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
    },
  });

  // The publisher says that nothing has changed: the result stands.
  const before = asked;
  expect((await fetchInto(dir)).isNew).toBe(false);
  expect(asked).toBe(before + 1);
  expect((await run(await readConfig(config))).reused).toBe(true);

  // The same cache in another place, without anybody to ask.
  const copy = join(folder, 'two');
  mkdirSync(copy);
  for (const part of ['cache', 'returns.csv', 'config.yaml'])
    cpSync(join(dir, part), join(copy, part), { recursive: true });
  const second = await run(await readConfig(join(copy, 'config.yaml')), { threads: 2 });
  expect(asked).toBe(before + 1);
  expect(readRunRecord(second.dir)).toMatchObject({
    config_hash: record.config_hash,
    data_hashes: record.data_hashes,
    data_origins: record.data_origins,
  });
  expect(tables(second.dir)).toEqual(tables(first.dir));
}, 60_000);

it('a file changed since it was fetched is computed anew, named by its own hash, and no longer called fetched', async () => {
  const { dir, config, file } = await project('changed');
  const { dir: out } = await run(await readConfig(config));
  const before = readRunRecord(out);
  appendFileSync(file, `\n${(MONTHS % 12) + 1}/1/${1970 + Math.floor(MONTHS / 12)},5.5\n`);
  expect((await run(await readConfig(config))).reused).toBe(false);
  const after = readRunRecord(out);
  const name = relative(dir, file);
  expect(after.data_hashes[name]).not.toBe(before.data_hashes[name]);
  expect(after.data_origins).toEqual({});
  expect(after.warnings.join('\n')).toMatch(/changed since/);
}, 60_000);
