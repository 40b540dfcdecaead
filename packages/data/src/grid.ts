import { InputError, type Place } from '@macrograd/core';
import type { Cell, CellProblem } from './cells.js';
import type { ReadOptions } from './spec.js';

/** Cells of a file, blank rows left out, with the way back to their places. Row 0 is the header unless the layout has
 * other rows before it. */
export interface Grid {
  readonly file: string;
  readonly rows: readonly (readonly Cell[])[];
  /** Line (row for Parquet), from 1, on which each row ends. */
  readonly lines: readonly number[];
  /** Blank lines and rows of empty cells that were left out. */
  readonly blankRows: number;
  /** Decimal mark of its numbers; default the point. */
  readonly decimal?: '.' | ',';
  /** Whether it was chosen from the tables of a database already. */
  readonly isDatabase?: boolean;
  /** What opening it and cutting it up found out and its owner should know. */
  readonly notes?: readonly string[];
  /** Place of a cell; without a column, of the row. */
  place(row: number, column?: number): Place;
}

/** A grid on its way to becoming series: how it is to be read, and what there is to tell. */
export interface Reading {
  readonly grid: Grid;
  readonly options: ReadOptions;
  /** Grows while reading. */
  readonly notes: string[];
}

/** Refuses a cell with its place. */
export function refuse(grid: Grid, row: number, column: number, { problem, remedy }: CellProblem): never {
  throw new InputError(problem, { place: grid.place(row, column), remedy });
}
