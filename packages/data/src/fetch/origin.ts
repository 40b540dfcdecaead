import { readFile } from 'node:fs/promises';

/** Where a fetched file comes from; stands beside it as `<file>.origin.json`, and in the record of every run on it. */
export interface Origin {
  readonly schema_version: 1;
  /** As `macrograd fetch` was told: `fred:CPIAUCSL`, `fred-md`. */
  readonly source: string;
  /** Address without the key. */
  readonly url: string;
  /** What was asked for: a date, a month, `all` or `current`. */
  readonly vintage: string;
  /** ISO time. */
  readonly fetched_at: string;
  /** Of the file's bytes, hexadecimal. */
  readonly sha256: string;
  readonly etag: string | undefined;
  readonly last_modified: string | undefined;
  /** Of FRED's series: what it says of them. */
  readonly series?: SeriesFacts;
}

/** What FRED says of a series, in its short forms. */
export interface SeriesFacts {
  readonly title: string;
  /** `%`, `Index 1982-84=100`, `Thous. of Persons`. */
  readonly units: string;
  /** `D`, `W`, `M`, `Q`, `A` and others. */
  readonly frequency: string;
  /** `SA`, `NSA` and others. */
  readonly seasonal_adjustment: string;
  readonly last_updated: string;
}

/** Path of the origin that belongs to a file. */
export function originPath(file: string): string {
  return `${file}.origin.json`;
}

/** The origin of a file, or undefined where there is none that can be read. */
export async function readOrigin(file: string): Promise<Origin | undefined> {
  try {
    const origin: unknown = JSON.parse(await readFile(originPath(file), 'utf8'));
    return isOrigin(origin) ? origin : undefined;
  } catch {
    return undefined;
  }
}

function isOrigin(value: unknown): value is Origin {
  if (typeof value !== 'object' || value === null) return false;
  const { schema_version, sha256, url } = value as Record<string, unknown>;
  return schema_version === 1 && typeof sha256 === 'string' && typeof url === 'string';
}
