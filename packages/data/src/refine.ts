import { InputError } from '@macrograd/core';
import { cycle } from './filter.js';
import { removeOutliers, removeOutliersAsOf, winsoriseAsOf } from './robust.js';
import type { SeriesSpec } from './spec.js';
import { surprise } from './surprise.js';
import type { Series } from './table.js';
import { onEveryPeriod } from './transform.js';

/** What may come before a transform (a fill) and what may follow it, in this order. */
type Steps = Pick<SeriesSpec, 'fill' | 'gaps' | 'filter' | 'outliers' | 'winsorise' | 'surprise'>;

/** Filters, cleans and takes the forecast off a transformed series, as far as its spec asks for. */
export function refine(series: Series, steps: Steps): Series {
  if (stepNames(steps).length === 0) return series;
  const regular = onEveryPeriod(series);
  let { values } = regular;
  if (steps.filter !== undefined) values = cycle(values, series.frequency, steps.filter);
  if (steps.outliers === 'iqr') values = removeOutliersAsOf(values);
  if (steps.outliers === 'iqr_full') values = removeOutliers(values);
  if (steps.winsorise !== undefined) values = winsoriseAsOf(values, steps.winsorise);
  if (typeof steps.surprise === 'number') values = surprise(values, steps.surprise);
  return { ...regular, values };
}

/**
 * Refuses steps that look ahead.
 *
 * @throws InputError (`bad_config`) for a two-sided filter or outliers judged from all values
 */
export function refusePeeking(name: string, steps: Steps, file: string): void {
  const problem =
    steps.filter !== undefined
      ? `the filter ${steps.filter} of ${name} is two-sided: its value at t depends on values after t`
      : steps.outliers === 'iqr_full'
        ? `the outliers of ${name} are judged from all values, those after t too`
        : steps.fill?.isTwoSided
          ? `the fill of ${name} (${steps.fill.label}) is two-sided: its value at t depends on values after t`
          : undefined;
  if (problem === undefined) return;
  throw new InputError(`${problem}, and the timing is "available"`, {
    code: 'bad_config',
    place: { file },
    remedy: remedyFor(steps),
  });
}

function remedyFor({ filter, outliers }: Steps): string {
  if (filter !== undefined) return 'take yoy or surprise, or explain with `timing: reference`';
  return outliers === 'iqr_full' ? 'take `outliers: iqr`' : 'take `fill: { method: kalman }`, or leave it out';
}

/** A transform, what comes before and what follows it, in words for tables and reports. */
export function stepsText(transform: string, steps: Steps): string {
  const { fill } = steps;
  const filled = fill === undefined ? [] : [`fill by ${fill.label}${fill.isTwoSided ? ' (two-sided)' : ''}`];
  const carried = steps.gaps === 'carry' ? ['gaps carried'] : [];
  return [...filled, ...carried, transform, ...stepNames(steps)].join(', ');
}

function stepNames({ filter, outliers, winsorise, surprise: news }: Steps): string[] {
  return [
    ...(filter === undefined ? [] : [`${filter} cycle (two-sided)`]),
    ...(outliers === undefined ? [] : [outliers === 'iqr' ? 'outliers out' : 'outliers out (two-sided)']),
    ...(winsorise === undefined ? [] : [`winsorised at ${winsorise}`]),
    ...(news === undefined ? [] : [`surprise against ${typeof news === 'number' ? `an AR(${news})` : news.consensus}`]),
  ];
}
