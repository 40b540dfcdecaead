/** False-discovery rate at which exposures are called selected. */
export const SCREENING_LEVEL = 0.1;

/** Coverage of the intervals of all tables. */
export const INTERVAL_COVERAGE = 0.9;
