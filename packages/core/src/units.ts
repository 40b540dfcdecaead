/** Transforms of a macro series, as named in a config. */
export type TransformId = 'none' | 'diff' | 'pct' | 'yoy' | 'yoy_diff' | 'log' | 'dlog';

/** Unit of a series after a transform: rates in % change in pp, log changes are in log-%. */
export function transformedUnit(sourceUnit: string, transform: TransformId): string {
  switch (transform) {
    case 'none':
      return sourceUnit;
    case 'diff':
      return sourceUnit === '%' ? 'pp' : sourceUnit;
    case 'pct':
    case 'yoy':
    case 'yoy_diff':
      return 'pp';
    case 'log':
    case 'dlog':
      return 'log-%';
  }
}

/** How an exposure per unit is read aloud: "% per 1 pp". */
export function exposureUnit(factorUnit: string): string {
  return `% per 1 ${factorUnit}`;
}
