import type { Fitted, MethodId, Panel } from '@macrograd/core';
import type { Fold } from '@macrograd/evaluation';
import { type ExposureReading, exposureDrift, readExposures } from '@macrograd/exposure';
import type { DriftRecord } from '@macrograd/store';
import { INTERVAL_COVERAGE } from '../levels.js';
import { UNIVERSE } from '../tables/results.js';
import type { FitTask } from './fit.js';

/**
 * What a method's exposures do from one refit to the next, at the last training row of the later one, and with other seeds
 * of the fit on the whole span, at its last row.
 */
export class DriftReader {
  /** By method and fit: at its own last training row, at that of the next fit, and with each further seed. */
  private readonly readings = new Map<string, ExposureReading>();

  constructor(
    private readonly panel: Panel,
    private readonly folds: readonly Fold[],
    private readonly furtherSeeds: readonly number[],
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Reads one fit; of one with a further seed this is all that a run takes. */
  async add({ fit, seed }: FitTask, fitted: Fitted): Promise<void> {
    const place = fit === 'final' ? this.folds.length : fit;
    const read = (row: number) => readExposures(fitted, this.panel.inputs, row, this.signal);
    const own = await read(this.lastRow(place));
    this.readings.set(keyOf(fitted.method, place, seed ?? 'own'), own);
    if (seed === undefined && place < this.folds.length) {
      this.readings.set(keyOf(fitted.method, place, 'next'), await read(this.lastRow(place + 1)));
    }
  }

  /** Of every method each refit in order and all together, then each further seed and all; methods without intervals: none. */
  records(methods: readonly MethodId[]): DriftRecord[] {
    const names = [...this.folds.map(({ index }) => String(index)), 'final'];
    return methods.flatMap((method) => [
      ...withTotal(
        this.folds.flatMap((_, place) =>
          this.record(method, 'refit', names[place], names[place + 1], [place, 'next'], [place + 1, 'own']),
        ),
      ),
      ...withTotal(
        this.furtherSeeds.flatMap((seed) =>
          this.record(method, 'seed', `seed ${seed}`, 'final', [this.folds.length, seed], [this.folds.length, 'own']),
        ),
      ),
    ]);
  }

  private record(
    method: MethodId,
    kind: DriftRecord['kind'],
    from: string,
    to: string,
    earlier: [number, string | number],
    later: [number, string | number],
  ): DriftRecord[] {
    const [before, after] = [earlier, later].map(([place, what]) => this.readings.get(keyOf(method, place, what)));
    if (!before || !after) return [];
    const { pairs, outside, change } = exposureDrift(before, after, INTERVAL_COVERAGE);
    return pairs === 0 ? [] : [{ method, kind, from, to, pairs, outside, change }];
  }

  private lastRow(place: number): number {
    return place < this.folds.length ? this.folds[place].train.end - 1 : this.panel.axis.dates.length - 1;
  }
}

/** The records and a last one of all their pairs. */
function withTotal(records: readonly DriftRecord[]): DriftRecord[] {
  if (records.length === 0) return [];
  const pairs = records.reduce((sum, own) => sum + own.pairs, 0);
  const mean = (of: (own: DriftRecord) => number) => records.reduce((sum, own) => sum + own.pairs * of(own), 0) / pairs;
  const outside = mean((own) => own.outside);
  const change = Math.sqrt(mean((own) => own.change ** 2));
  return [...records, { ...records[0], from: UNIVERSE, to: UNIVERSE, pairs, outside, change }];
}

function keyOf(method: MethodId, place: number, what: string | number): string {
  return `${method}/${place}/${what}`;
}
