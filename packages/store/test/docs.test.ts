import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { columnsOf, tableNames } from '../src/index.js';

const page = readFileSync(join(import.meta.dirname, '../../../docs/results.md'), 'utf8');

it.each(tableNames)('docs/results.md describes every column of %s, in file order', (name) => {
  const section = page.split(`### ${name}.parquet`)[1].split('\n##')[0];
  const rows = columnsOf(name).map(([column, { type, nullable, meaning }]) => {
    // That a double may be null is said once, above the tables.
    const kind = nullable && type !== 'double' ? `${type}, may be null` : type;
    return `| \`${column}\` | ${kind} | ${meaning} |`;
  });
  expect(section.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows);
});
