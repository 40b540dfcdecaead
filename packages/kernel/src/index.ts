export {
  type EwmCrossSection,
  type EwmRegressionOptions,
  ewmCrossSection,
  ewmRegression,
  type OlsRegression,
  type OlsRegressionOptions,
  olsRegression,
  type RegressionPanel,
  type RegressionPath,
  type RegressionRange,
  type RollingRegressionOptions,
  rollingRegression,
} from './linear.js';
export { nativeVersion, type RunOptions } from './native.js';
