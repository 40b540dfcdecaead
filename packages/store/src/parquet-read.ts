import { existsSync } from 'node:fs';
import { InputError } from '@macrograd/core';
import { asyncBufferFromFile, type DecodedArray, type ParquetScan, parquetScan } from 'hyparquet';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { tablePath } from './parquet-write.js';
import { type ColumnSpec, columnsOf, type TableName } from './schema.js';
import { type AnyColumn, NULL_BOOLEAN, NULL_INT, type TableData } from './table.js';

/**
 * Reads one table of a result directory, all rows and columns. Columns that a later version added are skipped.
 * Throws {@link InputError} when the file is absent, damaged, or lacks a column.
 *
 * @example
 * const { rows, columns } = await readTable('out', 'summary');
 * stringAt(columns.asset, 0);
 */
export async function readTable<N extends TableName>(dir: string, name: N): Promise<TableData<N>> {
  const file = tablePath(dir, name);
  if (!existsSync(file)) {
    throw new InputError('no such table', { place: { file }, remedy: 'give the directory that `macrograd run` wrote' });
  }
  try {
    const scan = await parquetScan({
      file: await asyncBufferFromFile(file),
      // Dates stay day numbers: no Date object a row.
      parsers: { ...DEFAULT_PARSERS, dateFromDays: (days: number) => days },
    });
    return await readColumns(file, name, scan);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError('not a readable Parquet file', { place: { file }, remedy: 'run the job again', cause });
  }
}

async function readColumns<N extends TableName>(file: string, name: N, scan: ParquetScan): Promise<TableData<N>> {
  const rows = Number(scan.metadata.num_rows);
  const present = new Set(scan.metadata.schema.map((element) => element.name));
  const columns: Record<string, AnyColumn> = {};
  for (const [column, spec] of columnsOf(name)) {
    if (!present.has(column)) {
      const remedy = 'it was written by another version: run the job again';
      throw new InputError(`no column "${column}"`, { place: { file }, remedy });
    }
    const filler = fillerOf(spec, rows);
    for (const { rowStart, rowEnd } of scan.ranges) {
      filler.put(rowStart, await scan.readColumn({ column, rowStart, rowEnd }));
    }
    columns[column] = filler.column();
  }
  return { rows, columns: columns as unknown as TableData<N>['columns'] };
}

/** Takes the decoded values of one row group after the other. */
interface Filler {
  put(start: number, values: DecodedArray): void;
  column(): AnyColumn;
}

function fillerOf(spec: ColumnSpec, rows: number): Filler {
  switch (spec.type) {
    case 'string':
      return stringFiller(rows);
    case 'double':
      return numberFiller(new Float64Array(rows), Number.NaN);
    case 'boolean':
      return numberFiller(new Uint8Array(rows), NULL_BOOLEAN);
    case 'int':
    case 'date':
      return numberFiller(new Int32Array(rows), NULL_INT);
  }
}

function numberFiller(out: Float64Array | Int32Array | Uint8Array, missing: number): Filler {
  return {
    put(start, values) {
      for (let i = 0; i < values.length; i++) out[start + i] = values[i] == null ? missing : Number(values[i]);
    },
    column: () => out,
  };
}

function stringFiller(rows: number): Filler {
  const codes = new Int32Array(rows);
  const values: string[] = [];
  const codeOfValue = new Map<string, number>();
  const code = (value: string): number => {
    let known = codeOfValue.get(value);
    if (known === undefined) {
      known = values.push(value) - 1;
      codeOfValue.set(value, known);
    }
    return known;
  };
  return {
    put(start, strings) {
      let last: unknown;
      let lastCode = -1;
      for (let i = 0; i < strings.length; i++) {
        const value: unknown = strings[i];
        // Rows are sorted: most strings are the one before.
        if (value !== last) {
          last = value;
          lastCode = typeof value === 'string' ? code(value) : -1;
        }
        codes[start + i] = lastCode;
      }
    },
    column: () => ({ kind: 'dictionary', values, codes }),
  };
}
