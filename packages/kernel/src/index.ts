export { nativeVersion, type RunOptions } from './native.js';
