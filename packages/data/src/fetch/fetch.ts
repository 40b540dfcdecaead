import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, parseIsoDate } from '@macrograd/core';
import { fredObservations, fredSeries, fredUrl, observationsCsv, releasesCsv, vintagesCsv } from './fred.js';
import { HttpClient, type HttpOptions } from './http.js';
import { type Origin, originPath, readOrigin } from './origin.js';
import { BASE_URLS, filePath, parseSource, type Source } from './sources.js';

/** Where to fetch from, and where to. */
export interface FetchOptions extends HttpOptions {
  /** Folder of the cache. */
  readonly folder: string;
  /** A day (`alfred`), a month (`fred-md`, `fred-qd`); default today's values, and for `alfred` every vintage. */
  readonly vintage?: string;
  /** In place of the publisher's own address. */
  readonly baseUrl?: string;
  /** Key of FRED's API, for `fred`, `alfred` and `releases`. */
  readonly key?: string;
}

/** A fetched file. */
export interface Fetched {
  readonly file: string;
  /** False when the publisher says that the cached file is still the current one, or its bytes are the same. */
  readonly isNew: boolean;
  readonly origin: Origin;
}

/**
 * Fetches a source into a folder: the data as a file that {@link readTable} reads, and beside it its origin (address,
 * vintage, time, hash), which goes into the record of every run on that file.
 *
 * @throws InputError for a wrong source, vintage or key, MacrogradError (`unreachable`) when nothing answers
 * @example
 * await fetchSource('fred:CPIAUCSL', { folder: 'data', key: process.env.FRED_API_KEY });
 */
export async function fetchSource(text: string, options: FetchOptions): Promise<Fetched> {
  const source = parseSource(text);
  const client = new HttpClient(options);
  await mkdir(options.folder, { recursive: true });
  return source.kind === 'fred' || source.kind === 'alfred' || source.kind === 'releases'
    ? fetchSeries(text, source, client, options)
    : fetchFile(text, source, client, options);
}

async function fetchFile(text: string, source: Source, client: HttpClient, options: FetchOptions): Promise<Fetched> {
  const { path, name } = filePath(source, options.vintage);
  const url = `${options.baseUrl ?? BASE_URLS[source.kind]}${path}`;
  const file = join(options.folder, name);
  const before = await intactOrigin(file);
  const isSame = before?.url === url;
  const headers = {
    ...(isSame && before.etag ? { 'if-none-match': before.etag } : {}),
    ...(isSame && before.last_modified ? { 'if-modified-since': before.last_modified } : {}),
  };
  const { status, body, etag, lastModified } = await client.get(url, url, headers);
  if (status === 304 && before) return { file, isNew: false, origin: before };
  if (status !== 200) {
    throw new InputError(`${url} answers with status ${status}`, {
      remedy: options.vintage === undefined ? 'check the name of the source' : 'check that this vintage exists',
    });
  }
  const told = { source: text, url, vintage: options.vintage ?? 'current', etag, last_modified: lastModified };
  return keep(file, body, told);
}

async function fetchSeries(text: string, source: Source, client: HttpClient, options: FetchOptions): Promise<Fetched> {
  const { key, vintage } = options;
  if (!key) {
    throw new InputError('FRED asks for a key', {
      remedy: 'get one (free) at fredaccount.stlouisfed.org and put it into FRED_API_KEY',
      code: 'bad_config',
    });
  }
  if (vintage !== undefined) refuseNoDay(vintage);
  const isCalendar = source.kind === 'releases';
  if (isCalendar && vintage !== undefined) {
    const remedy = 'leave --vintage out';
    throw new InputError('a calendar of releases has no vintages', { remedy, code: 'bad_config' });
  }
  const isEvery = source.kind !== 'fred' && vintage === undefined;
  const realtime = isEvery
    ? // The first and the last day that FRED knows.
      { start: '1776-07-04', end: '9999-12-31' }
    : vintage && { start: vintage, end: vintage };
  const request = {
    baseUrl: options.baseUrl ?? BASE_URLS[source.kind],
    id: source.id,
    ...(realtime ? { realtime } : {}),
    ...(isCalendar ? { isInitial: true } : {}),
  };
  const series = await fredSeries(client, { ...request, key });
  const observations = await fredObservations(client, { ...request, key });
  const suffix = isCalendar ? '.releases' : isEvery ? '.vintages' : vintage ? `.${vintage}` : '';
  const told = { source: text, url: fredUrl(request), vintage: isEvery ? 'all' : (vintage ?? 'current') };
  const file = join(options.folder, `${source.id}${suffix}.csv`);
  const csv = (isCalendar ? releasesCsv : isEvery ? vintagesCsv : observationsCsv)(source.id, observations);
  return keep(file, Buffer.from(csv), { ...told, etag: undefined, last_modified: undefined, series });
}

function refuseNoDay(vintage: string): void {
  try {
    if (vintage.length === 'YYYY-MM-DD'.length) return void parseIsoDate(vintage);
  } catch {
    // Told below.
  }
  throw new InputError(`"${vintage}" is no vintage`, { remedy: 'write the day as YYYY-MM-DD', code: 'bad_config' });
}

/** The origin of a cached file whose bytes are still those that were fetched. */
async function intactOrigin(file: string): Promise<Origin | undefined> {
  const origin = await readOrigin(file);
  if (origin === undefined) return undefined;
  const bytes = await readFile(file).catch(() => undefined);
  return bytes && sha256(bytes) === origin.sha256 ? origin : undefined;
}

/** Writes file and origin, each whole or not at all; bytes that are there already keep the time of their first fetch. */
async function keep(
  file: string,
  body: Buffer,
  told: Pick<Origin, 'source' | 'url' | 'vintage' | 'etag' | 'last_modified' | 'series'>,
): Promise<Fetched> {
  const before = await intactOrigin(file);
  const hash = sha256(body);
  if (before?.sha256 === hash) return { file, isNew: false, origin: before };
  const origin: Origin = { schema_version: 1, ...told, fetched_at: new Date().toISOString(), sha256: hash };
  await writeWhole(file, body);
  await writeWhole(originPath(file), `${JSON.stringify(origin, undefined, 2)}\n`);
  return { file, isNew: true, origin };
}

async function writeWhole(file: string, content: Buffer | string): Promise<void> {
  const temporary = `${file}.${process.pid}.part`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
