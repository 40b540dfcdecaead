import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { RunConfig } from '../config/config.js';

/** SHA-256 of the config with every default filled in; the output's place is no part of it. */
export function configHash(config: RunConfig): string {
  const { output, ...job } = config.raw;
  return sha256(JSON.stringify({ ...job, exposures: output.exposures }));
}

/** SHA-256 of every file that a config reads, by path as the config gives it. */
export async function dataHashes(config: RunConfig): Promise<Record<string, string>> {
  const files = new Map<string, string>();
  config.raw.factors.forEach((source, i) => {
    const { file, releases } = config.panel.factors[i];
    files.set(source.file, file);
    if (source.releases && releases) files.set(source.releases, releases);
    for (const [name, { surprise }] of Object.entries(source.series ?? {})) {
      const against = config.panel.factors[i].series?.[name].surprise;
      if (typeof surprise !== 'object' || typeof against !== 'object') continue;
      if (surprise.file && against.file) files.set(surprise.file, against.file);
    }
  });
  config.raw.assets.forEach((source, i) => {
    const { file, riskFree } = config.panel.assets[i];
    files.set(source.file, file);
    if (source.risk_free?.file && riskFree?.file) files.set(source.risk_free.file, riskFree.file);
  });
  for (const [currency, rate] of Object.entries(config.raw.currency?.rates ?? {})) {
    const path = config.panel.currency?.rates[currency].file;
    if (path !== undefined) files.set(rate.file, path);
  }
  const { holidays } = config.panel.calendar ?? {};
  if (typeof holidays === 'string') files.set(String(config.raw.calendar?.holidays), holidays);
  const hashes: Record<string, string> = {};
  for (const [given, path] of files) hashes[given] = await sha256OfSource(path);
  return hashes;
}

/** Of a folder of vintages, the hash of the names and hashes of its files. */
async function sha256OfSource(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return sha256OfFile(path);
  const files = await readdir(path, { withFileTypes: true });
  const names = files.filter((file) => file.isFile()).map(({ name }) => name);
  const lines: string[] = [];
  for (const name of names.sort()) lines.push(`${name} ${await sha256OfFile(join(path, name))}`);
  return sha256(lines.join('\n'));
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
