import { type DayNumber, InputError } from '@macrograd/core';
import { readOptions, type TableReader } from './reader.js';
import type { FilePart } from './spec.js';
import { type Series, seriesOf, type Table } from './table.js';

/** What was expected of a series before it came out. */
export interface ConsensusSpec extends FilePart {
  /** Column of what was expected, by the same periods and in the units of the transformed series. */
  readonly consensus: string;
  /** Default: the file of the series itself. */
  readonly file?: string;
}

/** The expectations that a surprise is measured against. */
export async function readConsensus(
  surprise: number | ConsensusSpec | undefined,
  table: Table,
  name: string,
  read: TableReader,
): Promise<Series | undefined> {
  if (typeof surprise !== 'object') return undefined;
  const source = surprise.file === undefined ? table : await read({ ...readOptions(surprise), file: surprise.file });
  return seriesOf(source, surprise.consensus, `the surprise of ${name}`);
}

/**
 * A transformed series less what was expected of it, period by period; missing where one of the two is.
 *
 * @throws InputError (`bad_config`) where the two have different frequencies
 */
export function lessConsensus(series: Series, consensus: Series | undefined): Series {
  if (consensus === undefined) return series;
  if (consensus.frequency !== series.frequency) {
    throw new InputError(
      `${series.name} has frequency ${series.frequency}, its consensus ${consensus.name} ${consensus.frequency}`,
      { code: 'bad_config', remedy: 'give both by the same periods' },
    );
  }
  const expected = new Map<DayNumber, number>([...consensus.dates].map((date, i) => [date, consensus.values[i]]));
  const values = series.values.map((value, i) => value - (expected.get(series.dates[i]) ?? Number.NaN));
  return { ...series, values };
}
