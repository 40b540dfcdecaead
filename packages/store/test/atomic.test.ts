import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '@macrograd/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atomicDirectory, type RunRecord, readRunRecord, writeRunRecord } from '../src/index.js';

let parent: string;
let target: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'macrograd-atomic-'));
  target = join(parent, 'out');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const record: RunRecord = {
  schema_version: 1,
  name: 'us-sectors',
  status: 'complete',
  config_hash: 'c',
  config: { seed: 1 },
  data_hashes: { 'macro.csv': 'd' },
  versions: { macrograd: '0.1.0' },
  isa: 'avx2',
  threads: 2,
  seed: 1,
  frequency: 'M',
  horizon: 0,
  timing: 'reference',
  folds: 9,
  assets: [{ name: 'bond', source: 'computed.csv', labels: ['computed'] }],
  screening_level: 0.1,
  interval_coverage: 0.9,
  span: { start: '1960-01-31', end: '2022-09-30' },
  started_at: '2026-01-01T00:00:00Z',
  finished: '2026-01-01T00:02:00Z',
  timings: { fit: 1.5 },
  warnings: [],
  checks: [{ name: 'bond', expected: -8, measured: -8, tolerance: 0.1, unit: '% per 1 pp', passed: true }],
};

async function writeResult(name: string): Promise<void> {
  await atomicDirectory(target, async (dir) => {
    mkdirSync(join(dir, 'models'));
    writeFileSync(join(dir, 'models', 'a'), name);
    writeRunRecord(dir, { ...record, name });
  });
}

describe('atomicDirectory', () => {
  it('shows nothing under the target name while it writes, and everything after', async () => {
    await atomicDirectory(target, async (dir) => {
      writeFileSync(join(dir, 'a'), '1');
      expect(existsSync(target)).toBe(false);
    });
    expect(readdirSync(parent)).toEqual(['out']);
    expect(readFileSync(join(target, 'a'), 'utf8')).toBe('1');
  });

  it('replaces an earlier result as a whole', async () => {
    await writeResult('first');
    await writeResult('second');
    expect(readRunRecord(target)).toStrictEqual({ ...record, name: 'second' });
    expect(readdirSync(parent)).toEqual(['out']);
  });

  it('keeps the earlier result when writing fails, and leaves nothing behind', async () => {
    await writeResult('first');
    await expect(
      atomicDirectory(target, async (dir) => {
        writeFileSync(join(dir, 'half'), '');
        throw new Error('disk full');
      }),
    ).rejects.toThrow('disk full');
    expect(readRunRecord(target).name).toBe('first');
    expect(readdirSync(parent)).toEqual(['out']);
  });

  it('clears what a killed process left, and puts back the result that it had moved aside', async () => {
    // Above every pid that Linux gives out.
    const dead = 99_999_999;
    await writeResult('first');
    renameSync(target, join(parent, `.out.previous-${dead}`));
    mkdirSync(join(parent, `.out.partial-${dead}`));
    mkdirSync(join(parent, `.other.partial-${dead}`));
    mkdirSync(join(parent, `.out.partial-${process.ppid}`));
    await expect(
      atomicDirectory(target, async () => {
        throw new Error('disk full');
      }),
    ).rejects.toThrow('disk full');
    expect(readRunRecord(target).name).toBe('first');
    expect(readdirSync(parent).sort()).toEqual([`.other.partial-${dead}`, `.out.partial-${process.ppid}`, 'out']);
  });

  it('refuses to replace a directory that holds something else', async () => {
    mkdirSync(target);
    writeFileSync(join(target, 'thesis.tex'), '');
    await expect(writeResult('first')).rejects.toThrow(InputError);
    expect(existsSync(join(target, 'thesis.tex'))).toBe(true);
  });

  it('refuses a target that is a file', async () => {
    writeFileSync(target, '');
    await expect(writeResult('first')).rejects.toThrow(/is a file/);
  });
});

describe('run.json', () => {
  it.each([
    ['{', /not valid JSON/],
    ['[]', /schema version/],
    ['{"schema_version":2}', /schema version 2.*update macrograd/],
    ['{"schema_version":1,"name":"x"}', /has no "status"/],
  ])('%s is refused', (text, message) => {
    writeFileSync(join(parent, 'run.json'), text);
    expect(() => readRunRecord(parent)).toThrow(message);
  });

  it('says when a directory is not a result', () => {
    expect(() => readRunRecord(parent)).toThrow(/not a macrograd result/);
  });
});
