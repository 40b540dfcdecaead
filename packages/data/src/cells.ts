/** A cell as it lies in a file: text, or a number where the file is typed. */
export type Cell = string | number;

/** A cell that can't be read: what is wrong with it and what to do. The caller adds the place. */
export interface CellProblem {
  readonly problem: string;
  readonly remedy: string;
}

const MISSING = /^(?:|\.|#?n\/?a|nan|null)$/i;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Short cells of digits and a point, the bulk of any file, read without a pattern; undefined for all others. */
function plainNumber(cell: string): number | undefined {
  if (cell.length === 0) return Number.NaN;
  if (cell.length > 17) return undefined;
  let points = 0;
  for (let i = cell.charCodeAt(0) === MINUS ? 1 : 0; i < cell.length; i++) {
    const code = cell.charCodeAt(i);
    if (code === POINT) points++;
    else if (code < ZERO || code > NINE) return undefined;
  }
  const value = points > 1 ? Number.NaN : Number(cell);
  return Number.isNaN(value) ? undefined : value;
}

/** A cell that needs no second look: a number of a typed file, NaN being missing, or {@link plainNumber}; else undefined. */
function plainValue(cell: Cell, decimal: '.' | ','): number | undefined {
  if (typeof cell === 'number') return Math.abs(cell) === Number.POSITIVE_INFINITY ? undefined : cell;
  return decimal === '.' ? plainNumber(cell) : undefined;
}

const [MINUS, POINT, ZERO, NINE] = Array.from('-.09', (character) => character.charCodeAt(0));

/**
 * Reads a number cell; missing (empty, `.`, NA, N/A, #N/A, NaN, null) is NaN. Infinity and decorated numbers are problems.
 *
 * @param decimal - the decimal mark.
 */
export function readNumber(cell: Cell, decimal: '.' | ',' = '.'): number | CellProblem {
  const plain = plainValue(cell, decimal);
  if (plain !== undefined) return plain;
  const shown = String(cell).trim();
  if (decimal === ',' && shown.includes('.') && /\d/.test(shown)) {
    return { problem: `${quoted(shown)} has a point, and commas mark decimals here`, remedy: 'write 1234,5' };
  }
  const text = decimal === ',' ? shown.replace(',', '.') : shown;
  if (NUMBER.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    return { problem: `${quoted(text)} is too large for a number`, remedy: 'correct it or leave the cell empty' };
  }
  if (MISSING.test(text)) return Number.NaN;
  return { problem: `${quoted(text)} is not a number`, remedy: numberRemedy(text) };
}

function numberRemedy(text: string): string {
  if (/^[+-]?(?:inf|infinity)$/i.test(text))
    return 'infinite values are refused; leave the cell empty if it is missing';
  if (/^[-–—]+$/.test(text)) return 'leave the cell empty if it is missing';
  if (/^[−–—]/.test(text)) return 'write negative numbers with a hyphen (-)';
  if (/^[+-]?\d{1,3}(?:\.\d{3})+,\d+$|^[+-]?\d{1,3}(?:[\s'_]\d{3})+(?:[.,]\d+)?$/.test(text)) {
    return 'write numbers without thousands separators';
  }
  if (/^[+-]?\d+,\d+$/.test(text)) return 'write decimals with a point and no thousands separator';
  if (/^[+-]?[\d,]+(\.\d+)?$/.test(text)) return 'write numbers without thousands separators';
  if (/^\(.*\)$/.test(text)) return 'write negative numbers with a minus sign';
  if (/^[-=+@]/.test(text)) return 'give values, not formulas';
  if (/[%$€£¥]/.test(text)) return 'write plain numbers; percent returns are declared with `unit: percent`';
  return 'write a number, or leave the cell empty if it is missing';
}

/** Text of a cell for a message: at most 40 characters, control characters replaced. */
export function quoted(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}]/gu, '�');
  return `"${clean.length > 40 ? `${clean.slice(0, 40)}…` : clean}"`;
}
