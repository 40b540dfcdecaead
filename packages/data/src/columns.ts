import type { DayNumber } from '@macrograd/core';
import { type Cell, quoted, readNumber } from './cells.js';
import { type DateStyle, dateRemedy, dateStyle, readDate, slashOrder } from './dates.js';
import { type Grid, type Reading, refuse } from './grid.js';
import { quantile } from './robust.js';

/** Dates of a column's rows firstRow <= row < endRow, all in one style. */
export function readDates(reading: Reading, column: number, firstRow: number, endRow: number): Int32Array {
  const { grid } = reading;
  const cells = grid.rows.slice(firstRow, endRow).map((row) => row[column]);
  const style = styleOf(reading, cells, column, firstRow);
  const known = new Map<Cell, DayNumber>();
  return Int32Array.from(cells, (cell, i) => {
    const seen = known.get(cell);
    if (seen !== undefined) return seen;
    const day = readDate(cell, style);
    if (typeof day !== 'number') return refuse(grid, firstRow + i, column, day);
    known.set(cell, day);
    return day;
  });
}

function styleOf({ grid, options, notes }: Reading, cells: readonly Cell[], column: number, row: number): DateStyle {
  const style = dateStyle(cells[0]);
  const text = String(cells[0]).trim();
  if (style === undefined) {
    return refuse(grid, row, column, { problem: `${quoted(text)} is not a date`, remedy: dateRemedy(text) });
  }
  if (style !== 'MM/DD/YYYY') return style;
  if (options.dateOrder !== undefined) return options.dateOrder === 'mdy' ? 'MM/DD/YYYY' : 'DD/MM/YYYY';
  const found = slashOrder(cells);
  if (found === 'ambiguous') {
    const remedy = 'say `date_order: mdy` or `date_order: dmy`, or write YYYY-MM-DD';
    return refuse(grid, row, column, {
      problem: `${quoted(text)} may be month or day first, as all dates here`,
      remedy,
    });
  }
  const chosen = found.order === 'mdy' ? 'MM/DD/YYYY' : 'DD/MM/YYYY';
  if (found.isInferred) notes.push(`dates were read as ${chosen}; \`date_order\` says otherwise`);
  return chosen;
}

/** Numbers that files write for missing; a value that can be one of them is refused if it lies far from all others. */
const SUSPECTS: ReadonlySet<number> = new Set([-99, -99.99, -999, -999.9, -999.99, -9999, -99999, 9999, 99999, 999999]);

/** Interquartile ranges from the median beyond which a suspect is no plausible value. */
const IMPLAUSIBLE_RANGES = 10;

/** Observations below which suspects are not judged. */
const ENOUGH_TO_JUDGE = 8;

/**
 * Numbers of columns at the given grid rows, declared marks of missing values as NaN; one array a column.
 *
 * Goes row by row, as the cells lie in memory, and so refuses the first bad cell of the file.
 */
export function readNumbers(reading: Reading, columns: readonly number[], rows: ArrayLike<number>): Float64Array[] {
  const { grid, options } = reading;
  const out = columns.map(() => new Float64Array(rows.length));
  const suspicious = new Set<number>();
  for (let i = 0; i < rows.length; i++) {
    const cells = grid.rows[rows[i]];
    for (let j = 0; j < columns.length; j++) {
      const value = readNumber(cells[columns[j]], grid.decimal);
      if (typeof value !== 'number') return refuse(grid, rows[i], columns[j], value);
      out[j][i] = value;
      if ((value <= -99 || value >= 9999) && SUSPECTS.has(value)) suspicious.add(j);
    }
  }
  const { missing } = options;
  if (missing) return out.map((values) => values.map((value) => (missing.includes(value) ? Number.NaN : value)));
  for (const j of suspicious) refuseSentinel(grid, columns[j], rows, out[j]);
  return out;
}

function refuseSentinel(grid: Grid, column: number, rows: ArrayLike<number>, values: Float64Array): void {
  const others = values.filter((value) => !Number.isNaN(value) && !SUSPECTS.has(value)).sort();
  if (others.length < ENOUGH_TO_JUDGE) return;
  const range = quantile(others, 0.75) - quantile(others, 0.25);
  const median = quantile(others, 0.5);
  const isFar = (value: number) => Math.abs(value - median) > IMPLAUSIBLE_RANGES * range;
  const at = values.findIndex((value) => SUSPECTS.has(value) && isFar(value));
  if (at < 0) return;
  refuse(grid, rows[at], column, {
    problem: `${values[at]} lies far from the column's other values: a mark for missing?`,
    remedy: `say \`missing: [${values[at]}]\` if it is, \`missing: []\` if it is a value`,
  });
}
