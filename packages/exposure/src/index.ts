export { type AlarmOptions, type ExposureAlarms, monitorExposures } from './alarm.js';
export { type Attribution, type AttributionOptions, integratedGradients } from './attribution.js';
export { type ExposureCube, type ExposureKind, type ExposureOptions, exposureCube } from './cube.js';
export { type ExposureDrift, type ExposureReading, exposureDrift, readExposures } from './drift.js';
export {
  adaptiveBenjaminiHochberg,
  benjaminiHochberg,
  benjaminiYekutieli,
  type Discoveries,
} from './false_discovery.js';
export { crossPartials, jointShock } from './interactions.js';
export { type LagInterval, NO_LAG_INTERVAL } from './lag_interval.js';
export { halfLife, type LagProfile, type LagProfileOptions, lagProfile, peakLag } from './lag_profile.js';
export { normalCdf, normalQuantile, twoSidedNormalPValue } from './normal.js';
export { type PermutationOptions, permutationImportance } from './permutation.js';
export {
  BARELY_SEEN_SHARE,
  BARELY_SEEN_SIDE,
  type RegimeShare,
  regimeShare,
  regimeShares,
  sideShares,
} from './regime.js';
export { unitDivisors } from './scale.js';
export { type AddedVariable, AddedVariableTest } from './screening/added_variable.js';
export { Basis } from './screening/basis.js';
export { combinePValues, type WeightedPValue } from './screening/combine.js';
export { doubleSelection } from './screening/double_selection.js';
export { type KnockoffOptions, type KnockoffScreen, knockoffScreen } from './screening/knockoffs.js';
export { hacLags, type Screen, type ScreenOptions, screenFactors } from './screening/screen.js';
export {
  type StabilityOptions,
  type StabilitySelection,
  stabilitySelection,
} from './screening/stability_selection.js';
export { twoSidedStudentPValue } from './student_t.js';
export { type ExposureSummary, type SummaryOptions, summarise } from './summary.js';
export { type ExposureCurve, exposureCurve, signChange, type Threshold } from './threshold.js';
export { totalExposures } from './total.js';
