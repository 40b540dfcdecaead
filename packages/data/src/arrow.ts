import { InputError } from '@macrograd/core';
import { gridOfColumns } from './columnar.js';
import type { Grid } from './grid.js';

/** Whether bytes are Arrow's file format (also called Feather 2), or its stream format by the mark of a first message. */
export function looksArrow(bytes: Buffer): boolean {
  return bytes.subarray(0, 6).toString('latin1') === 'ARROW1' || bytes.subarray(0, 4).toString('hex') === 'ffffffff';
}

/** Rows of an Arrow file or stream behind a header row of its column names; the place of a cell is its row, from 1. */
export async function readArrow(bytes: Buffer, file: string): Promise<Grid> {
  // Loaded here, as few files are Arrow's.
  const { tableFromIPC } = await import('@uwdata/flechette');
  try {
    const table = tableFromIPC(new Uint8Array(bytes), { useDate: true });
    const columns = table.names.map((name, i) => ({ name, values: table.getChildAt(i).toArray() }));
    return gridOfColumns(file, columns);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`this Arrow file can't be read (${reason})`, {
      place: { file },
      remedy: 'write it without compression, or as Parquet',
      cause,
    });
  }
}
