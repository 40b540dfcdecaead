import { ArgumentError } from '@macrograd/core';
import { type ColumnSpec, columnsOf, type TableName } from './schema.js';
import { type AnyColumn, NULL_BOOLEAN, NULL_INT, type RowOf, type TableData } from './table.js';

const INITIAL_ROWS = 1024;

/** A column that is being filled; `finish` cuts it to size and lets go of the spare memory. */
interface Appender {
  grow(rows: number): void;
  set(row: number, value: unknown): void;
  finish(rows: number): AnyColumn;
}

type NumericArray = Float64Array | Int32Array | Uint8Array;

class NumberAppender implements Appender {
  private data: NumericArray;

  constructor(
    private readonly make: (rows: number) => NumericArray,
    private readonly missing: number,
  ) {
    this.data = make(INITIAL_ROWS);
  }

  grow(rows: number): void {
    const larger = this.make(rows);
    larger.set(this.data);
    this.data = larger;
  }

  set(row: number, value: unknown): void {
    this.data[row] = value === null ? this.missing : Number(value);
  }

  finish(rows: number): AnyColumn {
    const data = this.data.slice(0, rows);
    this.data = this.make(0);
    return data;
  }
}

class StringAppender implements Appender {
  private codes = new Int32Array(INITIAL_ROWS);
  private readonly values: string[] = [];
  private readonly codeOfValue = new Map<string, number>();
  private lastValue: string | undefined;
  private lastCode = -1;

  grow(rows: number): void {
    const larger = new Int32Array(rows);
    larger.set(this.codes);
    this.codes = larger;
  }

  set(row: number, value: unknown): void {
    this.codes[row] = value === null ? -1 : this.code(value as string);
  }

  // Rows come sorted, so that the value before is the value now most of the time.
  private code(value: string): number {
    if (value === this.lastValue) return this.lastCode;
    let code = this.codeOfValue.get(value);
    if (code === undefined) {
      code = this.values.length;
      this.values.push(value);
      this.codeOfValue.set(value, code);
    }
    this.lastValue = value;
    this.lastCode = code;
    return code;
  }

  finish(rows: number): AnyColumn {
    const codes = this.codes.slice(0, rows);
    this.codes = new Int32Array(0);
    return { kind: 'dictionary', values: this.values, codes };
  }
}

function appenderOf(spec: ColumnSpec): Appender {
  switch (spec.type) {
    case 'string':
      return new StringAppender();
    case 'double':
      return new NumberAppender((rows) => new Float64Array(rows), Number.NaN);
    case 'boolean':
      return new NumberAppender((rows) => new Uint8Array(rows), NULL_BOOLEAN);
    case 'int':
    case 'date':
      return new NumberAppender((rows) => new Int32Array(rows), NULL_INT);
  }
}

/**
 * Collects the rows of one table in typed arrays that grow by doubling; strings are dictionary-encoded as they come.
 *
 * @example
 * const builder = new TableBuilder('chosen');
 * builder.append({ asset: 'Steel', fit: 'final', method: 'ols', weight: 1, reason: 'lowest error' });
 * const table = builder.finish();
 */
export class TableBuilder<N extends TableName> {
  readonly name: N;
  private readonly appenders: readonly (readonly [string, ColumnSpec, Appender])[];
  private capacity = INITIAL_ROWS;
  private count = 0;
  private finished = false;

  constructor(name: N) {
    this.name = name;
    this.appenders = columnsOf(name).map(([column, spec]) => [column, spec, appenderOf(spec)]);
  }

  /** Rows so far. */
  get rows(): number {
    return this.count;
  }

  /** Adds one row. Throws {@link ArgumentError} when a column is absent, or null where it may not be. */
  append(row: RowOf<N>): void {
    if (this.finished) throw new ArgumentError(`table ${this.name} is finished`, 'make another TableBuilder');
    if (this.count === this.capacity) {
      this.capacity *= 2;
      for (const [, , appender] of this.appenders) appender.grow(this.capacity);
    }
    const cells = row as Readonly<Record<string, unknown>>;
    for (const [column, spec, appender] of this.appenders) {
      const value = cells[column];
      if (value === undefined || (value === null && !spec.nullable)) {
        throw new ArgumentError(`row ${this.count} of ${this.name} has no value for "${column}"`);
      }
      appender.set(this.count, value);
    }
    this.count++;
  }

  /** The table; the builder is empty of memory then and takes no more rows. */
  finish(): TableData<N> {
    this.finished = true;
    const columns = Object.fromEntries(
      this.appenders.map(([column, , appender]) => [column, appender.finish(this.count)]),
    );
    return { rows: this.count, columns: columns as unknown as TableData<N>['columns'] };
  }
}
