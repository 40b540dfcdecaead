import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'macrograd-data-'));
let count = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file into a folder that the test file removes at its end; returns its path. */
export function file(content: string | Uint8Array, extension = 'csv'): string {
  const path = join(folder, `${++count}.${extension}`);
  writeFileSync(path, content);
  return path;
}

/** A file of rows given as arrays, under a header. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return file([header, ...rows].map((row) => row.join(',')).join('\n'));
}

/** Month ends from a first month (`2000-01`), as text. */
export function monthEnds(first: string, count: number): string[] {
  const [year, month] = first.split('-').map(Number);
  return Array.from({ length: count }, (_, i) =>
    new Date(Date.UTC(year, month + i, 0)).toISOString().slice(0, 'YYYY-MM-DD'.length),
  );
}
