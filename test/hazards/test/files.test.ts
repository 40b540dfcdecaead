import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatIsoDate, InputError } from '@macrograd/core';
import { readTable, type Table } from '@macrograd/data';
import { afterAll, describe, expect, test } from 'vitest';
import { archiveHazards } from '../cases/archives.js';
import { dateHazards } from '../cases/dates.js';
import type { Hazard, Meaning } from '../cases/hazard.js';
import { nameHazards } from '../cases/names.js';
import { numberHazards } from '../cases/numbers.js';
import { textHazards } from '../cases/text.js';

/** Milliseconds that a small file may take on a busy machine; on a quiet one the slowest takes a fifth of it. */
const PATIENCE = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'macrograd-hazards-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;

async function outcome({ content, extension = 'csv', options }: Hazard): Promise<Table | string> {
  const path = join(folder, `${++count}.${extension}`);
  writeFileSync(path, content);
  try {
    return await readTable(path, options);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.remedy).toBeTruthy();
    return error.message.replace(path, 'FILE');
  } finally {
    rmSync(path);
  }
}

function expectMeaning(table: Table, { values, dates, width, note }: Meaning): void {
  if (width !== undefined) expect(table.series.size).toBe(width);
  const [first] = table.series.values();
  if (dates) expect([formatIsoDate(first.dates[0]), formatIsoDate(first.dates.at(-1) ?? 0)]).toEqual(dates);
  for (const [name, wanted] of Object.entries(values ?? {})) {
    expect(Array.from(table.series.get(name)?.values ?? [])).toEqual(wanted);
  }
  if (note === '') expect(table.notes).toEqual([]);
  else if (note !== undefined) expect(table.notes.join('\n')).toContain(note);
}

const corpus = {
  texts: textHazards,
  numbers: numberHazards,
  dates: dateHazards,
  names: nameHazards,
  archives: archiveHazards,
};

describe.each(Object.entries(corpus))('%s', (_, hazards) => {
  test.each(hazards.map((hazard) => [hazard.name, hazard] as const))(
    '%s',
    async (_name, hazard) => {
      const result = await outcome(hazard);
      if (hazard.refuses !== undefined) {
        expect(result).toBeTypeOf('string');
        expect(String(result).slice(0, hazard.refuses.length)).toBe(hazard.refuses);
      } else {
        if (typeof result === 'string') throw new Error(`refused: ${result}`);
        expectMeaning(result, hazard.reads ?? {});
      }
    },
    PATIENCE,
  );
});

/** MiB that the process may take for the whole corpus: bombs claim gigabytes, the whole took 220. */
const MEMORY = 768;

test('all of them together stay within bounded memory', () => {
  expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(MEMORY);
});

test('the corpus holds more than 120 files, each with one outcome and a name of its own', () => {
  const all = Object.values(corpus).flat();
  expect(all.length).toBeGreaterThan(120);
  expect(all.filter(({ reads, refuses }) => (reads === undefined) === (refuses === undefined))).toEqual([]);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});
