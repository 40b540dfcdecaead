import { type Holidays, onBusinessDays } from './businessDays.js';
import { readTable } from './read.js';
import type { FileSpec, ReadOptions } from './spec.js';
import type { Table } from './table.js';

/** Reads a table, each file once. */
export type TableReader = (source: FileSpec) => Promise<Table>;

/** A reader that remembers, and what it has read so far; daily series come on the business days of a calendar. */
export function cachingReader(holidays?: Holidays): { read: TableReader; tables: () => Promise<Table[]> } {
  const known = new Map<string, Promise<Table>>();
  const read: TableReader = (source) => {
    const options = readOptions(source);
    const key = JSON.stringify([source.file, options]);
    const table = known.get(key) ?? readOn(holidays, source.file, options);
    known.set(key, table);
    return table;
  };
  return { read, tables: () => Promise.all(known.values()) };
}

async function readOn(holidays: Holidays | undefined, file: string, options: ReadOptions): Promise<Table> {
  const table = await readTable(file, options);
  return holidays === undefined ? table : onBusinessDays(table, holidays);
}

/** What of a source tells how its file is read, defaults left out. */
export function readOptions(source: ReadOptions): ReadOptions {
  const { format, encoding, delimiter, decimal, dateOrder, missing, member, table, value, sql } = source;
  const all = { format, encoding, delimiter, decimal, dateOrder, missing, member, table, value, sql };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== 'auto'));
}
