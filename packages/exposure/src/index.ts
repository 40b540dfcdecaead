export { type ExposureCube, type ExposureKind, type ExposureOptions, exposureCube } from './cube.js';
export { benjaminiHochberg, type Discoveries } from './false_discovery.js';
export { halfLife, type LagProfile, type LagProfileOptions, lagProfile, peakLag } from './lag_profile.js';
export { normalCdf, normalQuantile, twoSidedNormalPValue } from './normal.js';
export { BARELY_SEEN_SHARE, type RegimeShare, regimeShare, regimeShares } from './regime.js';
export { type ExposureSummary, type SummaryOptions, summarise } from './summary.js';
