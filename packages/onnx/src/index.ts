export { INPUT_NAME, modelToOnnx, OUTPUT_NAME, windowLength } from './export.js';
export { GATE_PERMUTATION } from './lstm-graph.js';
export { type OnnxParity, runOnnx, verifyOnnx } from './verify.js';
export { factorWindows } from './windows.js';
