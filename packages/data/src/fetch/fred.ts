import { InputError, MacrogradError } from '@macrograd/core';
import type { HttpClient } from './http.js';
import type { SeriesFacts } from './origin.js';

/** One value of a series as it was published from one day to another. */
export interface FredObservation {
  readonly date: string;
  readonly realtime_start: string;
  readonly realtime_end: string;
  /** A number, or `.` where missing. */
  readonly value: string;
}

/** What to ask FRED's `series/observations` for. */
export interface FredRequest {
  readonly baseUrl: string;
  readonly id: string;
  readonly key: string;
  /** First and last day of the wanted vintages; both absent for today's. */
  readonly realtime?: { readonly start: string; readonly end: string };
  /** Of every value the first that was published, in place of all. */
  readonly isInitial?: boolean;
}

/** Characters of a title or a unit that are kept. */
const LONGEST_FACT = 300;

/** Most observations that FRED sends at once. */
const PAGE = 100_000;

/** Address of a request; the key apart, so that it never stands in a message or a record. */
export function fredUrl({ baseUrl, id, realtime, isInitial }: Omit<FredRequest, 'key'>): string {
  const query = new URLSearchParams({ series_id: id, file_type: 'json' });
  if (realtime) {
    query.set('realtime_start', realtime.start);
    query.set('realtime_end', realtime.end);
  }
  if (isInitial) query.set('output_type', '4');
  return `${baseUrl}/fred/series/observations?${query}`;
}

/**
 * What FRED says of a series: title, units, frequency.
 *
 * @throws as {@link fredObservations}
 */
export async function fredSeries(client: HttpClient, { baseUrl, id, key }: FredRequest): Promise<SeriesFacts> {
  const url = `${baseUrl}/fred/series?${new URLSearchParams({ series_id: id, file_type: 'json' })}`;
  const { status, body } = await client.get(`${url}&api_key=${encodeURIComponent(key)}`, url);
  const answer = parseAnswer(body, url);
  if (status !== 200) throw refusal(id, status, answer);
  // The name of this list is FRED's.
  const { seriess: list } = answer;
  const [series] = Array.isArray(list) ? (list as unknown[]) : [];
  if (typeof series !== 'object' || series === null) throw noAnswer(url);
  const text = (name: string) => String((series as Record<string, unknown>)[name] ?? '').slice(0, LONGEST_FACT);
  return {
    title: text('title'),
    units: text('units_short'),
    frequency: text('frequency_short'),
    seasonal_adjustment: text('seasonal_adjustment_short'),
    last_updated: text('last_updated'),
  };
}

/**
 * Observations of a series from FRED, page by page.
 *
 * @throws InputError for what FRED refuses (unknown series, bad key), MacrogradError for answers that are none
 */
export async function fredObservations(client: HttpClient, request: FredRequest): Promise<FredObservation[]> {
  const url = fredUrl(request);
  const all: FredObservation[] = [];
  for (;;) {
    const page = `${url}&limit=${PAGE}&offset=${all.length}&api_key=${encodeURIComponent(request.key)}`;
    const { status, body } = await client.get(page, url);
    const answer = parseAnswer(body, url);
    if (status !== 200) throw refusal(request.id, status, answer);
    const { count, observations } = answer;
    if (!Array.isArray(observations) || !observations.every(isObservation)) throw noAnswer(url);
    all.push(...observations);
    if (observations.length === 0 || all.length >= Number(count ?? 0)) return all;
  }
}

function parseAnswer(body: Buffer, url: string): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(body.toString('utf8'));
    if (typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>;
  } catch {
    // Told below: cut off, too deep or no JSON at all.
  }
  throw noAnswer(url);
}

function noAnswer(url: string): MacrogradError {
  return new MacrogradError('unreachable', `${url} answers with something that is not FRED's JSON`, {
    remedy: 'check the base URL, or try later',
  });
}

function isObservation(value: unknown): value is FredObservation {
  if (typeof value !== 'object' || value === null) return false;
  const { date, realtime_start, realtime_end, value: number } = value as Record<string, unknown>;
  const isDay = (text: unknown) => typeof text === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isNumber = typeof number === 'string' && /^(?:\.|[+-]?[\d.]+(?:[eE][+-]?\d+)?)$/.test(number);
  return isDay(date) && isDay(realtime_start) && isDay(realtime_end) && isNumber;
}

function refusal(id: string, status: number, { error_message }: Record<string, unknown>): InputError {
  const reason = typeof error_message === 'string' ? error_message.slice(0, 200) : `status ${status}`;
  const isKey = /api_key/i.test(reason);
  return new InputError(`FRED refuses ${id}: ${reason}`, {
    remedy: isKey ? 'put your key into FRED_API_KEY' : 'look the series up at fred.stlouisfed.org',
  });
}

/** Today's values, or those of one vintage, as a csv of two columns. */
export function observationsCsv(id: string, observations: readonly FredObservation[]): string {
  const rows = observations.map(({ date, value }) => `${date},${value === '.' ? '' : value}`);
  return `${[`date,${id}`, ...rows].join('\n')}\n`;
}

/** All vintages: one row for every value that was ever published, with the days from and to which it stood. */
export function vintagesCsv(_id: string, observations: readonly FredObservation[]): string {
  const rows = observations.map(({ date, realtime_start, realtime_end, value }) =>
    [date, realtime_start, realtime_end, value === '.' ? '' : value].join(','),
  );
  return `${['date,realtime_start,realtime_end,value', ...rows].join('\n')}\n`;
}

/**
 * First publications as a calendar of releases. ALFRED's archive begins with a vintage that holds all earlier periods:
 * of these the newest alone came out then, and the others are left out.
 */
export function releasesCsv(id: string, observations: readonly FredObservation[]): string {
  const ordered = observations.toSorted((a, b) => (a.date < b.date ? -1 : 1));
  const begin = ordered.reduce((first, { realtime_start: day }) => (day < first ? day : first), '9999-12-31');
  const archived = ordered.findLastIndex(({ realtime_start }) => realtime_start === begin);
  const rows = ordered
    .slice(Math.max(archived, 0))
    .map(({ date, realtime_start }) => `${id},${date},${realtime_start}`);
  return `${['series,date,released', ...rows].join('\n')}\n`;
}
