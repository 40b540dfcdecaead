export { CancelToken, compileBinding, fetchBinding, moduleUrl, type WasmBinding } from './binding.js';
