import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError, MacrogradError } from '@macrograd/core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { releasesCsv } from '../src/fetch/fred.js';
import { buildFactorPanel, buildPanel, type FetchOptions, fetchSource, readTable } from '../src/index.js';
import { table } from './files.js';

const KEY = 'abcdefghijklmnopqrstuvwxyz123456';
const FRED_MD = 'sasdate,RPI,FEDFUNDS\nTransform:,5,2\n1/1/1959,2437.2,2.48\n2/1/1959,2446.9,2.43\n';

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void;
let handler: Handler;
const asked: string[] = [];
const server = createServer((request, response) => {
  const url = new URL(request.url ?? '', 'http://host');
  asked.push(`${url.pathname}${url.search}`);
  handler(request, response, url);
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-fetch-'));
  asked.length = 0;
  handler = publisher;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = (extra: Partial<FetchOptions> = {}): FetchOptions => ({
  folder,
  baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  key: KEY,
  spacing: 0,
  backOff: 1,
  ...extra,
});

/** What FRED knows of one series: dates, days between which each value stood, value. */
const PUBLISHED = [
  ['2020-01-01', '2020-02-13', '2020-03-11', '257.9'],
  ['2020-01-01', '2020-03-12', '9999-12-31', '258.8'],
  ['2020-02-01', '2020-03-12', '9999-12-31', '259.0'],
  ['2020-03-01', '2020-04-10', '9999-12-31', '.'],
] as const;

/** What FRED says of the series, with keys that are not kept too. */
const FACTS = {
  id: 'CPIAUCSL',
  title: 'Consumer Price Index',
  frequency: 'Monthly',
  frequency_short: 'M',
  units: 'Percent',
  units_short: '%',
  seasonal_adjustment_short: 'SA',
  last_updated: '2020-04-10 07:37:03-05',
  notes: 'long',
};

/** Answers as the publishers do: FRED's API with its key and pages, files with their tags. */
function publisher(request: IncomingMessage, response: ServerResponse, url: URL): void {
  if (url.pathname === '/fred/series/observations') fred(response, url.searchParams, fredPage);
  else if (url.pathname === '/fred/series') fred(response, url.searchParams, () => ({ seriess: [FACTS] }));
  else if (!url.pathname.endsWith('/monthly/current.csv') && !url.pathname.endsWith('/monthly/2020-03-md.csv')) {
    response.writeHead(404).end('<html>Not found</html>');
  } else if (request.headers['if-none-match'] === '"v1"') response.writeHead(304).end();
  else response.writeHead(200, { etag: '"v1"', 'last-modified': 'Wed, 01 Apr 2020 00:00:00 GMT' }).end(FRED_MD);
}

function fred(response: ServerResponse, query: URLSearchParams, answer: (query: URLSearchParams) => object): void {
  const error_message = fredProblem(query);
  if (error_message === undefined) response.end(JSON.stringify(answer(query)));
  else response.writeHead(400).end(JSON.stringify({ error_code: 400, error_message }));
}

function fredProblem(query: URLSearchParams): string | undefined {
  if (query.get('api_key') !== KEY) return 'Bad Request. The value for variable api_key is not registered.';
  return query.get('series_id') === 'CPIAUCSL' ? undefined : 'Bad Request. The series does not exist.';
}

function fredPage(query: URLSearchParams): object {
  const [start, end] = [query.get('realtime_start') ?? '2020-06-01', query.get('realtime_end') ?? '2020-06-01'];
  const standing = PUBLISHED.filter(([, from, to]) => from <= end && to >= start);
  const isFirst = ([date]: (typeof PUBLISHED)[number], i: number) => standing.findIndex(([day]) => day === date) === i;
  const known = query.get('output_type') === '4' ? standing.filter(isFirst) : standing;
  // Two a page, whatever is asked for, so that pages are needed.
  const offset = Number(query.get('offset'));
  const observations = known.slice(offset, offset + 2).map(([date, realtime_start, realtime_end, value]) => ({
    date,
    realtime_start,
    realtime_end,
    value,
  }));
  return { count: known.length, offset, limit: 2, observations };
}

const failing = async (source: string, extra?: Partial<FetchOptions>): Promise<MacrogradError> => {
  const error = await fetchSource(source, options(extra)).catch((reason: unknown) => reason);
  if (!(error instanceof MacrogradError)) throw new Error(`not refused: ${String(error)}`);
  return error;
};

test('a series of FRED becomes a csv that reads, page by page, with its origin and without the key', async () => {
  const { file, isNew, origin } = await fetchSource('fred:CPIAUCSL', options());
  expect(isNew).toBe(true);
  expect(asked).toHaveLength(3);
  expect(readFileSync(file, 'utf8')).toBe('date,CPIAUCSL\n2020-01-01,258.8\n2020-02-01,259.0\n2020-03-01,\n');
  const table = await readTable(file);
  expect(Array.from(table.series.get('CPIAUCSL')?.values ?? [])).toEqual([258.8, 259, Number.NaN]);
  expect(table.origin).toEqual(origin);
  expect(origin).toMatchObject({ source: 'fred:CPIAUCSL', vintage: 'current', sha256: table.sha256 });
  for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), 'utf8')).not.toContain(KEY);
});

