import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type RunRecord, readRunRecord, tableNames, tablePath } from '@macrograd/store';

/** What two runs must share for their tables to be the same bytes. */
export type RunIdentity = Pick<RunRecord, 'config_hash' | 'data_hashes' | 'versions' | 'isa'>;

/** Whether a directory holds a whole result of the same job: config, data, versions and instruction set. */
export function isReusable(dir: string, identity: RunIdentity): boolean {
  if (!existsSync(join(dir, 'run.json'))) return false;
  // Written only where the config asks for it; a config that asks for something else has another hash.
  const always = tableNames.filter((name) => name !== 'screening');
  const files = [...always.map((name) => tablePath(dir, name)), join(dir, 'report', 'index.html')];
  if (!files.every((file) => existsSync(file))) return false;
  try {
    return identityText(readRunRecord(dir)) === identityText(identity);
  } catch {
    // A record that can't be read is no reason to fail: the result is computed anew.
    return false;
  }
}

function identityText({ config_hash, data_hashes, versions, isa }: RunIdentity): string {
  const sorted = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([config_hash, sorted(data_hashes), sorted(versions), isa]);
}
