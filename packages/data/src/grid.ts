import type { Place } from '@macrograd/core';
import type { Cell } from './cells.js';

/** Cells of a file, blank rows left out, with the way back to their places. Row 0 is the header unless the layout has
 * other rows before it. */
export interface Grid {
  readonly file: string;
  readonly rows: readonly (readonly Cell[])[];
  /** Line (row for Parquet), from 1, on which each row ends. */
  readonly lines: readonly number[];
  /** Blank lines and rows of empty cells that were left out. */
  readonly blankRows: number;
  /** Place of a cell; without a column, of the row. */
  place(row: number, column?: number): Place;
}