test('ALFRED as of a day gives what was published then, without a day every vintage', async () => {
  const then = await fetchSource('alfred:CPIAUCSL', options({ vintage: '2020-03-01' }));
  expect(readFileSync(then.file, 'utf8')).toBe('date,CPIAUCSL\n2020-01-01,257.9\n');
  expect(then.origin.vintage).toBe('2020-03-01');
  const every = await fetchSource('alfred:CPIAUCSL', options());
  expect(every.file).toContain('CPIAUCSL.vintages.csv');
  expect(readFileSync(every.file, 'utf8').split('\n').slice(0, 3)).toEqual([
    'date,realtime_start,realtime_end,value',
    '2020-01-01,2020-02-13,2020-03-11,257.9',
    '2020-01-01,2020-03-12,9999-12-31,258.8',
  ]);
});

test('what FRED says of a series stands in its origin, and its unit is carried through transforms', async () => {
  const { file, origin } = await fetchSource('fred:CPIAUCSL', options());
  expect(origin.series).toEqual({
    title: 'Consumer Price Index',
    units: '%',
    frequency: 'M',
    seasonal_adjustment: 'SA',
    last_updated: '2020-04-10 07:37:03-05',
  });
  const column = 'CPIAUCSL';
  const series = { A: { column }, B: { column, transform: 'diff' }, C: { column, transform: 'dlog' } } as const;
  const { inputs } = await buildFactorPanel({ factors: [{ file, series }] });
  expect(inputs.factors.map(({ unit }) => unit)).toEqual(['%', 'pp', 'log-%']);
  const own = { D: { column, unit: 'points' } };
  expect((await buildFactorPanel({ factors: [{ file, series: own }] })).inputs.factors[0].unit).toBe('points');
});

test('first publications become a calendar of releases, which times the series', async () => {
  const calendar = await fetchSource('releases:CPIAUCSL', options());
  expect(readFileSync(calendar.file, 'utf8')).toBe(
    'series,date,released\nCPIAUCSL,2020-01-01,2020-02-13\nCPIAUCSL,2020-02-01,2020-03-12\nCPIAUCSL,2020-03-01,2020-04-10\n',
  );
  const { file } = await fetchSource('fred:CPIAUCSL', options());
  const { inputs } = await buildFactorPanel({
    factors: [{ file, releases: calendar.file, series: { CPI: { column: 'CPIAUCSL' } } }],
    timing: 'available',
  });
  expect(Array.from(inputs.values)).toEqual([Number.NaN, 258.8, 259]);
});

test("of the first vintage in ALFRED's archive the newest period alone has a day of release", () => {
  const first = { realtime_start: '1996-12-12', realtime_end: '1997-01-13', value: '1' };
  const observations = [
    { ...first, date: '1996-09-01' },
    { ...first, date: '1996-10-01' },
    { ...first, date: '1996-11-01', realtime_start: '1997-01-14' },
  ];
  expect(releasesCsv('X', observations)).toBe(
    'series,date,released\nX,1996-10-01,1996-12-12\nX,1996-11-01,1997-01-14\n',
  );
});

test('the vintages of a run on ALFRED keep their origin', async () => {
  const { file, origin } = await fetchSource('alfred:CPIAUCSL', options());
  const { panel, tables } = await buildPanel({
    factors: [{ file, series: { CPI: { column: 'CPIAUCSL' } } }],
    assets: [
      {
        file: table(
          ['date', 'A'],
          [
            ['2020-01-31', 0.1],
            ['2020-02-29', 0.2],
            ['2020-03-31', 0.1],
          ],
        ),
      },
    ],
    timing: 'available',
    horizon: 0,
  });
  expect(panel.axis.dates).toHaveLength(2);
  expect(tables.map((one) => one.origin)).toContainEqual(origin);
});

test('a file that is still the current one is not fetched again, one that was changed is', async () => {
  const first = await fetchSource('fred-md', options());
  const second = await fetchSource('fred-md', options());
  expect([first.isNew, second.isNew]).toEqual([true, false]);
  expect(second.origin).toEqual(first.origin);
  writeFileSync(first.file, `${FRED_MD}3/1/1959,1,1\n`);
  expect((await readTable(first.file)).notes.join()).toContain('was changed since it was fetched from http://');
  expect((await readTable(first.file)).origin).toBeUndefined();
  const third = await fetchSource('fred-md', options());
  expect([third.isNew, readFileSync(third.file, 'utf8')]).toEqual([true, FRED_MD]);
});

