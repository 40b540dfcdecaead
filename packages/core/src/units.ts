import { InputError } from './errors.js';

/** Transforms of a macro series, as named in a config. */
export type TransformId =
  | 'none'
  | 'diff'
  | 'diff2'
  | 'pct'
  | 'pct_diff'
  | 'yoy'
  | 'yoy_diff'
  | 'log'
  | 'dlog'
  | 'dlog2';

/** Unit of a series after a transform: rates in % change in pp, log changes are in log-%. */
export function transformedUnit(sourceUnit: string, transform: TransformId): string {
  switch (transform) {
    case 'none':
      return sourceUnit;
    case 'diff':
    case 'diff2':
      return sourceUnit === '%' ? 'pp' : sourceUnit;
    case 'pct':
    case 'pct_diff':
    case 'yoy':
    case 'yoy_diff':
      return 'pp';
    case 'log':
    case 'dlog':
    case 'dlog2':
      return 'log-%';
  }
}

/** Unit of a series whose owner names none. */
const UNNAMED_UNIT = 'unit';

/**
 * Unit of a transformed series, given what its owner says it is.
 *
 * @throws InputError (`bad_config`) when the transform makes another unit than the declared one.
 *
 * @example
 * declaredUnit('diff', '%'); // 'pp'
 * declaredUnit('dlog', undefined); // 'log-%'
 */
export function declaredUnit(transform: TransformId, declared: string | undefined): string {
  const unit = transformedUnit(declared ?? UNNAMED_UNIT, transform);
  const keepsUnit = transform === 'none' || transform === 'diff' || transform === 'diff2';
  if (keepsUnit || declared === undefined || declared === unit) return unit;
  throw new InputError(`the transform ${transform} gives ${unit}, not ${declared}`, {
    code: 'bad_config',
    remedy: `say unit: ${unit} or leave it out`,
  });
}

/** How an exposure per unit is read aloud: "% per 1 pp". */
export function exposureUnit(factorUnit: string): string {
  return `% per 1 ${factorUnit}`;
}
