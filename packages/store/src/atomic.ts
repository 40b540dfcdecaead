import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '@macrograd/core';

/** File by which a result directory is known; a run writes it last. */
export const RUN_FILE = 'run.json';

/**
 * Writes a directory under a temporary name beside the target and renames it when `write` is done, so that the target
 * holds a whole result or the one before, never half a one. When `write` fails, what it wrote is removed.
 * Throws {@link InputError} when the target holds something that is not a result.
 *
 * @example
 * await atomicDirectory('out', async (dir) => writeTable(dir, 'chosen', table));
 */
export async function atomicDirectory<T>(target: string, write: (dir: string) => Promise<T>): Promise<T> {
  const final = resolve(target);
  clearAbandoned(final);
  refuseForeign(final);
  const partial = siblingOf(final, 'partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    const result = await write(partial);
    syncTree(partial);
    swap(partial, final);
    return result;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

// Hidden, beside the target: on the same file system, so that renaming is atomic.
function siblingOf(path: string, what: string): string {
  return join(dirname(path), `.${basename(path)}.${what}-${process.pid}`);
}

/** Removes what a killed process left beside the target, and puts back a result that it had already moved aside. */
function clearAbandoned(final: string): void {
  const parent = dirname(final);
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    const [, what, pid] = /\.(partial|previous)-(\d+)$/.exec(name) ?? [];
    if (what === undefined || name !== `.${basename(final)}.${what}-${pid}` || isAlive(Number(pid))) continue;
    const path = join(parent, name);
    if (what === 'previous' && !existsSync(final)) renameSync(path, final);
    else rmSync(path, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: alive, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function refuseForeign(target: string): void {
  if (!existsSync(target)) return;
  const remedy = 'name another output directory, or empty this one';
  if (!statSync(target).isDirectory()) {
    throw new InputError('the output is a file, not a directory', { place: { file: target }, remedy });
  }
  if (readdirSync(target).length > 0 && !existsSync(join(target, RUN_FILE))) {
    throw new InputError('holds files that are not a macrograd result and would be lost', {
      place: { file: target },
      remedy,
    });
  }
}

function swap(partial: string, final: string): void {
  if (!existsSync(final)) {
    renameSync(partial, final);
    return;
  }
  const previous = siblingOf(final, 'previous');
  renameSync(final, previous);
  try {
    renameSync(partial, final);
  } catch (error) {
    renameSync(previous, final);
    throw error;
  }
  rmSync(previous, { recursive: true, force: true });
}

/** Flushes every file to the disk before the rename makes them visible. */
function syncTree(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      syncTree(path);
      continue;
    }
    const handle = openSync(path, 'r+');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
}
