import { readTable } from './read.js';
import type { TableFormat } from './spec.js';
import type { Table } from './table.js';

/** Reads a table, each file once. */
export type TableReader = (file: string, format?: TableFormat) => Promise<Table>;

/** A reader that remembers, and what it has read so far. */
export function cachingReader(): { read: TableReader; tables: () => Promise<Table[]> } {
  const known = new Map<string, Promise<Table>>();
  const read: TableReader = (file, format = 'auto') => {
    const key = `${format}:${file}`;
    const table = known.get(key) ?? readTable(file, format);
    known.set(key, table);
    return table;
  };
  return { read, tables: () => Promise.all(known.values()) };
}
