import { stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { InputError, MacrogradError } from '@macrograd/core';
import { type Cell, quoted } from './cells.js';
import { cellMaker, gridOfCells, refuseHugeTable } from './columnar.js';
import type { Grid } from './grid.js';
import { listNames } from './table.js';

/**
 * What a query may do: compute. No file is read but the one that is named, none is written, no extension is loaded or
 * fetched, and none of this can be changed by a query. One thread adds numbers in one order, so that the same query
 * gives the same bits everywhere.
 */
const SEALED = {
  temp_directory: '',
  memory_limit: '2GB',
  threads: '1',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
};

/** In this order: after the lock nothing can be set. */
export const LOCKED = { enable_external_access: 'false', lock_configuration: 'true' };

/** Whether bytes are the beginning of a DuckDB database. */
export function looksDuckDb(start: Buffer): boolean {
  return start.toString('latin1', 8, 12) === 'DUCK';
}

/** What of a database is wanted: at most one of the two; neither where it has one table. */
export interface Wanted {
  /** Name of a table or view, `schema.name` where several have it. */
  readonly table?: string;
  readonly sql?: string;
}

/**
 * Rows of a table or view of a DuckDB database, or of a query on it, behind a header row; the place of a cell is its row.
 *
 * @param file - the name that messages show; the database itself lies at `path`.
 */
export async function readDatabase(path: string, file: string, { table, sql }: Wanted): Promise<Grid> {
  if (table !== undefined && sql !== undefined) {
    const remedy = 'keep one of the two';
    throw new InputError('both `table` and `sql` are given', { place: { file }, remedy, code: 'bad_config' });
  }
  const grid = await withDuckDb(path, { access_mode: 'READ_ONLY', ...LOCKED }, file, async (connection) =>
    runQuery(connection, sql ?? `FROM ${await chooseTable(connection, file, table)}`, file),
  );
  const hasLog = await stat(`${path}.wal`).then(
    () => true,
    () => false,
  );
  const notes = hasLog
    ? ['its log (.wal) was read too and is no part of the hash: close the database to merge it']
    : [];
  return { ...grid, isDatabase: true, notes };
}

/** Opens DuckDB in memory or on a database, with settings beside those that all have. */
export async function withDuckDb<T>(
  path: string,
  settings: Readonly<Record<string, string>>,
  file: string,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const { DuckDBInstance } = await loadDuckDb(file);
  let instance: Awaited<ReturnType<typeof DuckDBInstance.create>>;
  try {
    instance = await DuckDBInstance.create(path, { ...SEALED, ...settings });
  } catch (cause) {
    throw new InputError(`DuckDB can't open this file (${reasonOf(cause)})`, {
      place: { file },
      remedy: 'end programs that write to it, or export the table as Parquet',
      cause,
    });
  }
  try {
    const connection = await instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

async function loadDuckDb(file: string): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw new MacrogradError('not_found', 'DuckDB is not installed, which this source needs', {
      place: { file },
      remedy: 'say `npm install @duckdb/node-api`, or export the table as Parquet',
      cause,
    });
  }
}

/** Rows of one query that only reads. */
export async function runQuery(connection: DuckDBConnection, sql: string, file: string): Promise<Grid> {
  const { StatementType } = await loadDuckDb(file);
  const refuse = (problem: string, remedy: string, cause?: unknown) =>
    new InputError(problem, { place: { file }, remedy, code: 'bad_config', ...(cause === undefined ? {} : { cause }) });
  try {
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) throw refuse(`\`sql\` holds ${statements.count} statements`, 'write one SELECT');
    const statement = await statements.prepare(0);
    if (statement.statementType !== StatementType.SELECT) {
      throw refuse('`sql` does something else than read', 'write one SELECT');
    }
    const result = await statement.stream();
    const header = result.columnNames();
    const rows: Cell[][] = [];
    const toCell = cellMaker();
    for await (const some of result.yieldRowsJs()) {
      for (const row of some) rows.push(row.map(toCell));
      refuseHugeTable(file, rows.length, header.length);
    }
    return gridOfCells(file, header, rows);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw refuse(`DuckDB refuses the query: ${reasonOf(cause)}`, 'correct it', cause);
  }
}

async function chooseTable(connection: DuckDBConnection, file: string, wanted: string | undefined): Promise<string> {
  const reader = await connection.runAndReadAll(
    'SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL',
  );
  const tables = reader.getRowsJS().map(([schema, name]) => ({ schema: String(schema), name: String(name) }));
  const fullName = ({ schema, name }: (typeof tables)[number]) => `${schema}.${name}`;
  const found =
    wanted === undefined ? tables : tables.filter((table) => table.name === wanted || fullName(table) === wanted);
  if (found.length === 1) return [found[0].schema, found[0].name].map(identifier).join('.');
  const all = tables.length === 0 ? 'it has none' : `it has ${listNames(tables.map(fullName))}`;
  const problem =
    wanted === undefined ? `this database has ${tables.length} tables` : `there is no one table ${quoted(wanted)}`;
  throw new InputError(problem, { place: { file }, remedy: `say \`table\` or \`sql\`: ${all}`, code: 'bad_config' });
}

/** A name in SQL, whatever its letters. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What DuckDB says, on one line and without the copy of the query below. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // What the binding says of a text without any statement.
  if (message === 'Error in native callback') return 'there is no statement in it';
  const [said] = message.replace(/^Failed to extract statements: /, '').split(/\n\s*\n|\nLINE /);
  return said.replace(/\s+/g, ' ').trim();
}
