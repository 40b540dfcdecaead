import { InputError, type Place } from '@macrograd/core';
import type { Cell } from './cells.js';
import type { Grid } from './grid.js';

/** Cells of one file beyond which it is not read: 2 GiB of numbers in memory. */
const MOST_CELLS = 2 ** 28;

/** Refuses a table by what it says of its own size, before any of it is unpacked. */
export function refuseHugeTable(file: string, rows: number, columns: number): void {
  if (rows * columns <= MOST_CELLS) return;
  throw new InputError(`this file says that it has ${rows} rows of ${columns} columns`, {
    place: { file },
    remedy: 'take the columns that you need',
  });
}

/** One column of a typed file. */
export interface TypedColumn {
  readonly name: string;
  readonly values: ArrayLike<unknown>;
}

/** Grid of a typed file: a header row, then the rows; the place of a cell is its row and column, from 1. */
export function gridOfColumns(file: string, columns: readonly TypedColumn[]): Grid {
  const count = columns[0]?.values.length ?? 0;
  refuseHugeTable(file, count, columns.length);
  const toCell = cellMaker();
  const rows = Array.from({ length: count }, (_, row) => columns.map(({ values }) => toCell(values[row])));
  return gridOfCells(
    file,
    columns.map(({ name }) => name),
    rows,
  );
}

/** As {@link gridOfColumns}, of rows of cells. */
export function gridOfCells(file: string, header: readonly string[], cells: readonly (readonly Cell[])[]): Grid {
  const rows = [header, ...cells];
  const lines = rows.map((_, row) => row);
  const place = (row: number, column?: number): Place => {
    const line = lines[row];
    return column === undefined ? { file, line } : { file, line, column: column + 1 };
  };
  return { file, rows, lines, blankRows: 0, place };
}

/** What turns typed values into cells; it remembers days, of which a table of many series has few. */
export function cellMaker(): (value: unknown) => Cell {
  const days = new Map<number, string>();
  const dayText = (day: Date) => {
    const known = days.get(day.getTime());
    if (known !== undefined) return known;
    const text = day.toISOString().replace('T00:00:00.000Z', '');
    days.set(day.getTime(), text);
    return text;
  };
  return (value) => {
    if (value === null || value === undefined) return '';
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint') return Number(value);
    return value instanceof Date ? dayText(value) : String(value);
  };
}
