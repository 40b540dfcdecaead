import { InputError, periodEnd } from '@macrograd/core';
import type { Series } from './table.js';
import { onEveryPeriod } from './transform.js';

/** What becomes of a period without a value: it stays missing, or has the value before it. */
export type GapPolicy = 'missing' | 'carry';

/** Periods for which a value stands in for those that did not come. */
const LONGEST_CARRY = 3;

/**
 * A series in which a missing value is the one before, for at most three periods in a row; after its last value too, so
 * that what stands at a date never depends on whether a value came later.
 *
 * @throws InputError (`bad_config`) for daily series without a calendar, which have no gaps that one could see
 */
export function carryGaps(series: Series): Series {
  if (series.frequency === 'D' && series.holidays === undefined) {
    throw new InputError(`${series.name} is daily, and without a \`calendar\` its gaps are unknown`, {
      code: 'bad_config',
      remedy: 'give `calendar: { holidays }`, or leave `gaps` out',
    });
  }
  const { dates, values, lines } = withRoomAfter(onEveryPeriod(series));
  let newest = Number.NaN;
  let age = 0;
  const filled = values.map((value) => {
    age = Number.isNaN(value) ? age + 1 : 0;
    if (age === 0) newest = value;
    return age <= LONGEST_CARRY ? newest : Number.NaN;
  });
  return { ...series, dates, values: filled, lines };
}

/** Periods after the last date in which a value may be carried; none of daily series, whose panel ends with its data. */
function withRoomAfter(series: Series): Series {
  const { frequency, dates, values, lines } = series;
  if (frequency === 'D' || dates.length === 0) return series;
  const after: number[] = [];
  for (let i = 0, last = dates[dates.length - 1]; i < LONGEST_CARRY; i++) {
    last = periodEnd(last + 1, frequency);
    after.push(last);
  }
  return {
    ...series,
    dates: Int32Array.of(...dates, ...after),
    values: Float64Array.of(...values, ...after.map(() => Number.NaN)),
    lines: Int32Array.of(...lines, ...after.map(() => lines[lines.length - 1])),
  };
}
