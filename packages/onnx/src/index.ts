export { modelToOnnx, OUTPUT_NAME } from './export.js';
export { exposureForms } from './exposure-outputs.js';
export { ASSETS_NAME, type ExposureExportOptions, exposuresToOnnx } from './exposures.js';
export { type ExportOptions, INPUT_NAME, windowLength } from './file.js';
export type { WeightType } from './graph.js';
export { GATE_PERMUTATION } from './lstm-graph.js';
export { type OnnxParity, runOnnx, verifyOnnx } from './verify.js';
export { type OnnxExposures, runExposures, verifyExposures } from './verify-exposures.js';
export { factorWindows } from './windows.js';
