import { InputError } from '@macrograd/core';
import type { FillSpec, LongValues } from '@macrograd/data';
import { chowLin, driftPath } from '@macrograd/linear';
import type { ConfigDocument, ConfigPath } from './document.js';
import type { RawConfig } from './schema.js';

/** A series' `fill` as written. */
export type RawFill = NonNullable<NonNullable<RawConfig['factors'][number]['series']>[string]['fill']>;

/** What draws the path of a series of lower frequency; undefined where the last known value is carried. */
export function fillSpec({ method, indicator, value, reading, log }: RawFill): FillSpec | undefined {
  if (method === 'last') return undefined;
  const draw = method === 'chow_lin' ? chowLin : driftPath;
  const name = method === 'chow_lin' ? (indicator === undefined ? 'Denton' : 'Chow-Lin') : `Kalman ${reading}`;
  const label = indicator === undefined ? name : `${name} on ${indicator}`;
  const path = (long: LongValues) => draw({ ...long, value }).values;
  return {
    label: log ? `${label} in logarithms` : label,
    isTwoSided: isTwoSided({ method, reading }),
    ...(indicator === undefined ? {} : { indicator }),
    path: log ? (long) => inLogarithms(long, value, draw) : path,
  };
}

/**
 * A path through the logarithms, whose mean over a long period is taken for the logarithm of its values' mean: wrong by
 * half their variance within the period, which is some 1e-5 for growth of 1 % a month (Mariano and Murasawa 2003).
 */
function inLogarithms(long: LongValues, value: RawFill['value'], draw: typeof chowLin): Float64Array {
  const { lengths, values, indicator } = long;
  if (values.some((x) => x <= 0) || indicator?.some((x) => x <= 0)) {
    throw new InputError('a fill in logarithms needs positive values, of the series and of its indicator', {
      code: 'bad_config',
      remedy: 'leave `log` out',
    });
  }
  const logs = values.map((x, at) => Math.log(value === 'sum' ? x / lengths[at] : x));
  const mean = { ...long, values: logs, value: value === 'sum' ? 'mean' : value } as const;
  const drawn = draw({ ...mean, ...(indicator ? { indicator: indicator.map(Math.log) } : {}) }).values;
  return drawn.map(Math.exp);
}

function isTwoSided({ method, reading }: Pick<RawFill, 'method' | 'reading'>): boolean {
  return method === 'chow_lin' || (method === 'kalman' && reading === 'smoother');
}

/**
 * Refuses fills that contradict themselves or the rest of the config.
 *
 * @throws InputError with line and column
 */
export function checkFills(document: ConfigDocument, raw: RawConfig): void {
  const names = new Set(raw.factors.flatMap(({ series }) => Object.keys(series ?? {})));
  raw.factors.forEach((source, index) => {
    for (const [name, { fill }] of Object.entries(source.series ?? {})) {
      if (fill !== undefined) checkFill(document, raw, ['factors', index, 'series', name, 'fill'], fill, names);
    }
  });
}

function checkFill(
  document: ConfigDocument,
  raw: RawConfig,
  path: ConfigPath,
  { method, indicator, reading }: RawFill,
  names: ReadonlySet<string>,
): void {
  const refuse = (key: string, problem: string, remedy: string) => {
    const place = document.placeOf([...path, key]);
    throw new InputError(problem, { place, remedy, code: 'bad_config' });
  };
  const own = path[path.length - 2];
  if (indicator !== undefined && method === 'last') {
    refuse(
      'indicator',
      `the fill of ${own} carries its last value and follows no indicator`,
      'leave the indicator out',
    );
  }
  if (indicator !== undefined && (indicator === own || !names.has(indicator))) {
    const known = [...names].filter((name) => name !== own);
    const problem = `the fill of ${own} follows "${indicator}", which is no other series of the config`;
    refuse('indicator', problem, known.length > 0 ? `take one of ${known.join(', ')}` : 'define it beside the series');
  }
  if (raw.timing === 'available' && isTwoSided({ method, reading })) {
    const problem = `the fill of ${own} is two-sided: its value at t depends on values after t, and the timing is "available"`;
    refuse(method === 'kalman' ? 'reading' : 'method', problem, 'take `{ method: kalman }`, read as a filter');
  }
}