test('vintages of FRED-MD by month, and none that does not exist', async () => {
  const { file } = await fetchSource('fred-md', options({ vintage: '2020-03' }));
  expect((await readTable(file)).format).toBe('fredmd');
  expect(asked[0]).toMatch(/\/monthly\/2020-03-md\.csv$/);
  expect((await failing('fred-md', { vintage: '2019-01' })).message).toMatch(/status 404; check that this vintage/);
  expect(existsSync(join(folder, 'fred-md-2019-01.csv'))).toBe(false);
});

test.each([
  ['too many requests, with the pause that it names', 429, { 'retry-after': '0' }],
  ['an error of its own', 503, {}],
])('%s: asked again', async (_, status, headers) => {
  let failures = 0;
  handler = (request, response, url) => {
    if (failures++ < 3) response.writeHead(status, headers).end();
    else publisher(request, response, url);
  };
  expect((await fetchSource('fred-md', options())).isNew).toBe(true);
  expect(asked).toHaveLength(4);
});

test('a server that never answers well is given up, and nothing is left behind', async () => {
  handler = (_, response) => response.writeHead(500).end();
  const error = await failing('fred-md', { retries: 2 });
  expect(error.code).toBe('unreachable');
  expect(error.message).toMatch(/current\.csv did not answer: status 500; try later/);
  expect(asked).toHaveLength(3);
  expect(readdirSync(folder)).toEqual([]);
});

test('a connection that breaks off is tried again', async () => {
  let failures = 0;
  handler = (request, response, url) => {
    if (failures++ < 1) response.destroy();
    else publisher(request, response, url);
  };
  expect((await fetchSource('fred:CPIAUCSL', options())).isNew).toBe(true);
});

test.each([
  ['cut off', '{"count":2,"observations":[{"date":"2020-01'],
  ['a hundred thousand levels deep', '['.repeat(100_000)],
  ['of other content', '{"count":1,"observations":[{"date":"2020-01-01","value":"=1+1"}]}'],
  ['a web page', '<html>Maintenance</html>'],
])('JSON that is %s is refused', async (_, body) => {
  handler = (__, response) => response.end(body);
  const error = await failing('fred:CPIAUCSL');
  expect([error.code, error.message]).toEqual(['unreachable', expect.stringContaining("is not FRED's JSON")]);
  expect(error.message).not.toContain(KEY);
});

test.each([
  ['without a key', 'fred:CPIAUCSL', { key: '' }, 'FRED asks for a key; get one (free)'],
  ['with a wrong key', 'fred:CPIAUCSL', { key: 'x' }, 'not registered.; put your key into FRED_API_KEY'],
  ['of an unknown series', 'fred:NOTHING', {}, 'FRED refuses NOTHING: Bad Request. The series does not exist.'],
  ['of another kind', 'ecb:ICP', {}, '"ecb:ICP" is no source; write fred:CPIAUCSL'],
  ['without a name', 'fred', {}, '"fred" names no series'],
  ['with a name too many', 'fred-md:X', {}, '"fred-md:X" takes no name'],
  ['with a name that climbs', 'french:../../x', {}, 'names no data set'],
  ['of a vintage that is none', 'fred-md', { vintage: 'May' }, '"May" is no vintage; write YYYY-MM'],
  ['of a day that is none', 'alfred:CPIAUCSL', { vintage: '2020-02-30' }, '"2020-02-30" is no vintage; write the day'],
  [
    'of a calendar of one day',
    'releases:CPIAUCSL',
    { vintage: '2020-03-01' },
    'a calendar of releases has no vintages',
  ],
  ['of a vintage that was never kept', 'french:X', { vintage: '2020-01' }, 'keeps no vintages'],
])('a request %s is refused', async (_, source, extra, message) => {
  const error = await failing(source, extra);
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).toContain(message);
});

test('requests are spaced', async () => {
  const started = Date.now();
  await fetchSource('fred:CPIAUCSL', options({ spacing: 60 }));
  expect(asked).toHaveLength(3);
  expect(Date.now() - started).toBeGreaterThanOrEqual(110);
});

test('an interrupt ends the waiting', async () => {
  handler = (_, response) => response.writeHead(503, { 'retry-after': '50' }).end();
  const error = await failing('fred-md', { signal: AbortSignal.timeout(50) });
  expect(error.code).toBe('cancelled');
});
