import { normalQuantile } from '@macrograd/exposure';

/** False-discovery rate at which exposures are called selected. */
export const SCREENING_LEVEL = 0.1;

/** Coverage of the intervals of all tables. */
export const INTERVAL_COVERAGE = 0.9;

/** Half the width of such an interval in standard errors. */
export const HALF_WIDTH = normalQuantile((1 + INTERVAL_COVERAGE) / 2);
